// The kinds of objects in which CAs lie or by which they are used, in one table: which texts of each may hold certificates, which
// Secrets and ConfigMaps it names. A kind that a cluster does not serve is passed over.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { at, listAt, textAt } from '../diagnosis/fields.ts';
import type { EstateIssuer, EstateText } from './estate-object.ts';

/** An object that another one names. */
export interface Reference {
  readonly kind: 'Secret' | 'ConfigMap' | 'Issuer' | 'ClusterIssuer';
  /** `*` where an object of this name in any namespace may be meant; empty for an object of the cluster itself. */
  readonly namespace: string;
  readonly name: string;
}

export interface EstateKind {
  /** Empty for the core. */
  readonly group: string;
  readonly kind: string;
  readonly texts?: (object: KubernetesObject) => readonly EstateText[];
  readonly names?: (object: KubernetesObject) => readonly Reference[];
  /** Of what else it says that it is used, in words. */
  readonly usedBy?: (object: KubernetesObject) => readonly string[];
  readonly issuer?: (object: KubernetesObject) => Pick<EstateIssuer, 'does' | 'secret'> | undefined;
}

const ADMISSION = 'admissionregistration.k8s.io';
const CERT_MANAGER = 'cert-manager.io';
/** In which cert-manager looks for the Secrets of ClusterIssuers unless it is told otherwise (--cluster-resource-namespace). */
const CLUSTER_RESOURCES = 'cert-manager';
/** Helm's own records: manifests, compressed. */
const HELM_RELEASE = 'helm.sh/release.v1';

/** What names comes before what is named, so that users are known when a certificate is met. */
export const ESTATE_KINDS: readonly EstateKind[] = [
  {
    group: '',
    kind: 'Pod',
    names: (pod) => listAt(pod, 'spec', 'volumes').flatMap((volume) => volumeReferences(pod, volume)),
  },
  {
    group: 'networking.istio.io',
    kind: 'Gateway',
    names: (gateway) =>
      listAt(gateway, 'spec', 'servers').flatMap((server) =>
        named('Secret', '*', textAt(server, 'tls', 'credentialName')),
      ),
  },
  {
    group: 'gateway.networking.k8s.io',
    kind: 'Gateway',
    names: (gateway) =>
      listAt(gateway, 'spec', 'listeners')
        .flatMap((listener) => listAt(listener, 'tls', 'certificateRefs'))
        .flatMap((ref) => named('Secret', textAt(ref, 'namespace') ?? placeOf(gateway), textAt(ref, 'name'))),
  },
  {
    group: 'networking.k8s.io',
    kind: 'Ingress',
    names: (ingress) =>
      listAt(ingress, 'spec', 'tls').flatMap((tls) => named('Secret', placeOf(ingress), textAt(tls, 'secretName'))),
  },
  { group: CERT_MANAGER, kind: 'Certificate', names: certificateNames, issuer: caOfCertificate },
  { group: CERT_MANAGER, kind: 'Issuer', names: issuerSecrets, issuer: caOfIssuer, texts: issuerTexts },
  { group: CERT_MANAGER, kind: 'ClusterIssuer', names: issuerSecrets, issuer: caOfIssuer, texts: issuerTexts },
  { group: ADMISSION, kind: 'MutatingWebhookConfiguration', texts: webhookTexts, usedBy: webhookServices },
  { group: ADMISSION, kind: 'ValidatingWebhookConfiguration', texts: webhookTexts, usedBy: webhookServices },
  {
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    texts: (crd) => encoded('caBundle', at(crd, 'spec', 'conversion', 'webhook', 'clientConfig', 'caBundle')),
    usedBy: (crd) => service(at(crd, 'spec', 'conversion', 'webhook', 'clientConfig')),
  },
  {
    group: 'apiregistration.k8s.io',
    kind: 'APIService',
    texts: (api) => encoded('caBundle', at(api, 'spec', 'caBundle')),
    usedBy: (api) => service(at(api, 'spec')),
  },
  {
    group: 'certificates.k8s.io',
    kind: 'ClusterTrustBundle',
    texts: (bundle) => plain('trustBundle', at(bundle, 'spec', 'trustBundle')),
  },
  {
    group: '',
    kind: 'ConfigMap',
    texts: (map) => [
      ...fields(at(map, 'data')).flatMap(([name, value]) => plain(name, value)),
      ...fields(at(map, 'binaryData')).flatMap(([name, value]) => encoded(name, value)),
    ],
  },
  {
    group: '',
    kind: 'Secret',
    texts: (secret) =>
      secret['type'] === HELM_RELEASE
        ? []
        : fields(at(secret, 'data')).flatMap(([name, value]) => encoded(name, value)),
  },
];

