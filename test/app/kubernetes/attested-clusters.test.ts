// Two clusters that call their token issuer the same and have the same namespaces, accounts and pods: whose token it is,
// whose pod is there, and what goes when one of them goes.
import assert from 'node:assert/strict';
import { KnownClusters, type KnownCluster } from '../../../src/adapters/kubernetes/clusters/known-clusters.ts';
import { FollowedWorkloads, workloadCaches } from '../../../src/adapters/kubernetes/workloads/followed-workloads.ts';
import { bearerTokenAuthenticator } from '../../../src/adapters/credentials/tokens/bearer-token.ts';
import { clustersVerifier } from '../../../src/adapters/credentials/tokens/clusters/clusters-verifier.ts';
import { jwtVerifier } from '../../../src/adapters/credentials/tokens/jwt-verifier.ts';
import { composeAttestation, type ClusterAttestation } from '../../../src/app/compose/kubernetes/attestation.ts';
import { Readiness } from '../../../src/app/readiness.ts';
import type { GoneCallers } from '../../../src/authority/surface/surface.ts';
import type { Caller } from '../../../src/domain/identity/caller.ts';
import { workloadKey } from '../../../src/domain/identity/workload-key.ts';
import type { Authenticator } from '../../../src/ports/issuing/authenticator.ts';
import { claims, ISSUER, sign, signingKey, type SigningKey } from '../../adapters/credentials/tokens/token-maker.ts';
import { TEST_TRUST_DOMAIN as trustDomain } from '../../support/certificates.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../support/fakes/seeded-random.ts';
import { configOf } from '../support/running-server.ts';

const SETTINGS = {
  'issuer.chainFile': 'chain.pem',
  'issuer.keyFile': 'key.pem',
  'trustAnchors.file': 'anchors.pem',
  'policy.bundle.file': 'bundle.yaml',
  'policy.bundle.keys': ['key.pem'],
  'policy.bundle.stateFile': 'state.json',
  'journal.store': 'journal.db',
  'cluster.id': 'east',
  'cluster.kubernetes.from': 'kubeconfig',
  'cluster.kubernetes.kubeconfig': 'kubeconfig',
};
const PODS = { apiVersion: 'v1', kind: 'Pod' };

