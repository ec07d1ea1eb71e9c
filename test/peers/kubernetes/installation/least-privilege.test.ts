// A Capstan with the chart's configuration and the chart's roles alone: all that is switched on works, and what it does not need it
// may not have.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { AttestedServer, podWithToken } from '../support/attested-server.ts';
import { ApiRefusal, type ClusterApi, type ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { policyCrds } from '../support/policy-manifests.ts';

const NAMESPACE = 'istio-system';
const SOON = { withinMs: 30_000 };
/** As values.yaml switches them on. */
const SWITCHED_ON = {
  'cluster.kubernetes.publish.rootConfigMap.enabled': true,
  'cluster.kubernetes.publish.istiodTls.namespace': NAMESPACE,
  'cluster.kubernetes.policies': true,
  'cluster.kubernetes.events': true,
  'policy.directory': undefined,
};
const CLASSES = { classes: [{ class: 'control-plane', namespaces: [NAMESPACE], serviceAccounts: ['istiod'] }] };
const CONTROL_PLANE = {
  bounds: { dnsNames: ['*.istio-system.svc'] },
  more: { match: { classes: ['control-plane'], namespaces: { names: [NAMESPACE] } } },
};

describe("A Capstan with the chart's roles alone", function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let capstan: AttestedServer;
  /** What it may ask itself. */
  let own: ClusterApi;

  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    await cluster.apply(policyCrds());
    const files = ended.use(await ServerFiles.create());
    files.setPolicy([{ namespaces: ['shop'] }, CONTROL_PLANE], CLASSES);
    capstan = ended.use(await AttestedServer.start(cluster, files, SWITCHED_ON));
    own = ended.use(await cluster.apiOf(NAMESPACE, 'capstan'));
  });
  after(async () => ended.disposeAsync());

  const named = (kind: string, name: string, namespace = NAMESPACE) => ({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace },
  });

  it('attests and issues', async () => {
    const { token } = await podWithToken(cluster, 'shop', 'web');
    await capstan.granted({ token });
    assert.equal(capstan.newest().outcome, 'issued');
  });

  it('keeps the roots of each namespace, and the certificate of istiod', async () => {
    const inShop = async () => cluster.api.get(named('ConfigMap', 'istio-ca-root-cert', 'shop'));
    await eventually('the roots', inShop, SOON);
    await eventually('istiod-tls', async () => cluster.api.get(named('Secret', 'istiod-tls')), SOON);
  });

  it('reports a refusal as an Event of the service account', async () => {
    const { token } = await podWithToken(cluster, 'elsewhere', 'web');
    await capstan.refused({ token }, /^CAP-P01 /, status.PERMISSION_DENIED);
    const isAbout = (event: ClusterObject): boolean =>
      (event['involvedObject'] as { readonly kind: string; readonly name: string }).kind === 'ServiceAccount';
    await eventually('the Event', async () => (await cluster.api.list('v1', 'Event', 'elsewhere')).find(isAbout), SOON);
  });

  it('takes policies as objects, and says in their status what became of them', async () => {
    const policy = {
      apiVersion: 'capstan.dev/v1alpha1',
      kind: 'IssuancePolicy',
      metadata: { name: 'short', namespace: 'shop' },
      spec: { narrow: { ttl: { max: '30m' } }, contact: '#shop' },
    };
    await cluster.apply([policy]);
    const accepted = async (): Promise<boolean> => {
      const found = await cluster.api.get(policy);
      const { conditions = [] } = (found?.['status'] ?? {}) as {
        readonly conditions?: readonly { readonly type: string; readonly status: string }[];
      };
      return conditions.some(({ type, status: is }) => type === 'Accepted' && is === 'True');
    };
    await eventually('the status', accepted, { withinMs: 60_000, everyMs: 200 });
  });

  it('lacks nothing that it would report', async () => {
    let last: readonly unknown[] = [];
    const lacksNothing = async (): Promise<boolean> => {
      const page = (await (await capstan.server.get('/readyz')).json()) as { readonly degraded?: readonly unknown[] };
      last = page.degraded ?? [];
      return last.length === 0;
    };
    await eventually('it lacks nothing', lacksNothing, SOON).catch(() => assert.deepEqual(last, []));
  });

  for (const [what, target, expected] of [
    ['list Secrets of all namespaces', '/api/v1/secrets', 403],
    ['list Secrets of its own namespace', `/api/v1/namespaces/${NAMESPACE}/secrets`, 403],
    ['read another Secret', `/api/v1/namespaces/${NAMESPACE}/secrets/capstan-issuer`, 403],
    ['read istiod-tls', `/api/v1/namespaces/${NAMESPACE}/secrets/istiod-tls`, 200],
    ['list all ConfigMaps', '/api/v1/configmaps', 403],
    ['list the ConfigMaps of its roots', '/api/v1/configmaps?fieldSelector=metadata.name%3Distio-ca-root-cert', 200],
    ['read Deployments', '/apis/apps/v1/deployments', 403],
    ['read roles', '/apis/rbac.authorization.k8s.io/v1/clusterroles', 403],
    ['sign for others', '/apis/certificates.k8s.io/v1/certificatesigningrequests', 403],
  ] as const) {
    it(`may ${expected === 403 ? 'not ' : ''}${what}`, async () => {
      const found = await own.ask('GET', target).then(
        () => 200,
        (error: unknown) => (error instanceof ApiRefusal ? error.status : Promise.reject(error as Error)),
      );
      assert.equal(found, expected);
    });
  }
});
