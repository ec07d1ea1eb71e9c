// Policies that ask a real cluster: an Ingress that must be there, a kind that comes late, a role that is taken away, and a
// history that is forgotten. What an API server that is away does to them is in attestation-outage.test.ts.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { eventually, throughout, unstalledMs } from '../../support/eventually.ts';
import type { TestRule } from '../../support/policy/signed-bundle.ts';
import { peerOrSkip } from '../support/presence.ts';
import { AttestedServer, podWithToken } from './support/attested-server.ts';
import { ChartAccount, type Settings } from './support/chart-account.ts';
import { KubernetesCluster, type ClusterSettings } from './support/cluster.ts';

const SOON = { withinMs: 45_000, everyMs: 100 };
const REMOTE = 'remote';
/** The chart lets conditions look at Gateways; an operator may have forbidden that. */
const NO_GATEWAYS = { conditions: { resources: { 'gateway.networking.k8s.io': null } } };
const CLUSTER: ClusterSettings = {
  // Nothing is remembered for a watch, and what is older than some seconds is gone from etcd too: a genuine 410.
  flags: { 'watch-cache': 'false', 'etcd-compaction-interval': '5s' },
};

describe('A server whose policies ask the cluster', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let settings: Settings;
  let account: ChartAccount;
  let capstan: AttestedServer;
  before(async function () {
    this.timeout(180_000);
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start(CLUSTER));
    const files = ended.use(await AttestedServer.files([]));
    files.setPolicy(
      ['shop', 'gated', 'late', 'free'].map((namespace) => rulesOf[namespace] ?? { namespaces: [namespace] }),
    );
    mkdirSync(files.path('remote'));
    settings = {
      'policy.directory': undefined,
      'cluster.remote.directory': files.path('remote'),
      'cluster.remote.secrets.namespace': REMOTE,
      // A request may be held for that long, less a second.
      'listen.requestTimeout': '30s',
    };
    account = await ChartAccount.make(cluster, settings, { values: NO_GATEWAYS });
    capstan = ended.use(await AttestedServer.startAs(account, files));
  });
  after(async () => ended.disposeAsync());

  const health = async (): Promise<string> => (await capstan.server.get('/readyz')).text();
  const metric = async (pattern: RegExp): Promise<number> =>
    Number(pattern.exec(await (await capstan.server.get('/metrics')).text())?.[1] ?? Number.NaN);
  const pod = async (namespace: string, name: string) => (await podWithToken(cluster, namespace, name)).token;
  const ingress = (name: string, host: string) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'shop' },
    spec: { rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: BACKEND }] } }] },
  });

  it('refuses before there is an Ingress that fits, and a call that waits for one is granted when it comes', async () => {
    const token = await pod('shop', 'web');
    await capstan.refused({ token }, /^CAP-P12 .*has-ingress.*publish an Ingress/, status.PERMISSION_DENIED);
    await cluster.apply([ingress('other', 'pay.example')]);
    const waiting = capstan.ask({ token: await pod('shop', 'waits') });
    await cluster.apply([ingress('front', 'www.shop.example')]);
    const { code, details } = await waiting;
    assert.equal(code, status.OK, details);
    const { policy } = capstan.newest();
    assert.ok(policy);
    const front = await cluster.api.get(ingress('front', ''));
    const { uid, resourceVersion } = front!.metadata as { uid: string; resourceVersion: string };
    const seen = { kind: 'Ingress', namespace: 'shop', name: 'front', uid, resourceVersion };
    assert.deepEqual(
      policy.objects?.filter(({ name }) => name === 'front'),
      [seen],
    );
    assert.equal(policy.clusterStaleMs, undefined);
  });

  it('says which grant a kind needs that its role lacks, and asks nobody else to wait for it', async () => {
    const sentence = /needs get, list and watch on gateways\.gateway\.networking\.k8s\.io; the role lacks it/;
    const token = await pod('gated', 'gate');
    await capstan.refused({ token }, /^CAP-S10 .*names Gateway, which the cluster does not have/, status.UNAVAILABLE);
    assert.match(await health(), /names Gateway, which the cluster does not have/);
    await cluster.apply([GATEWAYS]);
    await eventually('the role is found too small', async () => sentence.test(await health()), { withinMs: 30_000 });
    await capstan.refused({ token }, sentence, status.UNAVAILABLE);
    assert.match(await (await capstan.server.get('/policy')).text(), sentence);
    await eventually(
      'the log says so',
      () => capstan.files.logged('watchFailing').some(({ problem }) => sentence.test(String(problem))),
      SOON,
    );
    await capstan.granted({ token: await pod('free', 'nobody-asks') });
    await ChartAccount.make(cluster, settings);
    await cluster.apply([
      { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'gate', namespace: 'gated' } },
    ]);
    await eventually('the kind is followed', async () => (await capstan.ask({ token })).code === status.OK, {
      withinMs: 30_000,
      everyMs: 1_000,
    });
    assert.doesNotMatch(await health(), /gateways/);
  });

  it('serves callers of another cluster from when its kubeconfig is there until it is taken away', async () => {
    const token = await pod('free', 'abroad');
    await capstan.refused({ token, clusterId: 'west' }, /^CAP-A14 /);
    capstan.files.write('remote/west', account.inlined);
    const code = async () => (await capstan.ask({ token, clusterId: 'west' })).code;
    await eventually('west is known', async () => (await code()) === status.OK, SOON);
    assert.equal(capstan.newest().remoteCluster, 'west');
    rmSync(capstan.files.path('remote/west'));
    await eventually('west is gone', async () => (await code()) === status.UNAUTHENTICATED, SOON);
    await capstan.refused({ token, clusterId: 'west' }, /^CAP-A14 /);
  });

  it('serves callers of clusters whose kubeconfigs are in Secrets of Istio, as long as they are', async () => {
    const token = await pod('free', 'in-a-secret');
    const metadata = { name: 'istio-remote-secret-east', namespace: REMOTE, labels: { 'istio/multiCluster': 'true' } };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { east: account.inlined } };
    await cluster.apply([secret]);
    const code = async () => (await capstan.ask({ token, clusterId: 'east' })).code;
    await eventually('east is known', async () => (await code()) === status.OK, SOON);
    await cluster.api.delete(secret);
    await eventually('east is gone', async () => (await code()) === status.UNAUTHENTICATED, SOON);
  });

  it('waits for nobody when the API server takes five seconds to answer, and finds nothing wrong with it', async () => {
    const token = await pod('shop', 'slow');
    await capstan.granted({ token });
    const before = await capstan.server.get('/readyz').then(async (page) => page.text());
    await cluster.pauseApiServer();
    const pausedMs = performance.now();
    await throughout(
      'a decision takes no longer than ever',
      // One that waited would wait for the end of the pause.
      async () => (await unstalledMs(async () => capstan.granted({ token }))) < 2_000,
      5_000,
    );
    cluster.resumeApiServer();
    assert.ok(performance.now() - pausedMs > 5_000);
    assert.equal(await health(), before);
  });

  it('notices an API server that takes connections and answers nothing, and goes on when it answers again', async () => {
    await cluster.pauseApiServer();
    await eventually('health says so', async () => /did not end in its time|did not answer/.test(await health()), {
      withinMs: 60_000,
      everyMs: 500,
    });
    cluster.resumeApiServer();
    const token = await pod('shop', 'after-pause');
    await eventually('it is followed again', async () => !/ingresses|pods/.test(await health()), SOON);
    await capstan.granted({ token });
  });

  it('goes on by what it knows when its role is taken away, and says so', async () => {
    const binding = account.roles.find(({ kind }) => kind === 'ClusterRoleBinding')!;
    await cluster.api.delete(binding);
    await cluster.restartApiServer();
    await eventually('health says what is refused', async () => /ingresses.*403|403.*ingresses/.test(await health()), {
      withinMs: 60_000,
    });
    assert.ok((await metric(/^capstan_cluster_stale_seconds\{cluster="default"\} ([\d.]+)/m)) > 0);
    await cluster.apply([binding]);
    await eventually('it is followed again', async () => !/ingresses|pods/.test(await health()), SOON);
  });

  it('has listed anew whenever the API server had forgotten the version that it went on from', async () => {
    const expired = /^capstan_cluster_watch_restarts_total\{cluster="default",reason="expired"\} (\d+)/m;
    await eventually('a watch met 410 Expired', async () => (await metric(expired)) > 0, {
      withinMs: 60_000,
      everyMs: 500,
    });
    const token = await pod('shop', 'after-410');
    // The list may be read at that moment, or the machine be busy for longer than the second for which a pod is waited for.
    await eventually('a pod of since is known', async () => (await capstan.ask({ token })).code === status.OK, SOON);
    assert.doesNotMatch(await health(), /410/);
  });
});

const BACKEND = { service: { name: 'web', port: { number: 80 } } };

/** A CRD with nothing to it but its name. */
const GATEWAYS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'gateways.gateway.networking.k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/891' },
  },
  spec: {
    group: 'gateway.networking.k8s.io',
    scope: 'Namespaced',
    names: { kind: 'Gateway', plural: 'gateways', singular: 'gateway', listKind: 'GatewayList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};

/** What the bundle demands in the namespaces of the tests, beside its grant. */
const rulesOf: Readonly<Record<string, TestRule>> = {
  shop: demanding(
    'shop',
    'has-ingress',
    { kind: 'Ingress', where: "object.spec.rules.exists(r, r.host.endsWith('.shop.example'))" },
    'publish an Ingress first',
    // In which it comes on a busy machine, too.
    '10s',
  ),
  gated: demanding('gated', 'has-gateway', { kind: 'Gateway' }, 'make a Gateway', '3s'),
};

function demanding(namespace: string, id: string, exists: object, message: string, waitFor: string): TestRule {
  return { namespaces: [namespace], more: { conditions: [{ id, exists, message, waitFor }] } };
}
