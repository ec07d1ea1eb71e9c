import assert from 'node:assert/strict';
import { unlessRevoked } from '../../../src/authority/revocation/unless-revoked.ts';
import { THERE } from '../../../src/authority/attestation/attestation.ts';
import type { Caller } from '../../../src/domain/identity/caller.ts';
import { OWN_CLUSTER, type BanTarget } from '../../../src/domain/revocation/ban.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { Revision } from '../../../src/ports/storage/ledgers.ts';
import { testCaller } from '../../support/authority-parts.ts';
import { banOf, FakeBans } from './fake-bans.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';

const NEVER = { signal: new AbortController().signal };
const DEMO = testCaller('default', 'demo');
const uriOf = ({ identity }: Caller): string => identity.spiffeId.uri;
const POD = { podName: 'demo-0', podUid: 'uid-0' };

function renewing(serial: string, proofId: string): Caller {
  const { identity } = DEMO;
  const lineage = { id: proofId, provenAtMs: 1 };
  return { identity, authenticationMethod: 'client-certificate', credentialId: serial, lineage };
}

interface Row {
  readonly what: string;
  readonly target: BanTarget;
  readonly refused: readonly Caller[];
  readonly served: readonly Caller[];
}

const onNode = (nodeName: string, more: Partial<Caller> = {}): Caller =>
  ({ ...DEMO, pod: { ...POD, nodeName }, ...more }) as Caller;
const inCluster = (remoteCluster: string): Caller => ({ ...DEMO, remoteCluster });

const ROWS: readonly Row[] = [
  {
    what: 'an identity, in every cluster',
    target: { kind: 'identity', identity: uriOf(DEMO) },
    refused: [DEMO, inCluster('east'), renewing('1', 'p')],
    served: [testCaller('default', 'web'), testCaller('other', 'demo')],
  },
  {
    what: "an identity of the server's own cluster",
    target: { kind: 'identity', identity: uriOf(DEMO), cluster: OWN_CLUSTER },
    refused: [DEMO],
    served: [inCluster('east'), inCluster('=')],
  },
  {
    what: 'a namespace of one cluster',
    target: { kind: 'namespace', namespace: 'default', cluster: 'east' },
    refused: [inCluster('east')],
    served: [DEMO, inCluster('west')],
  },
  {
    what: 'a node',
    target: { kind: 'node', node: 'worker-3', cluster: OWN_CLUSTER },
    refused: [onNode('worker-3')],
    served: [DEMO, onNode('worker-4'), onNode('worker-3', { remoteCluster: 'east' })],
  },
  {
    what: 'a certificate and its kin',
    target: { kind: 'serial', serial: 'abc', identity: uriOf(DEMO), proofId: 'p' },
    refused: [renewing('abc', 'p'), renewing('def', 'p'), renewing('abc', 'q')],
    served: [DEMO, renewing('def', 'q'), { ...DEMO, credentialId: 'abc' }],
  },
];