describe('A caller of one of several clusters', () => {
  let keys: Readonly<Record<'east' | 'west', SigningKey>>;
  let clock: FakeClock;
  let stop: AbortController;
  let leaving: AbortController;
  let east: FakeKubernetesApi;
  let west: FakeKubernetesApi;
  let clusters: KnownClusters;
  let attested: ClusterAttestation;
  let authenticator: Authenticator;
  before(async () => (keys = { east: await signingKey('one'), west: await signingKey('one') }));
  beforeEach(async () => {
    clock = new FakeClock();
    [stop, leaving] = [new AbortController(), new AbortController()];
    [east, west] = [apiOf(keys.east), apiOf(keys.west)];
    clusters = new KnownClusters(await known('east', east, stop.signal));
    const foundation = {
      clock,
      events: recordEvents(),
      health: new Readiness(),
      worker: undefined,
      running: stop.signal,
    };
    attested = composeAttestation(configOf(SETTINGS), foundation, clusters);
    await attested.start();
    clusters.add(await known('west', west, leaving.signal));
    await settle();
    const others = { verifier: jwtVerifier({ clock, trustDomain, issuers: [] }), issuers: [] };
    const verifier = clustersVerifier({ clusters: attested.clusters, others });
    authenticator = bearerTokenAuthenticator({ clock, verifier });
  });
  afterEach(() => stop.abort());

  /** An API server with `shop/api-7d4b` of `shop/api`, as the token says. */
  function apiOf(key: SigningKey): FakeKubernetesApi {
    const api = new FakeKubernetesApi();
    api.documents.set('/.well-known/openid-configuration', { issuer: ISSUER });
    api.documents.set('/openid/v1/jwks', { keys: [key.jwk] });
    const status = {
      authenticated: true,
      audiences: ['istio-ca'],
      user: { username: 'system:serviceaccount:shop:api' },
    };
    api.reviews.set('TokenReview', () => ({ status }));
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    api.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'shop', name: 'api', uid: 'c0ffee' } });
    api.put({
      ...PODS,
      metadata: { namespace: 'shop', name: 'api-7d4b', uid: '5b3c' },
      spec: { nodeName: 'node-1', serviceAccountName: 'api' },
      status: { phase: 'Running' },
    });
    return api;
  }

  async function known(id: string, api: FakeKubernetesApi, signal: AbortSignal): Promise<KnownCluster> {
    const parts = { api, clock, random: new SeededRandom(), events: recordEvents(), cluster: id };
    const caches = workloadCaches(parts);
    const workloads = new FollowedWorkloads(caches, { staleAfterMs: 900_000 });
    workloads.start({ signal });
    await workloads.whenSynced({ signal });
    return { id, api, caches, workloads, signal };
  }

  const show = async (token: string, clusterId?: string) => {
    const presented = { authorization: [`Bearer ${token}`], remoteAddress: 'x', ...(clusterId && { clusterId }) };
    return authenticator.authenticate(presented, { signal: stop.signal });
  };
  const callerOf = async (key: SigningKey, clusterId?: string): Promise<Caller> => {
    const result = await show(await sign(key), clusterId);
    assert.ok(result.outcome === 'authenticated', JSON.stringify(result));
    return result.caller;
  };
  const demand = async (caller: Caller) => attested.attestation.demand(caller, { signal: stop.signal });

  it('is of the one that the call names, or else of the own one, by whatever name', async () => {
    for (const id of [undefined, 'east', 'Kubernetes']) {
      assert.equal((await callerOf(keys.east, id)).remoteCluster, undefined);
    }
    assert.equal((await callerOf(keys.west, 'west')).remoteCluster, 'west');
  });

  it('is of the one that has that id, although the own one may be called so where nobody else is', async () => {
    clusters.add(await known('Kubernetes', west, leaving.signal));
    await settle();
    assert.equal((await callerOf(keys.west, 'Kubernetes')).remoteCluster, 'Kubernetes');
    const result = await show(await sign(keys.east), 'Kubernetes');
    assert.equal(result.outcome, 'rejected');
  });

  it('with the token of the other is refused, though issuer, key id and names are the same', async () => {
    for (const [key, id] of [
      [keys.west, undefined],
      [keys.east, 'west'],
    ] as const) {
      const result = await show(await sign(key), id);
      assert.ok(result.outcome === 'rejected');
      assert.equal(result.reason, 'CAP-A05');
      assert.match(result.detail ?? '', /signature does not verify/);
    }
  });

  it('of a cluster that nobody knows is refused', async () => {
    const result = await show(await sign(keys.east), 'north');
    assert.deepEqual(result, { outcome: 'rejected', reason: 'CAP-A14', detail: 'clusterid "north"' });
  });

  it('is another workload than the one of the same names in the other, and goes by itself', async () => {
    const [here, there] = [await callerOf(keys.east), await callerOf(keys.west, 'west')];
    assert.equal(here.identity.spiffeId.uri, there.identity.spiffeId.uri);
    assert.notEqual(workloadKey(here), workloadKey(there));
    const gone: GoneCallers[] = [];
    attested.attestation.onGone((one) => gone.push(one), { signal: stop.signal });
    west.remove(PODS, { namespace: 'shop', name: 'api-7d4b' });
    await settle();
    assert.deepEqual(
      gone.map((one) => [one.concerns(here), one.concerns(there)]),
      [[false, true]],
    );
    await demand(here);
    await assert.rejects(demand(there), { reason: 'CAP-A11' });
  });

  it('that was taken away is known no more, nor is who proved itself there before', async () => {
    const there = await callerOf(keys.west, 'west');
    await demand(there);
    clusters.remove('west');
    leaving.abort();
    const result = await show(await sign(keys.west), 'west');
    assert.ok(result.outcome === 'rejected' && result.reason === 'CAP-A14');
    await assert.rejects(demand(there), { reason: 'CAP-A14' });
    const again = await show(await sign(keys.west, claims({ jti: 'again' })), 'west');
    assert.ok(again.outcome === 'rejected' && again.reason === 'CAP-A14');
  });

  it('each has its own API server to confirm its tokens', async () => {
    await callerOf(keys.west, 'west');
    assert.ok(west.calls.includes('create tokenreviews/'));
    assert.ok(!east.calls.includes('create tokenreviews/'));
  });
});
