// The rotation soak of three servers on one database, for less than a minute.
import assert from 'node:assert/strict';
import { runReplicaRotation } from '../../../soak/replicas/rotation.ts';
import { broken } from '../../../soak/soak.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { peerOrSkip } from '../../support/presence.ts';

describe('A rotation of the trust anchor on three servers with one database', function () {
  this.timeout(300_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('loses no root, no leaf and no evidence when who leads is killed in each phase, and one is cut off from the database', async () => {
    const said: string[] = [];
    const measured = await runReplicaRotation({ seconds: 0, patient: false, say: (line) => said.push(line) });
    assert.deepEqual(
      measured.filter((one) => broken(one)),
      [],
      said.join('\n'),
    );
    const valueOf = (name: string): number => measured.find((one) => one.name === name)?.value ?? 0;
    assert.equal(valueOf('leaders killed'), 5);
    for (const some of ['certificates delivered', 'bundle documents read']) assert.ok(valueOf(some) > 100, some);
  });
});