function placeOf({ metadata: { namespace } }: KubernetesObject): string {
  return namespace ?? CLUSTER_RESOURCES;
}

function named(kind: Reference['kind'], namespace: string, name: string | undefined): readonly Reference[] {
  return name === undefined || name === '' ? [] : [{ kind, namespace, name }];
}

function volumeReferences(pod: KubernetesObject, volume: unknown): readonly Reference[] {
  const sources = [volume, ...listAt(volume, 'projected', 'sources')];
  return sources.flatMap((source) => [
    ...named('Secret', placeOf(pod), textAt(source, 'secret', 'secretName') ?? textAt(source, 'secret', 'name')),
    ...named('ConfigMap', placeOf(pod), textAt(source, 'configMap', 'name')),
  ]);
}

function certificateNames(certificate: KubernetesObject): readonly Reference[] {
  const issuer = textAt(certificate, 'spec', 'issuerRef', 'name');
  const ofCluster = textAt(certificate, 'spec', 'issuerRef', 'kind') === 'ClusterIssuer';
  return [
    ...named('Secret', placeOf(certificate), textAt(certificate, 'spec', 'secretName')),
    ...(ofCluster ? named('ClusterIssuer', '', issuer) : named('Issuer', placeOf(certificate), issuer)),
  ];
}

function issuerSecrets(issuer: KubernetesObject): readonly Reference[] {
  return named('Secret', placeOf(issuer), textAt(issuer, 'spec', 'ca', 'secretName'));
}

function caOfCertificate(certificate: KubernetesObject): Pick<EstateIssuer, 'does' | 'secret'> | undefined {
  if (at(certificate, 'spec', 'isCA') !== true) return undefined;
  const secret = `${placeOf(certificate)}/${textAt(certificate, 'spec', 'secretName') ?? ''}`;
  return { does: 'asks for a CA', secret };
}

function caOfIssuer(issuer: KubernetesObject): Pick<EstateIssuer, 'does' | 'secret'> | undefined {
  if (at(issuer, 'spec', 'selfSigned') !== undefined) return { does: 'signs itself' };
  const secret = textAt(issuer, 'spec', 'ca', 'secretName');
  return secret === undefined ? undefined : { does: 'signs with a Secret', secret: `${placeOf(issuer)}/${secret}` };
}

/** By what an issuer knows the CA behind it. */
function issuerTexts(issuer: KubernetesObject): readonly EstateText[] {
  return ['vault', 'acme', 'venafi'].flatMap((kind) => [
    ...encoded(`${kind}.caBundle`, at(issuer, 'spec', kind, 'caBundle')),
    ...encoded(`${kind}.tpp.caBundle`, at(issuer, 'spec', kind, 'tpp', 'caBundle')),
  ]);
}

function webhookTexts({ webhooks }: KubernetesObject): readonly EstateText[] {
  return listAt({ webhooks }, 'webhooks').flatMap((webhook) =>
    encoded(textAt(webhook, 'name') ?? 'caBundle', at(webhook, 'clientConfig', 'caBundle')),
  );
}

function webhookServices({ webhooks }: KubernetesObject): readonly string[] {
  return [...new Set(listAt({ webhooks }, 'webhooks').flatMap((webhook) => service(at(webhook, 'clientConfig'))))];
}

function service(client: unknown): readonly string[] {
  const [namespace, name, url] = [
    textAt(client, 'service', 'namespace'),
    textAt(client, 'service', 'name'),
    textAt(client, 'url'),
  ];
  if (name !== undefined) return [`the API server, for Service ${namespace ?? ''}/${name}`];
  return url === undefined ? [] : [`the API server, for ${url}`];
}

function fields(value: unknown): readonly (readonly [name: string, value: unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function plain(name: string, value: unknown): readonly EstateText[] {
  return typeof value === 'string' ? [{ name, bytes: Buffer.from(value) }] : [];
}

function encoded(name: string, value: unknown): readonly EstateText[] {
  return typeof value === 'string' && value !== '' ? [{ name, bytes: Buffer.from(value, 'base64') }] : [];
}
