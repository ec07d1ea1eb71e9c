// A cluster in which every kind of object that carries a CA stands once, with a rogue CA in it: for those who look for them. It is
// long because of that.
import { eventually } from '../../../../support/eventually.ts';
import type { Tier, tiersAt } from '../../../../support/paths/tiers.ts';
import type { ClusterObject } from '../../support/cluster-api.ts';
import type { ClusterSettings, KubernetesCluster } from '../../support/cluster.ts';
import { namespace } from '../../support/namespaces.ts';

export const ESTATE_CLUSTER: ClusterSettings = {
  controllerManager: true,
  flags: {
    'runtime-config': 'certificates.k8s.io/v1beta1/clustertrustbundles=true',
    'feature-gates': 'ClusterTrustBundle=true,ClusterTrustBundleProjection=true',
  },
};
const CERT_MANAGER = 'cert-manager.io/v1';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
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

/** Each by its subject, with what it is and where it lies. */
export const PLANTED: readonly (readonly [subject: string, id: string, at: string])[] = [
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

export interface PlantedEstate {
  /** PEM of the corporate root. */
  readonly corporate: string;
  /** A line of each private key that lies in the cluster, and all of it in base64. */
  readonly keys: readonly string[];
}

export async function plantEstate(
  cluster: KubernetesCluster,
  tier: ReturnType<typeof tiersAt>,
): Promise<PlantedEstate> {
  const keys: string[] = [];
  const corporate = await tier('Corporate');
  const mesh = await tier('Mesh', { by: corporate });
  const good = await tier('good', { by: mesh, ca: false, subject: 'CN=good' });
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
  return { corporate: corporate.pem, keys };
}

export function issuer(kind: string, metadata: ClusterObject['metadata'], spec: object): ClusterObject {
  return { apiVersion: CERT_MANAGER, kind, metadata, spec };
}
