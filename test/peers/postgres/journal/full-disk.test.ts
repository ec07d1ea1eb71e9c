import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { issued, NEVER } from '../../../adapters/storage/sqlite/records.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { giveToServer } from '../../../support/postgres/server-user.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { isRefused, startJournal } from '../support/journals.ts';

describe('A PostgreSQL whose disk is full', function () {
  this.timeout(120_000);
  let disk: string;

  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    disk = mkdtempSync(path.join(tmpdir(), 'capstan-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      rmSync(disk, { recursive: true });
      // Only root may, and not in every container.
      for (const test of this.test!.parent!.tests) test.title += ' (skipped: no small disk can be mounted here)';
      this.skip();
    }
    giveToServer(disk);
  });
  after(() => {
    execFileSync('umount', ['--lazy', disk]);
    rmSync(disk, { recursive: true });
  });

  it('records nothing and says so, and goes on when there is room', async () => {
    await using cluster = await PostgresCluster.start();
    await using started = await startJournal(cluster);
    const { journal, events } = started;
    await cluster.query(`CREATE TABLESPACE small LOCATION '${disk}'`);
    await cluster.query('ALTER TABLE decisions SET TABLESPACE small');
    assert.throws(() => writeFileSync(path.join(disk, 'filler'), Buffer.alloc(4 << 20)), /ENOSPC/);
    const confirmed: string[] = [];
    const fill = async (): Promise<void> => {
      for (let n = 0; n < 1_000; n += 1) {
        await journal.append(issued(`d-${n}`), { signal: NEVER });
        confirmed.push(`d-${n}`);
      }
    };
    await isRefused(fill(), 'CAP-S04', /cannot grow: its disk is full/);
    // A probe that wrote less than a record would call the journal well again.
    await eventually('three probes', async () => (await probes(cluster)) >= 3, { withinMs: 20_000 });
    assert.deepEqual([events.of('journalFailing').length, events.of('journalRecovered').length], [1, 0]);
    rmSync(path.join(disk, 'filler'));
    await eventually('it works', () => journal.problem === undefined, { withinMs: 20_000 });
    await journal.append(issued('after'), { signal: NEVER });
    assert.equal(events.of('journalRecovered').length, 1);
    const rows = await cluster.query('SELECT decision_id FROM decisions ORDER BY id');
    assert.deepEqual(
      rows.map(([id]) => id),
      [...confirmed, 'after'],
    );
  });
});

/** How often the full disk was met. */
async function probes(cluster: PostgresCluster): Promise<number> {
  return Promise.resolve(cluster.log.split('No space left on device').length - 1);
}
