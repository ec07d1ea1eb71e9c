// `capstan rogue` on a real API server: each CA that was planted is found, with who made it and who uses it, and nothing else; an account
// that may not read is told where; and the admission policy beside it refuses what it is to refuse. It is long because every kind of
// object that carries a CA stands here once.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { eventually } from '../../../support/eventually.ts';
import { tiersAt, type Tier } from '../../../support/paths/tiers.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { ChartAccount } from '../support/chart-account.ts';
import { ISTIO_CONFIG, objectsIn } from '../support/chart.ts';
import { ApiRefusal, type ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster, type ClusterSettings } from '../support/cluster.ts';
import { namespace } from '../support/namespaces.ts';

const SETTINGS: ClusterSettings = {
  controllerManager: true,
  flags: {
    'runtime-config': 'certificates.k8s.io/v1beta1/clustertrustbundles=true',
    'feature-gates': 'ClusterTrustBundle=true,ClusterTrustBundleProjection=true',
  },
};
const CERT_MANAGER = 'cert-manager.io/v1';
const POLICY = 'capstan-no-self-signed-issuers';

interface Place {
  readonly place: string;
  readonly part: string;
  readonly privateKey?: string;
  readonly madeBy: string;
  readonly usedBy: readonly string[];
}
interface Found {
  readonly code: number;
  readonly found: readonly { readonly id: string; readonly subject: string; readonly places: readonly Place[] }[];
  readonly issuers: readonly { readonly name: string; readonly usedBy: readonly string[] }[];
  readonly known: readonly { readonly as: string; readonly subject: string }[];
  readonly notRead: readonly { readonly why: string; readonly examples: readonly string[] }[];
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const manifest = (file: string): readonly ClusterObject[] =>
  objectsIn(readFileSync(path.join(ISTIO_CONFIG, 'rogue', file), 'utf8'));
const secret = (place: string, name: string, data: Readonly<Record<string, string>>, type = 'Opaque') => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: place },
  type,
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, base64(text)])),
});
const configMap = (place: string, name: string, data: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: place },
  data,
});
const tls = ({ pem, keyPem }: Tier) => ({ 'tls.crt': pem, 'tls.key': keyPem });

/** A kind whose specification is whatever its object says. */
function definition(group: string, kind: string, scope = 'Namespaced', caBundle?: string): ClusterObject {
  const plural = `${kind.toLowerCase()}s`;
  const schema = {
    type: 'object',
    properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  };
  const client = { service: { name: 'converter', namespace: 'shop' }, caBundle };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // Groups of Kubernetes itself want to know where their approval is written down.
      ...(group.endsWith('.k8s.io') && { annotations: { 'api-approved.kubernetes.io': 'unapproved, of a test' } }),
    },
    spec: {
      ...{ group, scope },
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      ...(caBundle !== undefined && {
        conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: client } },
      }),
    },
  };
}

function webhook(name: string, caBundle: string): ClusterObject {
  const rules = [{ apiGroups: ['example.test'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }];
  const clientConfig = { service: { name: 'hook', namespace: 'shop' }, caBundle: base64(caBundle) };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      { name: `${name}.example.test`, rules, clientConfig, admissionReviewVersions: ['v1'], sideEffects: 'None' },
    ],
  };
}

