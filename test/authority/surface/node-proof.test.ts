import assert from 'node:assert/strict';
import { NodePodLookups } from '../../../src/authority/surface/node-pod-lookups.ts';
import { NodeProof } from '../../../src/authority/surface/node-proof.ts';
import type { AuthorityError } from '../../../src/domain/errors.ts';
import type { Caller } from '../../../src/domain/identity/caller.ts';
import { kubernetesIdentity, type KubernetesIdentity } from '../../../src/domain/identity/kubernetes-identity.ts';
import { parseTrustDomain } from '../../../src/domain/identity/trust-domain.ts';
import type { KnownPod } from '../../../src/ports/cluster/workload-directory.ts';
import { NEVER, refusalOf, testCaller } from '../../support/authority-parts.ts';
import { good, TEST_TRUST_DOMAIN } from '../../support/certificates.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { FakeNodePods } from '../../support/fakes/kubernetes/fake-node-pods.ts';
import { FakeWorkloadDirectory } from '../../support/fakes/kubernetes/fake-workload-directory.ts';

const LAG_MS = 1_000;
const ZTUNNEL = { namespace: 'istio-system', name: 'ztunnel-a', uid: 'uid-of-ztunnel-a', serviceAccount: 'ztunnel' };
const BOUND = { podName: 'ztunnel-a', podUid: 'uid-of-ztunnel-a', nodeName: 'node-1' };

function ztunnel(changes: Partial<Caller['pod']> = {}): Caller {
  return { ...testCaller('istio-system', 'ztunnel'), pod: { ...BOUND, ...changes } };
}

function identity(namespace = 'shop', serviceAccount = 'web', trustDomain = TEST_TRUST_DOMAIN): KubernetesIdentity {
  return good(kubernetesIdentity(trustDomain, namespace, serviceAccount));
}

