// The PostgreSQL that the other tests here rely on does what they believe of it.
import assert from 'node:assert/strict';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { peerOrSkip } from '../support/presence.ts';

describe("A PostgreSQL of the tests' own", function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('keeps what was committed when all its processes are killed', async () => {
    await using cluster = await PostgresCluster.start();
    await cluster.query('CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)');
    await cluster.kill9();
    await assert.rejects(cluster.query('SELECT n FROM kept'), /Connection refused/);
    await cluster.restart();
    assert.deepEqual(await cluster.query('SELECT n FROM kept'), [['1']]);
  });

  it('loses no commit when a synchronous standby takes over', async () => {
    await using primary = await PostgresCluster.start();
    await using standby = await primary.standby({ synchronous: true });
    await primary.query('CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)');
    await assert.rejects(standby.query('INSERT INTO kept VALUES (2)'), /read-only transaction/);
    await primary.kill9();
    await standby.promote();
    await standby.query('INSERT INTO kept VALUES (3)');
    assert.deepEqual(await standby.query('SELECT n FROM kept ORDER BY n'), [['1'], ['3']]);
  });
});