describe('Bans', () => {
  let clock: FakeClock;
  let bans: FakeBans;
  beforeEach(() => {
    clock = new FakeClock();
    bans = new FakeBans(clock, ({ pod }) => (pod?.podUid === 'uid-9' ? 'worker-3' : undefined));
  });

  const demand = (caller: Caller, identity = caller.identity): void => bans.demand(caller, identity);

  for (const { what, target, refused, served } of ROWS) {
    it(`of ${what} concern just those`, () => {
      for (const caller of [...refused, ...served]) assert.doesNotThrow(() => demand(caller));
      bans.set(banOf(target));
      for (const caller of refused) assert.throws(() => demand(caller), { reason: 'CAP-R01' });
      for (const caller of served) assert.doesNotThrow(() => demand(caller));
    });
  }

  it('concern who asks for another, and the other, alike', () => {
    const relay = testCaller('istio-system', 'ztunnel');
    for (const namespace of ['istio-system', 'default']) {
      bans.set(banOf({ kind: 'namespace', namespace }));
      assert.throws(() => demand(relay, DEMO.identity), { reason: 'CAP-R01' });
    }
    bans.set(banOf({ kind: 'namespace', namespace: 'other' }));
    assert.doesNotThrow(() => demand(relay, DEMO.identity));
  });

  it('of a node concern a pod of which only the cluster knows where it runs', () => {
    const caller: Caller = { ...DEMO, pod: { podName: 'demo-9', podUid: 'uid-9' } };
    bans.set(banOf({ kind: 'node', node: 'worker-3', cluster: OWN_CLUSTER }));
    assert.throws(() => demand(caller), { reason: 'CAP-R01' });
  });

  it('say that they are and by which id to ask, and neither what they concern nor why', () => {
    bans.set(banOf({ kind: 'namespace', namespace: 'default' }, { reason: 'a secret of ours' }));
    assert.throws(() => demand(DEMO), {
      code: 'policy_denied',
      message: 'CAP-R01 the identity, the certificate or the node is revoked: as aaaaaaaaaaaaaaaa',
    });
  });

  it('refuse until their time is over', async () => {
    bans.set(banOf({ kind: 'namespace', namespace: 'default' }, { untilMs: clock.nowMs() + 1_000 }));
    assert.throws(() => demand(DEMO), { reason: 'CAP-R01' });
    await clock.advance(1_000);
    assert.doesNotThrow(() => demand(DEMO));
  });

  it('are told of once each, and not those from before', () => {
    const told: string[] = [];
    const one = banOf({ kind: 'namespace', namespace: 'one' }, { id: '1'.repeat(16) });
    bans.onBan(({ id }) => told.push(id), NEVER);
    bans.set(one);
    bans.set(one, banOf({ kind: 'namespace', namespace: 'two' }, { id: '2'.repeat(16) }));
    bans.set(one);
    assert.deepEqual(told, ['1'.repeat(16), '2'.repeat(16)]);
  });

  it('take the standing of who is concerned, before its cluster is asked, and end its streams', async () => {
    let asked = 0;
    const gone: boolean[] = [];
    const demandOf = async () => ((asked += 1), THERE);
    const attestation = unlessRevoked({ demand: demandOf, onGone: () => undefined }, bans);
    attestation.onGone((one) => gone.push(one.concerns(DEMO), one.concerns(testCaller('other', 'demo'))), NEVER);
    await attestation.demand(DEMO, NEVER);
    bans.set(banOf({ kind: 'identity', identity: uriOf(DEMO) }));
    assert.deepEqual(gone, [true, false]);
    await assert.rejects(attestation.demand(DEMO, NEVER), (error) => error instanceof AuthorityError);
    assert.equal(asked, 1);
  });

  it('that a store has and nobody knew here are looked at before anything is on record', async () => {
    let recorded = 0;
    bans.atLook = () => bans.set(banOf({ kind: 'identity', identity: uriOf(DEMO) }));
    const record = async ({ number }: Revision): Promise<boolean> => number === 1 && (recorded += 1) > 0;
    await assert.rejects(bans.unlessBanned(DEMO, DEMO.identity, record, NEVER), { reason: 'CAP-R01' });
    assert.equal(recorded, 0);
    const other = testCaller('default', 'web');
    await bans.unlessBanned(other, other.identity, record, NEVER);
    assert.equal(recorded, 1);
  });

  it('are looked at once for all who wait, and no oftener than five times by one', async () => {
    const record = async (): Promise<boolean> => false;
    const waiting = Array.from({ length: 50 }, async () => bans.unlessBanned(DEMO, DEMO.identity, record, NEVER));
    for (const { status } of await Promise.allSettled(waiting)) assert.equal(status, 'rejected');
    await assert.rejects(bans.unlessBanned(DEMO, DEMO.identity, record, NEVER), { reason: 'CAP-S04' });
    assert.ok(bans.looks <= 10, String(bans.looks));
  });

  it('are found among ten thousand', () => {
    const many = Array.from({ length: 10_000 }, (_, at) =>
      banOf({ kind: 'identity', identity: `spiffe://cluster.local/ns/n${at}/sa/a` }),
    );
    bans.set(...many);
    assert.doesNotThrow(() => demand(DEMO));
    assert.throws(() => demand(testCaller('n9999', 'a')), { reason: 'CAP-R01' });
  });
});
