// The soak of several servers on one database, for less than a minute.
import assert from 'node:assert/strict';
import { broken } from '../../soak/soak.ts';
import { runReplicas } from '../../soak/replicas/replicas.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { peerOrSkip } from '../support/presence.ts';

describe('Three servers on one database', function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('deliver nothing without a record and record nothing twice, over crashes of the database and a failover', async () => {
    const measured = await runReplicas({ crashes: 2, seconds: 10, say: () => undefined });
    assert.deepEqual(
      measured.filter((one) => broken(one)),
      [],
    );
    const valueOf = (name: string): number => measured.find((one) => one.name === name)?.value ?? 0;
    for (const some of ['certificates delivered', 'after the failover', 'recorded under the quota']) {
      assert.ok(valueOf(some) > 0, some);
    }
  });
});
