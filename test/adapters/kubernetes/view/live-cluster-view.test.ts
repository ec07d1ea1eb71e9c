import assert from 'node:assert/strict';
import type { ApiKind } from '../../../../src/adapters/kubernetes/api/kubernetes-api.ts';
import { POD } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import { followObjects } from '../../../../src/adapters/kubernetes/api/object-cache.ts';
import { Discovery } from '../../../../src/adapters/kubernetes/view/discovery.ts';
import { LiveClusterView } from '../../../../src/adapters/kubernetes/view/live-cluster-view.ts';
import { keptInFull } from '../../../../src/adapters/kubernetes/workloads/kept-objects.ts';
import { FollowedWorkloads, workloadCaches } from '../../../../src/adapters/kubernetes/workloads/followed-workloads.ts';
import type { ClusterChange } from '../../../../src/domain/cluster/cluster-change.ts';
import type { NamedKind } from '../../../../src/domain/policy/named-kinds.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents, type RecordedEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';
import { discovery, served } from './discovery-answers.ts';

const MINUTE_MS = 60_000;
const NAMESPACE: NamedKind = { kind: 'Namespace', apiVersion: 'v1', policy: '', inFull: false };
const INGRESS: NamedKind = { kind: 'Ingress', policy: 'shop/public-api', inFull: false };
const GATEWAY: NamedKind = { kind: 'Gateway', policy: 'shop/public-api', inFull: false };
const PODS: NamedKind = { kind: 'Pod', apiVersion: 'v1', policy: 'corp@1', inFull: false };
const INGRESSES = served('networking.k8s.io/v1', 'Ingress', 'ingresses');
const GATEWAYS = served('gateway.networking.k8s.io/v1', 'Gateway', 'gateways');

