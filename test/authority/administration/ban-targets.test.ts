import assert from 'node:assert/strict';
import { BanTargets } from '../../../src/authority/administration/ban-targets.ts';
import { OWN_CLUSTER } from '../../../src/domain/revocation/ban.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';

const NEVER = { signal: new AbortController().signal };

describe('Whom an operator means by a cluster', () => {
  let others: readonly string[];
  const of = async (cluster: string) => {
    const parts = { leaves: { leafOf: async () => undefined }, clock: new FakeClock(), remoteClusters: () => others };
    return new BanTargets(parts, { longestLeafMs: 1, cluster: 'hub' }).of({ node: 'worker-3', cluster }, NEVER);
  };
  beforeEach(() => (others = ['east', 'west']));

  it("is the server's own, or a remote one that is known by now", async () => {
    assert.deepEqual(await of('hub'), { kind: 'node', node: 'worker-3', cluster: OWN_CLUSTER });
    assert.deepEqual(await of('west'), { kind: 'node', node: 'worker-3', cluster: 'west' });
  });

  it('is refused where it is none of them, naming a few that are', async () => {
    const message = /no cluster south is known here; known are hub, east, west \(the first is the server's own\)$/;
    await assert.rejects(of('south'), { reason: 'CAP-O02', message });
    others = Array.from({ length: 40 }, (_, at) => `c${at}`);
    await assert.rejects(of('south'), { reason: 'CAP-O02', message: /c9 and more \(/ });
  });
});