describe('The proof of a node proxy', () => {
  let clock: FakeClock;
  let directory: FakeWorkloadDirectory;
  let nodePods: FakeNodePods;
  let proof: NodeProof;
  let aliases: string[];
  beforeEach(() => {
    clock = new FakeClock();
    directory = new FakeWorkloadDirectory();
    directory.addPod(ZTUNNEL);
    nodePods = new FakeNodePods();
    aliases = [];
    const lookups = new NodePodLookups(nodePods, clock);
    proof = new NodeProof(
      {
        clusterOf: () => ({ directory, lookups }),
        isAlias: ({ trustDomain }) => aliases.includes(trustDomain),
        clock,
      },
      { trustedAccounts: new Set(['istio-system/ztunnel']), watchLagMs: LAG_MS },
    );
    proof.follow(directory, { signal: NEVER });
  });

  const prove = async (caller: Caller = ztunnel(), wanted = identity()): Promise<readonly KnownPod[]> =>
    proof.podsOf(proof.trust(caller), wanted, { signal: NEVER });

  /** The refusal once the watch has had its time. */
  async function refused(caller?: Caller, wanted?: KubernetesIdentity): Promise<AuthorityError> {
    const refusal = refusalOf(prove(caller, wanted));
    await clock.advance(LAG_MS);
    return refusal;
  }

  it('holds for each pod of the identity that runs on the node of the proxy, and names them', async () => {
    directory.addPod({ name: 'web-1' });
    directory.addPod({ name: 'web-2', terminating: true });
    directory.addPod({ name: 'web-3', node: 'node-2' });
    directory.addPod({ name: 'web-4', phase: 'Failed' });
    directory.addPod({ name: 'web-5', phase: 'Succeeded' });
    assert.deepEqual(
      (await prove()).map(({ name }) => name),
      ['web-1', 'web-2'],
    );
    assert.deepEqual(nodePods.asked, [], 'what is known is not asked');
  });

  it('fails for who is no trusted account, whatever runs beside it', async () => {
    directory.addPod();
    directory.addPod({ namespace: 'shop', name: 'ztunnel-a', uid: 'uid-of-ztunnel-a', serviceAccount: 'ztunnel' });
    const stranger = { ...testCaller('shop', 'ztunnel'), pod: BOUND };
    const { reason, message } = await refusalOf(prove(stranger));
    assert.equal(reason, 'CAP-A15');
    assert.match(message, /shop\/ztunnel is none of cluster\.kubernetes\.trustedNodeAccounts/);
  });

  for (const [what, caller] of [
    ['a token of no pod', { ...testCaller('istio-system', 'ztunnel') }],
    [
      'a token without a UID',
      { ...testCaller('istio-system', 'ztunnel'), pod: { podName: 'ztunnel-a', nodeName: 'n' } },
    ],
    ['a token of no node', { ...testCaller('istio-system', 'ztunnel'), pod: { podName: 'ztunnel-a', podUid: 'u' } }],
    [
      'a client certificate',
      { ...ztunnel(), authenticationMethod: 'client-certificate', lineage: { id: 'first', provenAtMs: 1 } },
    ],
  ] as const satisfies readonly (readonly [string, Caller])[]) {
    it(`fails for ${what}`, async () => {
      directory.addPod();
      assert.equal((await refusalOf(prove(caller))).reason, 'CAP-A16');
    });
  }

  for (const [what, changes, says] of [
    ['whose name another pod has by now', { uid: 'another' }, /has UID another/],
    ['that runs as another account', { serviceAccount: 'other' }, /runs as istio-system\/other/],
    ['that is on another node', { node: 'node-2' }, /is on node node-2/],
    ['that has failed', { phase: 'Failed' }, /has ended \(Failed\)/],
    ['that has succeeded', { phase: 'Succeeded' }, /has ended \(Succeeded\)/],
  ] as const) {
    it(`fails for a proxy ${what}`, async () => {
      directory.addPod();
      directory.addPod({ ...ZTUNNEL, ...changes });
      const { reason, message } = await refused();
      assert.equal(reason, 'CAP-A16');
      assert.match(message, says);
    });
  }

  it('fails for a proxy that is gone, once the API server has said so too', async () => {
    directory.addPod();
    directory.removePod('istio-system', 'ztunnel-a');
    assert.equal((await refused()).reason, 'CAP-A16');
    assert.deepEqual(nodePods.asked, ['node-1 istio-system/ztunnel']);
  });

  it('fails for another trust domain, and holds for one that policy names for the namespace', async () => {
    directory.addPod();
    const foreign = identity('shop', 'web', parseTrustDomain('corp.example'));
    const { reason, message } = await refusalOf(prove(ztunnel(), foreign));
    assert.equal(reason, 'CAP-A07');
    assert.match(message, /spiffe:\/\/corp\.example\/ns\/shop\/sa\/web is of another trust domain/);
    aliases.push('corp.example');
    assert.equal((await prove(ztunnel(), foreign)).length, 1);
  });

  for (const [what, changes] of [
    ['of another node', { node: 'node-2' }],
    ['of another account', { serviceAccount: 'other' }],
    ['of another namespace', { namespace: 'bank' }],
    ['that has failed', { phase: 'Failed' }],
    ['that has succeeded', { phase: 'Succeeded' }],
  ] as const) {
    it(`fails for a pod ${what}, after the watch had its time and the API server was asked once`, async () => {
      directory.addPod(changes);
      const { reason, message } = await refused();
      assert.equal(reason, 'CAP-A17');
      assert.match(message, /no pod of shop\/web runs on node node-1/);
      assert.deepEqual(nodePods.asked, ['node-1 shop/web']);
    });
  }

  it('fails for pods whose service account is gone, as their own tokens would', async () => {
    const pod = directory.addPod();
    nodePods.pods.push(pod);
    directory.removeServiceAccount('shop', 'web');
    const { reason, message } = await refused();
    assert.equal(reason, 'CAP-A17');
    assert.match(message, /there is no service account shop\/web/);
  });

  it('fails at once for a namespace that is being deleted', async () => {
    directory.addPod();
    directory.addNamespace({ name: 'shop', terminating: true });
    const { reason, message } = await refusalOf(prove());
    assert.equal(reason, 'CAP-A17');
    assert.match(message, /namespace shop is being deleted/);
    assert.deepEqual(nodePods.asked, []);
  });

  it('waits for a pod that the watch has not told of yet', async () => {
    const proven = prove();
    await clock.advance(LAG_MS / 2);
    directory.addPod();
    await settle();
    assert.equal((await proven).length, 1);
    assert.deepEqual(nodePods.asked, []);
  });

  it('asks the API server when the watch is further behind than that', async () => {
    directory.addServiceAccount();
    nodePods.pods.push(new FakeWorkloadDirectory().addPod());
    const proven = prove();
    await clock.advance(LAG_MS);
    assert.deepEqual(
      (await proven).map(({ name }) => name),
      ['web-1'],
    );
  });

  it('takes no pod that has ended from the API server either', async () => {
    nodePods.pods.push(new FakeWorkloadDirectory().addPod({ phase: 'Failed' }));
    assert.equal((await refused()).reason, 'CAP-A17');
  });

  it('says UNAVAILABLE, and refuses nobody, while nothing can be said of the cluster', async () => {
    directory.unavailable = 'the pods of the cluster are not read yet';
    const { reason, message } = await refusalOf(prove());
    assert.equal(reason, 'CAP-S13');
    assert.match(message, /the pods of the cluster are not read yet/);
  });

  it('says UNAVAILABLE while the API server does not answer', async () => {
    nodePods.failing = true;
    assert.equal((await refused()).reason, 'CAP-S13');
  });

  it('ends when its caller leaves', async () => {
    const gone = new AbortController();
    const proven = proof.podsOf(proof.trust(ztunnel()), identity(), { signal: gone.signal });
    gone.abort(new Error('gone'));
    await assert.rejects(proven, /gone/);
    await settle();
    assert.equal(clock.sleepers, 0);
  });
});