describe('The live view of a cluster', () => {
  let api: FakeKubernetesApi;
  let clock: FakeClock;
  let events: RecordedEvents;
  let end: AbortController;
  let view: LiveClusterView;
  let changes: ClusterChange[];
  /** `verb plural.group` */
  let forbidden: Set<string>;

  beforeEach(async () => {
    [api, clock, events, end] = [new FakeKubernetesApi(), new FakeClock(), recordEvents(), new AbortController()];
    forbidden = new Set();
    serve(INGRESSES, GATEWAYS);
    api.reviews.set('SelfSubjectAccessReview', (review) => {
      const { group, resource, verb } = (review as Review).spec.resourceAttributes;
      return { status: { allowed: !forbidden.has(`${verb} ${resource}.${group}`) } };
    });
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    api.put(ingress('front'));
    api.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1', namespace: 'shop', annotations: { a: 'b' } } });
    const parts = { api, clock, random: new SeededRandom(1), events, cluster: 'test-1' };
    const caches = workloadCaches(parts);
    new FollowedWorkloads(caches, { staleAfterMs: MINUTE_MS }).start(end);
    view = new LiveClusterView(
      {
        ...parts,
        discovery: new Discovery(parts),
        shared: Object.values<(typeof caches)['pods']>({ ...caches }),
        follower: (kind) => followObjects(parts, kind, {}, { keep: keptInFull }),
        wantPodsInFull: () => caches.pods.keepOtherwise(keptInFull),
      },
      { staleAfterMs: 15 * MINUTE_MS, run: 'run' },
    );
    changes = [];
    view.onChange((change) => changes.push(change), end);
    await settle();
  });
  afterEach(() => end.abort());

  const serve = (...kinds: readonly ApiKind[]): void => {
    api.documents.set('/api', discovery([POD, { ...POD, kind: 'Namespace', plural: 'namespaces', namespaced: false }]));
    api.documents.set('/apis', discovery(kinds));
  };
  const need = async (...kinds: readonly NamedKind[]): Promise<void> => {
    view.need({ kinds: [NAMESPACE, ...kinds], left: 0 }, end);
    await view.settled(end);
  };
  const ingresses = () => view.current().list({ kind: 'Ingress', namespace: 'shop' });
  const why = (kind: string) => view.current().unsyncedFor?.({ kind });

  it('follows exactly the kinds that policies name, for as long as they name them', async () => {
    assert.match(why('Ingress') ?? '', /not followed yet/);
    await need(INGRESS);
    assert.equal(why('Ingress'), undefined);
    assert.equal(ingresses().length, 1);
    assert.ok(!api.calls.some((call) => call.includes('gateways')));
    assert.equal(view.problem, undefined);
    const watches = api.watches;
    await need();
    assert.match(why('Ingress') ?? '', /not followed yet/);
    assert.equal(ingresses().length, 0);
    assert.equal(api.watches, watches - 1);
  });

  it('says which kind changed in which namespace, and lists anew nothing else', async () => {
    await need(INGRESS);
    changes.length = 0;
    const before = view.current();
    api.put(ingress('back', 'pay'));
    await settle();
    assert.deepEqual(changes, [new Map([['pay', new Set(['Ingress'])]])]);
    assert.equal(
      view.current().list({ kind: 'Ingress', namespace: 'shop' }),
      before.list({ kind: 'Ingress', namespace: 'shop' }),
    );
    assert.equal(view.current().versions.of('shop'), before.versions.of('shop'));
    assert.notEqual(view.current().version, before.version);
  });

  it('shares what authentication follows already, and keeps pods in full once a policy looks into them', async () => {
    await need(PODS);
    const pod = () => view.current().find({ kind: 'Pod', apiVersion: 'v1', namespace: 'shop', name: 'web-1' });
    assert.equal(pod()?.metadata.annotations, undefined);
    assert.equal(api.calls.filter((call) => call === 'list pods').length, 1);
    await need({ ...PODS, inFull: true });
    await settle();
    assert.deepEqual(pod()?.metadata.annotations, { a: 'b' });
    assert.equal(api.calls.filter((call) => call === 'watch pods').length, 2);
  });

  it('says what to grant where the role lacks it, of that kind alone, and follows once it is granted', async () => {
    forbidden.add('watch gateways.gateway.networking.k8s.io');
    await need(INGRESS, GATEWAY);
    const sentence =
      'policy shop/public-api needs get, list and watch on gateways.gateway.networking.k8s.io; the role lacks it';
    assert.equal(why('Gateway'), sentence);
    assert.equal(view.problem, sentence);
    assert.deepEqual(view.unseen(), [{ kind: 'Gateway', why: sentence }]);
    assert.deepEqual(events.of('watchFailing'), [{ cluster: 'test-1', kind: 'Gateway', problem: sentence }]);
    assert.equal(why('Ingress'), undefined);
    assert.equal(ingresses().length, 1);
    forbidden.clear();
    await clock.advance(30_000);
    assert.equal(why('Gateway'), undefined);
    assert.equal(view.problem, undefined);
    assert.equal(events.of('watchRecovered').length, 1);
  });

  it('says nothing of a kind that is not needed any more before it was found', async () => {
    const answer = api.hold();
    view.need({ kinds: [NAMESPACE, GATEWAY], left: 0 }, end);
    await settle();
    view.need({ kinds: [NAMESPACE], left: 0 }, end);
    answer();
    await settle();
    await clock.advance(30_000);
    assert.deepEqual(events.log, []);
    assert.equal(view.problem, undefined);
  });

  it('waits for a kind that the cluster does not have yet', async () => {
    serve(INGRESSES);
    await need(GATEWAY);
    assert.equal(why('Gateway'), 'policy shop/public-api names Gateway, which the cluster does not have');
    serve(INGRESSES, GATEWAYS);
    await clock.advance(30_000);
    assert.equal(why('Gateway'), undefined);
  });

  it('takes a kind of every group that serves it, unless the policy names one', async () => {
    const other = served('networking.istio.io/v1', 'Gateway', 'gateways');
    serve(GATEWAYS, other, served('networking.istio.io/v1beta1', 'Gateway', 'gateways'));
    for (const { apiVersion } of [GATEWAYS, other])
      api.put({ apiVersion, kind: 'Gateway', metadata: { name: 'gate', namespace: 'shop' } });
    await need(GATEWAY);
    assert.equal(view.current().list({ kind: 'Gateway', namespace: 'shop' }).length, 2);
    forbidden.add('list gateways.gateway.networking.k8s.io');
    const named = { ...GATEWAY, apiVersion: other.apiVersion };
    await need(named);
    assert.equal(view.current().unsyncedFor?.(named), undefined);
  });

  it('believes what it knew for a while when the API server is away, and then nothing, until it is back', async () => {
    await need(INGRESS);
    api.goDown();
    await clock.advance(15 * MINUTE_MS);
    assert.equal(why('Ingress'), undefined);
    assert.equal(ingresses().length, 1);
    assert.equal(view.staleMs(), 15 * MINUTE_MS);
    await clock.advance(1_000);
    assert.match(why('Ingress') ?? '', /not been followed for too long: the API server cannot be reached/);
    assert.equal(view.current().version, view.current().version);
    api.mend();
    await clock.advance(MINUTE_MS);
    assert.equal(why('Ingress'), undefined);
    assert.equal(view.staleMs(), 0);
  });

  it('says so at once when the kind itself is taken from the cluster', async () => {
    await need(INGRESS, GATEWAY);
    api.fail('watch', 404, 'NotFound');
    await settle();
    assert.match(why('Gateway') ?? '', /which the cluster does not have/);
  });
});

interface Review {
  readonly spec: {
    readonly resourceAttributes: { readonly group: string; readonly resource: string; readonly verb: string };
  };
}

function ingress(name: string, namespace = 'shop') {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, namespace } };
}
