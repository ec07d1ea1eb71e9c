// What policies see of clusters that come and go beside the own one.
import assert from 'node:assert/strict';
import { NAMESPACE } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import { followObjects } from '../../../../src/adapters/kubernetes/api/object-cache.ts';
import { KnownClusters, type KnownCluster } from '../../../../src/adapters/kubernetes/clusters/known-clusters.ts';
import { Discovery } from '../../../../src/adapters/kubernetes/view/discovery.ts';
import { KnownClusterViews } from '../../../../src/adapters/kubernetes/view/known-cluster-views.ts';
import { LiveClusterView } from '../../../../src/adapters/kubernetes/view/live-cluster-view.ts';
import { FollowedWorkloads, workloadCaches } from '../../../../src/adapters/kubernetes/workloads/followed-workloads.ts';
import type { NamedKind } from '../../../../src/domain/policy/named-kinds.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents, type RecordedEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';
import { FakeCluster } from '../../../support/policy/fake-cluster.ts';
import { object } from '../../../support/policy/policies.ts';
import { discovery, served } from './discovery-answers.ts';

const MINUTE_MS = 60_000;
const NAMED: NamedKind = { kind: 'Namespace', apiVersion: 'v1', policy: '', inFull: false };
const INGRESS: NamedKind = { kind: 'Ingress', policy: 'shop/public-api', inFull: false };
const GATEWAY: NamedKind = { kind: 'Gateway', policy: 'shop/public-api', inFull: false };
const INGRESSES = served('networking.k8s.io/v1', 'Ingress', 'ingresses');

describe('Views of clusters beside the own one', () => {
  let clock: FakeClock;
  let events: RecordedEvents;
  let end: AbortController;
  let own: FakeCluster;
  let clusters: KnownClusters;
  let views: KnownClusterViews;
  let changed: (string | undefined)[];

  beforeEach(() => {
    [clock, events, end, own] = [new FakeClock(), recordEvents(), new AbortController(), new FakeCluster()];
    clusters = new KnownClusters(cluster('own', serving(), end));
    views = new KnownClusterViews({ own, clusters, viewOf: viewOf });
    views.start(end);
    views.need({ kinds: [NAMED, INGRESS], left: 0 });
    changed = [];
    views.onChange((_change, remoteCluster) => changed.push(remoteCluster), end);
  });
  afterEach(() => end.abort());

  /** An API server with one Ingress in `shop`. */
  function serving(): FakeKubernetesApi {
    const api = new FakeKubernetesApi();
    api.documents.set('/api', discovery([NAMESPACE]));
    api.documents.set('/apis', discovery([INGRESSES]));
    api.reviews.set('SelfSubjectAccessReview', () => ({ status: { allowed: true } }));
    api.put({ ...INGRESSES, metadata: { name: 'front', namespace: 'shop' } });
    return api;
  }

  function cluster(id: string, api: FakeKubernetesApi, { signal }: AbortController): KnownCluster {
    const caches = workloadCaches({ api, clock, random: new SeededRandom(), events, cluster: id });
    return { id, api, caches, workloads: new FollowedWorkloads(caches, { staleAfterMs: MINUTE_MS }), signal };
  }

  function viewOf({ id, api, caches }: KnownCluster): LiveClusterView {
    const parts = { api, clock, random: new SeededRandom(), events, cluster: id };
    return new LiveClusterView(
      {
        ...parts,
        remoteCluster: id,
        discovery: new Discovery(parts),
        shared: [caches.namespaces, caches.serviceAccounts, caches.pods],
        follower: (kind) => followObjects(parts, kind, {}),
        wantPodsInFull: () => undefined,
      },
      { staleAfterMs: 15 * MINUTE_MS, run: id },
    );
  }

  /** As RemoteClusters does. */
  async function add(id: string, api = serving()) {
    const leaving = new AbortController();
    const known = cluster(id, api, leaving);
    clusters.add(known);
    known.workloads.start(leaving);
    await settle();
    return {
      api,
      remove: async () => {
        clusters.remove(id);
        leaving.abort();
        await settle();
      },
    };
  }
  const ingressesOf = (id: string) => views.of(id).current().list({ kind: 'Ingress', namespace: 'shop' }).length;
  const whyNotOf = (id: string) => {
    const snapshot = views.of(id).current();
    return snapshot.unsynced ?? snapshot.unsyncedFor?.({ kind: 'Ingress' });
  };

  it('are of each by itself, of what policies name, from when it comes until it goes', async () => {
    assert.equal(whyNotOf('west'), 'the cluster west is not known here');
    assert.equal(views.of('west').current().remoteCluster, 'west');
    const { api, remove } = await add('west');
    assert.deepEqual([ingressesOf('west'), whyNotOf('west')], [1, undefined]);
    assert.equal(views.of('west').current().remoteCluster, 'west');
    assert.equal(views.of(undefined), own);
    assert.ok(changed.includes('west'));
    changed.length = 0;
    own.show(object('Ingress', 'shop', 'other'));
    assert.deepEqual(changed, [undefined]);
    await remove();
    assert.equal(whyNotOf('west'), 'the cluster west is not known here');
    assert.equal(api.watches, 0);
  });

  it('follow what policies name later, and no longer what they do not', async () => {
    const { api } = await add('west');
    const watches = api.watches;
    views.need({ kinds: [NAMED], left: 0 });
    await settle();
    assert.equal(api.watches, watches - 1);
    assert.match(whyNotOf('west') ?? '', /not followed yet/);
  });

  it('stay those of the newest where a kubeconfig is replaced', async () => {
    const former = await add('west');
    const next = serving();
    next.put({ ...INGRESSES, metadata: { name: 'back', namespace: 'shop' } });
    clusters.remove('west');
    await add('west', next);
    await former.remove();
    assert.equal(ingressesOf('west'), 2);
  });

  it('say of one that is away that nothing can be said of it, and of the others as before', async () => {
    const [{ api }] = [await add('west'), await add('east')];
    api.goDown();
    await clock.advance(15 * MINUTE_MS);
    assert.equal(whyNotOf('west'), undefined);
    assert.equal(views.of('west').staleMs(), 15 * MINUTE_MS);
    await clock.advance(1_000);
    assert.match(whyNotOf('west') ?? '', /not been followed for too long/);
    assert.deepEqual([ingressesOf('east'), whyNotOf('east'), views.of('east').staleMs()], [1, undefined, 0]);
    assert.match(views.problem ?? '', /^cluster west: /);
  });

  it('name the cluster in what it lacks and in what its role lacks', async () => {
    views.need({ kinds: [NAMED, INGRESS, GATEWAY], left: 0 });
    const api = serving();
    api.reviews.set('SelfSubjectAccessReview', () => ({ status: { allowed: false } }));
    await add('west', api);
    const gateways = 'policy shop/public-api names Gateway, which the cluster west does not have';
    const role = 'needs get, list and watch on ingresses.networking.k8s.io in the cluster west; the role lacks it';
    assert.deepEqual(
      views.unseen().map(({ remoteCluster, kind, why }) => [remoteCluster, kind, why]),
      [
        ['west', 'Namespace', 'Capstan needs get, list and watch on namespaces in the cluster west; the role lacks it'],
        ['west', 'Ingress', `policy shop/public-api ${role}`],
        ['west', 'Gateway', gateways],
      ],
    );
  });
});
