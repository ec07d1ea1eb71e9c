import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { ISSUER_LEDGER } from '../../../../src/adapters/storage/ledgers/issuer-ledger.ts';
import { PostgresPool } from '../../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import { PostgresLedgers } from '../../../../src/adapters/storage/postgres/shared/postgres-ledgers.ts';
import { NO_LEDGER } from '../../../../src/domain/trust/issuer-ledger.ts';
import { UNCHANGED } from '../../../../src/ports/storage/ledgers.ts';
import { ledgerAfter, operation } from '../../../support/contracts/ledgers.ts';
import { issued, NEVER } from '../../../adapters/storage/sqlite/records.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { giveToServer } from '../../../support/postgres/server-user.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { isRefused, settingsOf, startJournal } from '../support/journals.ts';

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

  it('changes no ledger, nor the record of it, and says so, and changes it when there is room', async () => {
    await using cluster = await PostgresCluster.start();
    await using started = await startJournal(cluster);
    await using database = new PostgresPool({ clock: new SystemClock() }, settingsOf(cluster));
    await cluster.query(`CREATE TABLESPACE small LOCATION '${disk}'`);
    await cluster.query('ALTER TABLE issuer_ledgers SET TABLESPACE small');
    assert.throws(() => writeFileSync(path.join(disk, 'filler'), Buffer.alloc(4 << 20)), /ENOSPC/);
    const ledgers = new PostgresLedgers({ database }, { trust: 'corp.example', form: ISSUER_LEDGER });
    const change = async (): Promise<unknown> =>
      ledgers.replace(UNCHANGED, ledgerAfter(NO_LEDGER, 'suspend'), operation(), { signal: NEVER });
    await isRefused(change(), 'CAP-S04', /cannot grow: its disk is full/);
    assert.deepEqual(await ledgers.revision({ signal: NEVER }), UNCHANGED);
    rmSync(path.join(disk, 'filler'));
    assert.notEqual(await change(), undefined);
    assert.deepEqual(await cluster.query('SELECT count(*) FROM operations'), [['1']]);
    assert.equal(started.journal.problem, undefined);
    await cluster.query('DROP TABLE issuer_ledgers');
    await cluster.query('DROP TABLESPACE small');
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
    await eventually('three probes', async () => (await probes(cluster)) >= 3, { withinMs: 40_000 });
    assert.deepEqual([events.of('journalFailing').length, events.of('journalRecovered').length], [1, 0]);
    rmSync(path.join(disk, 'filler'));
    await eventually('it works', () => journal.problem === undefined, { withinMs: 40_000 });
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