describe('capstan rogue in a cluster', function () {
  this.timeout(180_000);
  const tier = tiersAt(Date.now());
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let folder: string;
  /** A line of each private key that lies in the cluster, and all of it in base64. */
  const keys: string[] = [];

  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(SETTINGS), 'Kubernetes');
    folder = mkdtempSync(path.join(tmpdir(), 'capstan-rogue-'));
    ended.defer(() => rmSync(folder, { recursive: true }));
    cluster = ended.use(await KubernetesCluster.start(SETTINGS));
    await plant();
  });
  after(async () => ended.disposeAsync());

  async function plant(): Promise<void> {
    const corporate = await tier('Corporate');
    const mesh = await tier('Mesh', { by: corporate });
    const good = await tier('good', { by: mesh, ca: false, subject: 'CN=good' });
    writeFileSync(path.join(folder, 'root.pem'), corporate.pem);
    const of = async (name: string): Promise<Tier> => tier(name);
    const shadow = await of('Shadow Istio');
    const issuing = await of('Issuer CA');
    const alone = await tier('alone', { ca: false, subject: 'CN=alone' });
    keys.push(...[shadow, issuing, alone].flatMap(({ keyPem }) => [keyPem.split('\n')[1]!, base64(keyPem)]));
    const lost = await tier('behind', { by: await of('Lost'), ca: false, subject: 'CN=behind a gateway' });
    await cluster.apply([
      ...['shop', 'legacy', 'istio-system'].map((name) => namespace(name)),
      definition('cert-manager.io', 'Issuer'),
      definition('cert-manager.io', 'ClusterIssuer', 'Cluster'),
      definition('cert-manager.io', 'Certificate'),
      definition('gateway.networking.k8s.io', 'Gateway'),
      // Ours, and the corporate CA's.
      configMap('shop', 'istio-ca-root-cert', { 'root-cert.pem': corporate.pem }),
      secret('shop', 'good', { 'tls.crt': good.pem + mesh.pem, 'tls.key': good.keyPem }, 'kubernetes.io/tls'),
      webhook('well', corporate.pem),
      secret('shop', 'mesh-ca', { ...tls(mesh), 'ca.crt': corporate.pem }, 'kubernetes.io/tls'),
      issuer('Issuer', { name: 'corporate', namespace: 'shop' }, { ca: { secretName: 'mesh-ca' } }),
      // Planted.
      secret('istio-system', 'cacerts', {
        ...{ 'ca-cert.pem': shadow.pem, 'ca-key.pem': shadow.keyPem },
        ...{ 'root-cert.pem': shadow.pem, 'cert-chain.pem': shadow.pem },
      }),
      secret('shop', 'web', tls(alone), 'kubernetes.io/tls'),
      secret('shop', 'issuing', tls(issuing), 'kubernetes.io/tls'),
      issuer('Issuer', { name: 'own', namespace: 'shop' }, { ca: { secretName: 'issuing' } }),
      issuer('ClusterIssuer', { name: 'bootstrap' }, { selfSigned: {} }),
      {
        apiVersion: CERT_MANAGER,
        kind: 'Certificate',
        metadata: { name: 'own-ca', namespace: 'shop' },
        spec: { isCA: true, secretName: 'issuing', issuerRef: { kind: 'ClusterIssuer', name: 'bootstrap' } },
      },
      webhook('ill', (await of('Webhook CA')).pem),
      definition('example.test', 'Thing', 'Namespaced', base64((await of('Conversion CA')).pem)),
      configMap('legacy', 'istio-ca-root-cert', { 'root-cert.pem': (await of('Old Mesh')).pem }),
      configMap('shop', 'app', { 'settings.yaml': `trust: |\n${(await of('Pasted')).pem.replaceAll(/^/gm, '  ')}` }),
      secret('shop', 'gate', tls(lost), 'kubernetes.io/tls'),
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'public', namespace: 'shop' },
        spec: { listeners: [{ name: 'https', tls: { certificateRefs: [{ name: 'gate' }] } }] },
      },
      {
        apiVersion: 'certificates.k8s.io/v1beta1',
        kind: 'ClusterTrustBundle',
        metadata: { name: 'partners' },
        spec: { trustBundle: (await of('Partner')).pem },
      },
      {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: 'v1.absent.test' },
        spec: {
          ...{ group: 'absent.test', version: 'v1', groupPriorityMinimum: 100, versionPriority: 100 },
          service: { name: 'absent', namespace: 'shop' },
          caBundle: base64((await of('Extension CA')).pem),
        },
      },
    ]);
    await cluster.pod({
      ...{ namespace: 'istio-system', name: 'istiod', serviceAccount: 'istiod' },
      volumes: [{ name: 'cacerts', secret: { secretName: 'cacerts' } }],
    });
    const own = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-root-ca.crt', namespace: 'shop' } };
    await eventually("the cluster's own CA", async () => cluster.api.get(own), { withinMs: 60_000 });
  }

  function issuer(kind: string, metadata: ClusterObject['metadata'], spec: object): ClusterObject {
    return { apiVersion: CERT_MANAGER, kind, metadata, spec };
  }

  async function rogue(kubeconfig: string, ...more: readonly string[]): Promise<Found> {
    const { terminal, out, error } = recordTerminal();
    const argv = ['rogue', '--root', path.join(folder, 'root.pem'), '--kubeconfig', kubeconfig, '--output', 'json'];
    const signal = AbortSignal.timeout(120_000);
    const code = await runCli([...argv, ...more], { terminal, environment: {}, signal });
    assert.notEqual(out(), '', error());
    for (const key of keys) assert.ok(!(out() + error()).includes(key), 'a private key was printed');
    return { code, ...(JSON.parse(out()) as Omit<Found, 'code'>) };
  }

  const PLANTED: readonly (readonly [subject: string, id: string, at: string])[] = [
    ['CN=Conversion CA', 'self-signed-ca', 'CustomResourceDefinition things.example.test'],
    ['CN=Extension CA', 'self-signed-ca', 'APIService v1.absent.test'],
    ['CN=Issuer CA', 'self-signed-ca', 'Secret shop/issuing'],
    ['CN=Old Mesh', 'self-signed-ca', 'ConfigMap legacy/istio-ca-root-cert'],
    ['CN=Partner', 'self-signed-ca', 'ClusterTrustBundle partners'],
    ['CN=Pasted', 'self-signed-ca', 'ConfigMap shop/app'],
    ['CN=Shadow Istio', 'self-signed-ca', 'Secret istio-system/cacerts'],
    ['CN=Webhook CA', 'self-signed-ca', 'ValidatingWebhookConfiguration ill'],
    ['CN=alone', 'self-signed-leaf', 'Secret shop/web'],
    ['CN=behind a gateway', 'foreign-leaves', 'Secret shop/gate'],
  ];

  it('finds each planted CA and nothing else, with the role that is made for it', async () => {
    await cluster.apply([
      ...manifest('reader.yaml'),
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'searcher', namespace: 'shop' } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'searcher' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'capstan-rogue-reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'searcher', namespace: 'shop' }],
      },
    ]);
    const kubeconfig = await cluster.accountKubeconfig('shop', 'searcher');
    // The API server follows bindings, and is some moments behind what it has stored.
    const all = async (): Promise<Found | undefined> => {
      const seen = await rogue(kubeconfig, '--all');
      return seen.notRead.length === 0 ? seen : undefined;
    };
    const { code, found, issuers, known } = await eventually('everything is read', all, { withinMs: 60_000 });
    assert.deepEqual(
      found.map(({ subject, id, places: [first] }) => [subject, id.replace('rogue/', ''), first?.place]).sort(),
      [...PLANTED].sort(),
    );
    assert.deepEqual(
      issuers.map(({ name, usedBy }) => [name, usedBy]),
      [['ClusterIssuer bootstrap', ['Certificate shop/own-ca']]],
    );
    assert.ok(known.length > 0 && known.every(({ as }) => as === 'cluster'), JSON.stringify(known));
    assert.equal(code, 1);

    const placeOf = (subject: string): Place => found.find((one) => one.subject === subject)!.places[0]!;
    assert.deepEqual(placeOf('CN=Shadow Istio').usedBy, ['Pod istio-system/istiod']);
    assert.equal(placeOf('CN=Shadow Istio').privateKey, 'ca-key.pem');
    assert.match(placeOf('CN=Shadow Istio').madeBy, /^\S+ on \d{4}-\d\d-\d\d /);
    assert.deepEqual(placeOf('CN=Issuer CA').usedBy, ['Certificate shop/own-ca', 'Issuer shop/own']);
    assert.deepEqual(placeOf('CN=behind a gateway').usedBy, ['Gateway shop/public']);
    assert.deepEqual(placeOf('CN=Webhook CA').usedBy, ['the API server, for Service shop/hook']);
  });

  it('says where it may not look with the role of the server, which reads no Secrets', async () => {
    const { kubeconfig } = await ChartAccount.make(cluster);
    const { found, notRead } = await rogue(kubeconfig);
    const unread = notRead.flatMap(({ examples, why }) => examples.map((what) => `${what} ${why}`));
    assert.ok(
      unread.some((line) =>
        /^secrets (in all namespaces|in namespace shop) may not be listed by this account/.test(line),
      ),
      unread.join('\n'),
    );
    assert.ok(!found.some(({ places }) => places.some(({ place }) => place.startsWith('Secret '))));
  });

  it('looks in the namespaces that are named, where the account may look nowhere else', async () => {
    const { code, notRead } = await rogue(
      (await ChartAccount.make(cluster)).kubeconfig,
      '--namespace',
      'shop',
      '--strict',
    );
    const unread = notRead.flatMap(({ examples }) => examples);
    assert.ok(unread.includes('secrets in namespace shop'), unread.join('\n'));
    assert.ok(!unread.some((what) => /in namespace (?!shop)/.test(what)), unread.join('\n'));
    assert.equal(code, 1);
  });

  describe('with its admission policy', () => {
    const selfSigned = (metadata: ClusterObject['metadata'], kind = 'Issuer'): ClusterObject =>
      issuer(kind, metadata, { selfSigned: {} });
    const refused = async (object: ClusterObject): Promise<boolean> =>
      cluster.apply([object]).then(
        () => false,
        (error: unknown) => {
          if (!(error instanceof ApiRefusal)) throw error;
          assert.match(
            error.message,
            /self-signed issuers are not allowed here: .*Use an issuer that asks the corporate CA/,
          );
          return true;
        },
      );
    before(async () => {
      await cluster.apply([
        ...manifest('refuse-self-signed.yaml'),
        namespace('lab', { 'capstan.dev/self-signed-issuers': 'allowed' }),
      ]);
      // One that came in before the policy was in force may stay, so each try has a name of its own.
      let tries = 0;
      const isInForce = async (): Promise<boolean> => {
        tries += 1;
        return refused(selfSigned({ name: `probe-${tries}`, namespace: 'legacy' }));
      };
      await eventually(`${POLICY} is in force`, isInForce, { withinMs: 60_000, everyMs: 200 });
    });

    it('refuses new issuers that sign themselves, in a namespace and in the cluster', async () => {
      assert.equal(await refused(selfSigned({ name: 'new', namespace: 'shop' })), true);
      assert.equal(await refused(selfSigned({ name: 'new' }, 'ClusterIssuer')), true);
      assert.equal(await refused(selfSigned({ name: 'own', namespace: 'shop' })), true, 'and one that becomes one');
    });

    it('lets others be made, and those that were there be changed', async () => {
      const [changed] = await cluster.apply([
        selfSigned({ name: 'bootstrap', labels: { changed: 'yes' } }, 'ClusterIssuer'),
        issuer('Issuer', { name: 'vault', namespace: 'shop' }, { vault: { server: 'https://vault.test' } }),
      ]);
      assert.ok(changed);
    });

    it('lets a namespace be without it that says so', async () => {
      assert.equal(await refused(selfSigned({ name: 'new', namespace: 'lab' })), false);
    });
  });
});
