// A primary and its standbys: what is confirmed is on both, and the journal follows the one that takes writes.
import assert from 'node:assert/strict';
import { issued, NEVER } from '../../../adapters/storage/sqlite/records.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { isRefused, startJournal, STATEMENT_TIMEOUT_MS } from '../support/journals.ts';

describe('A PostgreSQL with a standby', function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('is found behind its standby, and followed to it when that takes over', async () => {
    await using primary = await PostgresCluster.start();
    await using standby = await primary.standby({ synchronous: true });
    const hosts = [standby, primary].map(({ host, port }) => ({ host, port }));
    await using started = await startJournal(primary, { hosts });
    const { journal, events } = started;
    await journal.append(issued('before'), { signal: NEVER });
    await primary.kill9();
    await standby.promote();
    await eventually('it works', () => journal.problem === undefined, { withinMs: 45_000 });
    await journal.append(issued('after'), { signal: NEVER });
    const rows = await standby.query('SELECT decision_id FROM decisions ORDER BY id');
    assert.deepEqual(rows, [['before'], ['after']]);
    assert.equal(events.of('journalFailing').length, events.of('journalRecovered').length);
  });

  it('that took over is found by a server that starts when the former primary is back', async () => {
    await using former = await PostgresCluster.start();
    await using promoted = await former.standby({ synchronous: true });
    former.freeze();
    await promoted.promote();
    former.thaw();
    const hosts = [former, promoted].map(({ host, port }) => ({ host, port }));
    await using started = await startJournal(former, { hosts });
    await started.journal.append(issued('by the new one'), { signal: NEVER });
    const recorded = "SELECT count(*) FROM decisions WHERE decision_id = 'by the new one'";
    assert.deepEqual(await promoted.query(recorded), [['1']]);
  });

  it('alone is read only, and takes nothing', async () => {
    await using primary = await PostgresCluster.start();
    await using standby = await primary.standby({ synchronous: false });
    const starting = startJournal(standby, {}, AbortSignal.timeout(1_500));
    await assert.rejects(starting, /aborted|timeout/i);
    const hosts = [standby, primary].map(({ host, port }) => ({ host, port }));
    await using started = await startJournal(primary, { hosts });
    await primary.stop();
    await isRefused(
      started.journal.append(issued('a'), { signal: NEVER }),
      'CAP-S04',
      /nothing listens.*takes no writes/,
    );
    assert.match(started.journal.problem ?? '', /takes no writes/);
  });

  it('whose standby is away confirms nothing, holds no connections, and has each record once when it is back', async () => {
    await using primary = await PostgresCluster.start();
    await using standby = await primary.standby({ synchronous: true });
    await using started = await startJournal(primary);
    const { journal, events } = started;
    await journal.append(issued('before'), { signal: NEVER });
    await standby.stop();
    const tookMs = await isRefused(journal.append(issued('waiting'), { signal: NEVER }), 'CAP-S04');
    assert.ok(tookMs < 2 * STATEMENT_TIMEOUT_MS + 1_500);
    // On the primary's disk it is already, and a second statement that skipped it would be told so without a wait.
    const again = async (): Promise<unknown> =>
      isRefused(journal.append(issued('waiting'), { signal: NEVER }), 'CAP-S04');
    await again();
    await eventually(
      'several probes',
      async () => {
        await again();
        return events.of('journalFailing').length === 1;
      },
      { withinMs: 30_000 },
    );
    const sessions = `SELECT count(*) FROM pg_stat_activity WHERE usename = '${primary.user}'`;
    await eventually('few sessions', async () => Number((await primary.query(sessions))[0]?.[0]) <= 3, {
      withinMs: 30_000,
    });
    await standby.restart();
    await eventually('it works', () => journal.problem === undefined, { withinMs: 45_000 });
    await journal.append(issued('waiting'), { signal: NEVER });
    const rows = await standby.query("SELECT decision_id FROM decisions WHERE decision_id = 'waiting'");
    assert.deepEqual(rows, [['waiting']]);
    assert.equal(events.of('journalRecovered').length, 1);
  });
});