describe('Questions about the pods of a node', () => {
  const clock = new FakeClock();
  const account = (serviceAccount: string) => ({ node: 'node-1', namespace: 'shop', serviceAccount });

  it('are one question while it is under way, however many wait for it', async () => {
    const pods = new FakeNodePods();
    const lookups = new NodePodLookups(pods, clock);
    const release = pods.hold();
    const gone = new AbortController();
    const answers = [1, 2, 3].map(async () => lookups.podsOn('a', account('web'), { signal: NEVER }));
    const left = lookups.podsOn('a', account('web'), { signal: gone.signal });
    gone.abort(new Error('gone'));
    await assert.rejects(left, /gone/);
    release();
    await Promise.all(answers);
    assert.equal(pods.asked.length, 1);
    await lookups.podsOn('a', account('web'), { signal: NEVER });
    assert.equal(pods.asked.length, 2, 'an answer is not remembered');
  });

  it('are five a second for each ztunnel, and then UNAVAILABLE with a hint', async () => {
    const pods = new FakeNodePods();
    const lookups = new NodePodLookups(pods, clock);
    const ask = async (one: number, proxy = 'a') => lookups.podsOn(proxy, account(`sa-${one}`), { signal: NEVER });
    for (let one = 0; one < 5; one += 1) await ask(one);
    const refusal = await refusalOf(ask(6));
    assert.equal(refusal.reason, 'CAP-Q05');
    assert.equal(refusal.code, 'not_ready');
    assert.ok((refusal.retryAfterMs ?? 0) > 0);
    await ask(6, 'b');
    await clock.advance(200);
    await ask(6);
    assert.equal((await refusalOf(ask(7))).reason, 'CAP-Q05');
  });

  for (const [processes, most] of [
    [1, 50],
    [4, 12],
  ] as const) {
    it(`are fifty a second of all ztunnels, and a share of that in each of ${processes} processes`, async () => {
      const lookups = new NodePodLookups(new FakeNodePods(), clock, processes);
      const asked = Array.from({ length: 60 }, async (_, one) =>
        lookups.podsOn(`proxy ${one}`, account(`sa-${one}`), { signal: NEVER }),
      );
      const refused = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected');
      assert.equal(refused.length, 60 - most);
    });
  }
});
