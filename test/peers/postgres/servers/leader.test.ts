// The chores of all servers on one database when the one that does them dies.
import assert from 'node:assert/strict';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { Replica } from '../../../soak/replicas/replica.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';

/** Fifteen seconds that the row belongs to the dead one, three until the other looks again, and what a busy machine takes. */
const FOLLOWED_MS = 60_000;

describe('The server that does the chores of all', function () {
  this.timeout(120_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('is followed by another when it is killed, which deletes what is too old', async () => {
    using files = await ServerFiles.create();
    await using cluster = await PostgresCluster.start();
    const settings = { 'journal.store': cluster.url(), 'journal.postgres.passwordFile': cluster.passwordFile };
    await using leader = await Replica.start(files, { name: 'leader', settings });
    await using other = await Replica.start(files, { name: 'other', settings });
    const old = async (): Promise<readonly string[]> =>
      (await cluster.query('SELECT decision_id FROM decisions WHERE time_ms < 10')).flat();
    const holder = async (): Promise<readonly string[]> =>
      (await cluster.query('SELECT epoch, expires_at > clock_timestamp() FROM leases')).flat();
    const [epoch = '', isHeld] = await holder();
    assert.equal(isHeld, 't');
    await cluster.query(`INSERT INTO decisions (decision_id, time_ms, outcome, api, remote_address)
      SELECT 'old ' || n, n, 'refused', 'csr', '192.0.2.7' FROM generate_series(1, 5) AS n`);

    await leader.kill9();
    assert.deepEqual(await holder(), [epoch, 't'], 'it let go of nothing');
    const passed = async (): Promise<boolean> => Number((await holder())[0]) > Number(epoch);
    await eventually('the other one leads', passed, { withinMs: FOLLOWED_MS });
    await eventually('old decisions are deleted', async () => (await old()).length === 0, { withinMs: 30_000 });
    assert.ok(other.runs);
  });
});
