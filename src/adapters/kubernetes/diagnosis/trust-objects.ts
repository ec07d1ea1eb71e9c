// Where roots and certificates lie in a cluster: istiod's Secret, the ConfigMap of each namespace, the webhooks. Of the Secret only
// certificates are taken; its key is not looked at.
import type { X509Certificate } from 'node:crypto';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { readCrls } from '../../../domain/x509/crl/read-crl.ts';
import { CONFIG_MAP, NAMESPACE, SECRET } from '../api/kinds.ts';
import type { ApiKind, CallOptions, KubernetesApi } from '../api/kubernetes-api.ts';
import { certificatesIn, chainProblem, rootsIn, summaryOf } from './certificates.ts';
import { at, labelsAt, listAt, textAt } from './fields.ts';
import type { CrlConfigMap, IstiodTls, MeshNamespace, RootConfigMap, Webhook } from './installation.ts';

type Api = Pick<KubernetesApi, 'get' | 'list'>;

const WEBHOOKS: readonly ApiKind[] = ['Mutating', 'Validating'].map((which) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: `${which}WebhookConfiguration`,
  plural: `${which.toLowerCase()}webhookconfigurations`,
  namespaced: false,
}));
/** Of Istio's injection and validation, and of ours. */
const WEBHOOK_LABELS = ['app=sidecar-injector', 'app=istiod', 'app.kubernetes.io/name=capstan'];

export async function findIstiodTls(
  api: Api,
  namespaces: readonly string[],
  anchors: readonly X509Certificate[],
  options: CallOptions,
): Promise<readonly IstiodTls[]> {
  return Promise.all(
    namespaces.map(async (namespace) => {
      const secret = await api.get(SECRET, { namespace, name: 'istiod-tls' }, options);
      const chain = certificatesIn(decoded(textAt(secret, 'data', 'tls.crt')));
      const roots = rootsIn(decoded(textAt(secret, 'data', 'ca.crt')));
      if (chain.length === 0) return { namespace, roots };
      const problem = anchors.length === 0 ? undefined : chainProblem(chain, anchors);
      return { namespace, roots, chain: chain.map(summaryOf), ...(problem !== undefined && { chainProblem: problem }) };
    }),
  );
}

/** The ConfigMap in each of these namespaces; in others too, where it has several writers. */
export async function findRootConfigMaps(
  api: Api,
  namespaces: readonly string[],
  options: CallOptions,
  name = 'istio-ca-root-cert',
): Promise<readonly RootConfigMap[]> {
  const { items } = await api.list(CONFIG_MAP, { fields: `metadata.name=${name}` }, options);
  const found = items.filter((object) => namespaces.includes(object.metadata.namespace ?? ''));
  const missing = namespaces.filter((namespace) => !found.some(({ metadata }) => metadata.namespace === namespace));
  return [...found.map(rootConfigMap), ...missing.map((namespace) => ({ namespace, writers: [] }))];
}

function rootConfigMap(object: KubernetesObject): RootConfigMap {
  return {
    namespace: object.metadata.namespace ?? '',
    roots: rootsIn(textAt(object, 'data', 'root-cert.pem') ?? ''),
    writers: writersOf(object, 'root-cert.pem'),
  };
}

function writersOf(object: KubernetesObject, key: string): readonly string[] {
  const writers = listAt(object, 'metadata', 'managedFields')
    .filter((entry) => at(entry, 'fieldsV1', 'f:data', `f:${key}`) !== undefined)
    .map((entry) => textAt(entry, 'manager') ?? 'unknown');
  return [...new Set(writers)].sort();
}

/** The ConfigMap of each namespace that has one: pods mount it wherever it is. */
export async function findCrlConfigMaps(
  api: Api,
  options: CallOptions,
  name = 'istio-ca-crl',
): Promise<readonly CrlConfigMap[]> {
  const { items } = await api.list(CONFIG_MAP, { fields: `metadata.name=${name}` }, options);
  return items.map((object) => {
    const { namespace = '' } = object.metadata;
    const found = { namespace, writers: writersOf(object, 'ca-crl.pem') };
    const text = textAt(object, 'data', 'ca-crl.pem') ?? '';
    if (text.trim() === '') return found;
    const lists = readCrls(text);
    if ('problem' in lists) return { ...found, problem: lists.problem };
    return { ...found, untilMs: Math.min(...lists.map(({ nextUpdateMs }) => nextUpdateMs)) };
  });
}

/** Namespaces with a label that brings their pods into the mesh. */
export async function findMeshNamespaces(api: Api, options: CallOptions): Promise<readonly MeshNamespace[]> {
  const { items } = await api.list(NAMESPACE, {}, options);
  return items
    .map((object) => ({ name: object.metadata.name, labels: labelsAt(object, 'metadata', 'labels') }))
    .filter(({ labels }) => isInMesh(labels));
}

function isInMesh(labels: Readonly<Record<string, string>>): boolean {
  return (
    labels['istio-injection'] === 'enabled' ||
    (labels['istio.io/rev'] ?? '') !== '' ||
    labels['istio.io/dataplane-mode'] === 'ambient'
  );
}

export async function findWebhooks(api: Api, options: CallOptions): Promise<readonly Webhook[]> {
  const asked = WEBHOOKS.flatMap((kind) => WEBHOOK_LABELS.map(async (labels) => api.list(kind, { labels }, options)));
  const objects = (await Promise.all(asked)).flatMap(({ items }) => items);
  return objects.flatMap(({ kind, metadata, webhooks }) => {
    const [first] = listAt({ webhooks }, 'webhooks');
    // One that is called by URL has a server of its own.
    const service = textAt(first, 'clientConfig', 'service', 'name');
    if (service === undefined) return [];
    const namespace = textAt(first, 'clientConfig', 'service', 'namespace') ?? '';
    const roots = rootsIn(decoded(textAt(first, 'clientConfig', 'caBundle')));
    return [{ kind, name: metadata.name, service: `${namespace}/${service}`, roots }];
  });
}

function decoded(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('utf8');
}
