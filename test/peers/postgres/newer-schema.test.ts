// A server that was put back, or that is not yet replaced, finds the database as the newer one has migrated it.
import assert from 'node:assert/strict';
import { issued, NEVER } from '../../adapters/storage/sqlite/records.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { MIGRATIONS, USABLE_FROM } from '../../../src/adapters/storage/postgres/schema/migrations.ts';
import { peerOrSkip } from '../support/presence.ts';
import { isRefused, startJournal } from './support/journals.ts';

const KNOWN = MIGRATIONS.length;
const SELECT_VERSION = 'SELECT version, usable_from FROM schema_version';

describe('A database that a newer Capstan has migrated', function () {
  this.timeout(120_000);
  let cluster: PostgresCluster;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
  });
  after(async () => (cluster as PostgresCluster | undefined)?.[Symbol.asyncDispose]());

  it('says from which version on it can be used', async () => {
    await (await startJournal(cluster))[Symbol.asyncDispose]();
    assert.deepEqual(await cluster.query(SELECT_VERSION), [[String(KNOWN), String(USABLE_FROM)]]);
  });

  it('is written on by servers of before that run already and by those that start, and stays as new as it is', async () => {
    await using running = await startJournal(cluster);
    await running.journal.append(issued('before'), { signal: NEVER });
    await cluster.query(`ALTER TABLE decisions ADD COLUMN of_the_next_version text;
      UPDATE schema_version SET version = ${KNOWN + 1}, usable_from = ${KNOWN}`);
    await using started = await startJournal(cluster);
    for (const { journal, name } of [
      { ...running, name: 'by one that runs' },
      { ...started, name: 'by one that starts' },
    ]) {
      await journal.append(issued(name), { signal: NEVER });
    }
    const rows = await cluster.query('SELECT decision_id FROM decisions ORDER BY id');
    assert.deepEqual(rows.flat(), ['before', 'by one that runs', 'by one that starts']);
    assert.deepEqual(await cluster.query(SELECT_VERSION), [[String(KNOWN + 1), String(KNOWN)]]);
  });

  it('is refused where that did more than add to it', async () => {
    await cluster.query(`UPDATE schema_version SET version = ${KNOWN + 1}, usable_from = ${KNOWN + 1}`);
    await isRefused(startJournal(cluster), 'CAP-X03', /has schema version \d+, and this Capstan knows \d+/);
  });
});
