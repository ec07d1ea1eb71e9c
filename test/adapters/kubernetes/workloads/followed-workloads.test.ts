import assert from 'node:assert/strict';
import { NAMESPACE, POD, SERVICE_ACCOUNT } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import { FollowedWorkloads, workloadCaches } from '../../../../src/adapters/kubernetes/workloads/followed-workloads.ts';
import type { Gone } from '../../../../src/ports/cluster/workload-directory.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const MINUTE_MS = 60_000;

const DIGEST = `sha256:${'12'.repeat(32)}`;

describe('The workloads of a cluster', () => {
  let api: FakeKubernetesApi;
  let clock: FakeClock;
  let end: AbortController;
  let workloads: FollowedWorkloads;
  let gone: string[];

  beforeEach(async () => {
    [api, clock, end, gone] = [new FakeKubernetesApi(), new FakeClock(), new AbortController(), []];
    const random = new SeededRandom(1);
    const caches = workloadCaches({ api, clock, random, events: recordEvents(), cluster: 'test-1' });
    workloads = new FollowedWorkloads(caches, { staleAfterMs: 15 * MINUTE_MS });
    workloads.onGone((one) => gone.push(words(one)), end);
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { mesh: 'true' } } });
    api.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: 'shop' } });
    api.put(webPod());
    workloads.start(end);
    await settle();
  });
  afterEach(() => end.abort());

  const webPod = (spec: object = { nodeName: 'node-1', serviceAccountName: 'web' }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web' }, annotations: { long: 'text' } },
    spec: {
      ...spec,
      containers: [
        { name: 'web', image: 'web:1' },
        { name: 'side', image: 'side:1' },
      ],
    },
    status: { phase: 'Running', containerStatuses: [{ name: 'web', imageID: `registry/web@${DIGEST}` }] },
  });

  it('are known by name, by uid and by node and account', () => {
    const pod = workloads.pod('shop', 'web-1')!;
    assert.deepEqual(pod, {
      namespace: 'shop',
      name: 'web-1',
      uid: pod.uid,
      serviceAccount: 'web',
      node: 'node-1',
      phase: 'Running',
      terminating: false,
      labels: { app: 'web' },
      images: [DIGEST, 'unknown'],
    });
    assert.deepEqual(workloads.podByUid(pod.uid), pod);
    assert.deepEqual(workloads.podsOn('node-1', { namespace: 'shop', serviceAccount: 'web' }), [pod]);
    assert.deepEqual(workloads.podsIn('shop'), [pod]);
    assert.deepEqual(workloads.podsIn('bank'), []);
    assert.deepEqual(workloads.podsOn('node-2', { namespace: 'shop', serviceAccount: 'web' }), []);
    assert.equal(workloads.serviceAccount('shop', 'web')?.name, 'web');
    assert.deepEqual(workloads.namespace('shop')?.labels, { mesh: 'true' });
    assert.equal(workloads.pod('shop', 'web-2'), undefined);
  });

  it('are known with what they say of the mesh and since when they run, though their annotations are not kept', async () => {
    const { spec, status, ...web } = webPod();
    const at = { creationTimestamp: '2026-01-06T11:00:00Z' };
    const injected = { ...web.metadata, ...at, annotations: { 'sidecar.istio.io/status': 'x'.repeat(9_000) } };
    api.put({ ...web, metadata: injected, spec, status: { ...status, startTime: '2026-01-06T11:00:05Z' } });
    const native = [{ name: 'istio-proxy', image: 'proxy:1', restartPolicy: 'Always' }];
    const other = { ...web.metadata, ...at, name: 'web-2', labels: null };
    api.put({ ...web, metadata: other, spec: { initContainers: native, hostNetwork: true }, status: {} });
    await settle();
    const [first, second] = [...workloads.meshPods()];
    const { namespace, name, uid, labels, marks, sinceMs, node } = first!;
    assert.deepEqual([namespace, name, labels, node], ['shop', 'web-1', { app: 'web' }, 'node-1']);
    assert.deepEqual([marks, sinceMs], [['proxy', 'injected'], Date.UTC(2026, 0, 6, 11, 0, 5)]);
    assert.deepEqual(workloads.meshPodByUid(uid), first);
    assert.equal(workloads.meshPodByUid('nobody'), undefined);
    assert.deepEqual(second!.marks, ['proxy', 'host-network']);
    assert.deepEqual([second!.labels, second!.sinceMs], [{}, Date.UTC(2026, 0, 6, 11)]);
  });

  it('are gone at once when they are deleted, made anew or begin to end', async () => {
    api.remove(POD, { namespace: 'shop', name: 'web-1' });
    api.remove(SERVICE_ACCOUNT, { namespace: 'shop', name: 'web' });
    const deletionTimestamp = '2026-01-06T12:00:00Z';
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', deletionTimestamp } });
    await settle();
    assert.deepEqual(gone.sort(), ['namespace shop', 'pod web-1', 'serviceAccount web']);
    assert.equal(workloads.pod('shop', 'web-1'), undefined);
    assert.equal(workloads.namespace('shop')?.terminating, true);
    gone.length = 0;
    api.remove(NAMESPACE, { name: 'shop' });
    await settle();
    assert.deepEqual(gone, ['namespace shop']);
  });

  it('are gone once they have ended, though their object stays', async () => {
    const spec = { nodeName: 'node-1', serviceAccountName: 'web' };
    api.put({ ...webPod(spec), status: { phase: 'Succeeded' } });
    await settle();
    assert.deepEqual(gone, ['pod web-1']);
    api.put({ ...webPod(spec), status: { phase: 'Succeeded', reason: 'still' } });
    await settle();
    assert.deepEqual(gone, ['pod web-1']);
  });

  it('tell who waits for a pod that it came to its node', async () => {
    const bound: string[] = [];
    workloads.onPod(({ node }) => bound.push(node ?? ''), end);
    api.put(webPod({ nodeName: 'node-2', serviceAccountName: 'web' }));
    await settle();
    api.put({ ...webPod({ nodeName: 'node-2', serviceAccountName: 'web' }), status: { phase: 'Failed' } });
    await settle();
    assert.deepEqual(bound, ['node-2']);
    assert.equal(workloads.pod('shop', 'web-1')?.phase, 'Failed');
  });

  it('are believed for a while when the API server is silent, and then nothing can be said', async () => {
    assert.equal(workloads.unavailable, undefined);
    assert.equal(workloads.staleMs(), 0);
    api.goDown();
    await clock.advance(15 * MINUTE_MS);
    assert.equal(workloads.unavailable, undefined);
    assert.equal(workloads.staleMs(), 15 * MINUTE_MS);
    await clock.advance(1_000);
    assert.match(String(workloads.unavailable), /has not been followed for 901 s/);
    api.mend();
    await clock.advance(MINUTE_MS);
    assert.equal(workloads.unavailable, undefined);
    assert.deepEqual(gone, []);
  });
});

function words(gone: Gone): string {
  if (gone.kind === 'pod') return `pod ${gone.pod.name}`;
  return gone.kind === 'namespace' ? `namespace ${gone.namespace.name}` : `serviceAccount ${gone.serviceAccount.name}`;
}
