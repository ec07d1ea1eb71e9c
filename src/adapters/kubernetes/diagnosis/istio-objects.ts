// What Istio is set up to do, from its own objects: Deployments and ConfigMaps of istiod of each revision, DaemonSets of ztunnel.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { readYaml } from '../../../yaml/read-yaml.ts';
import { AS_KUBERNETES } from '../../../yaml/yaml-rules.ts';
import type { ApiKind, CallOptions, KubernetesApi } from '../api/kubernetes-api.ts';
import { CONFIG_MAP } from '../api/kinds.ts';
import { at, envOf, podTemplate, textAt } from './fields.ts';
import type { Injection, Istiod, Mesh, Ztunnel } from './installation.ts';

const DEPLOYMENT: ApiKind = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true };
const DAEMON_SET: ApiKind = { apiVersion: 'apps/v1', kind: 'DaemonSet', plural: 'daemonsets', namespaced: true };
/** meshConfig.trustDomain and the token audience of Istio's chart when nothing is said. */
const DEFAULT_TRUST_DOMAIN = 'cluster.local';
const DEFAULT_AUDIENCE = 'istio-ca';

/** Of the DaemonSet in the charts of Istio 1.31, and in former ones. */
const ZTUNNEL_LABELS = ['app.kubernetes.io/name=ztunnel', 'app=ztunnel'];

/** What the checks read of istiod's environment. The rest may be anybody's, a credential too. */
const READ_OF_ENV = [
  ...['ENABLE_CA_SERVER', 'EXTERNAL_CA', 'CERT_SIGNER_DOMAIN', 'K8S_SIGNER', 'PILOT_CERT_PROVIDER'],
  ...['ISTIO_MULTIROOT_MESH', 'TOKEN_AUDIENCES', 'CA_TRUSTED_NODE_ACCOUNTS', 'PILOT_CA_CERT_CONFIGMAP'],
];

type Api = Pick<KubernetesApi, 'get' | 'list'>;

export async function findIstiods(api: Api, options: CallOptions): Promise<readonly Istiod[]> {
  const { items } = await api.list(DEPLOYMENT, { labels: 'app=istiod' }, options);
  return items.map((object) => ({
    ...placeOf(object),
    revision: revisionOf(object),
    env: readOf(envOf(podTemplate(object))),
  }));
}

export async function findZtunnels(api: Api, options: CallOptions): Promise<readonly Ztunnel[]> {
  const asked = ZTUNNEL_LABELS.map(async (labels) => api.list(DAEMON_SET, { labels }, options));
  const items = (await Promise.all(asked)).flatMap((list) => list.items);
  // One may have both.
  const found = new Map(items.map((object) => [`${object.metadata.namespace ?? ''}/${object.metadata.name}`, object]));
  return [...found.values()].map((object) => {
    const template = podTemplate(object);
    const caAddress = envOf(template)['CA_ADDRESS'];
    const { serviceAccount } = template;
    return { ...placeOf(object), serviceAccount, ...(caAddress !== undefined && { caAddress }) };
  });
}

/** What each istiod puts into pods. */
export async function findInjections(
  api: Api,
  istiods: readonly Istiod[],
  options: CallOptions,
): Promise<readonly Injection[]> {
  const found = await Promise.all(
    istiods.map(async ({ namespace, revision }) => {
      const object = await api.get(CONFIG_MAP, { namespace, name: named('istio-sidecar-injector', revision) }, options);
      return object === undefined ? [] : [injectionOf(object, namespace, revision)];
    }),
  );
  return found.flat();
}

export async function findMeshes(api: Api, istiods: readonly Istiod[], options: CallOptions): Promise<readonly Mesh[]> {
  const found = await Promise.all(
    istiods.map(async ({ namespace, revision }) => {
      const object = await api.get(CONFIG_MAP, { namespace, name: named('istio', revision) }, options);
      if (object === undefined) return [];
      const mesh = dataOf(textAt(object, 'data', 'mesh') ?? '');
      return [{ namespace, revision, trustDomain: textAt(mesh, 'trustDomain') ?? DEFAULT_TRUST_DOMAIN }];
    }),
  );
  return found.flat();
}

function readOf(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => READ_OF_ENV.includes(name)));
}

/** The chart writes its values into the ConfigMap as JSON, which is YAML too. */
function injectionOf(object: KubernetesObject, namespace: string, revision: string): Injection {
  const global = at(dataOf(textAt(object, 'data', 'values') ?? ''), 'global');
  return {
    namespace,
    revision,
    caAddress: textAt(global, 'caAddress') ?? '',
    pilotCertProvider: textAt(global, 'pilotCertProvider') ?? '',
    tokenAudience: textAt(global, 'sds', 'token', 'aud') ?? DEFAULT_AUDIENCE,
  };
}

/** Istio's own text; what cannot be read is as if nothing were said. */
function dataOf(text: string): unknown {
  return readYaml(text, 'mesh', AS_KUBERNETES).documents[0]?.data;
}

function placeOf({ metadata }: KubernetesObject): { readonly namespace: string; readonly name: string } {
  return { namespace: metadata.namespace ?? '', name: metadata.name };
}

/** Istio's label; the default revision is written without a name. */
function revisionOf({ metadata }: KubernetesObject): string {
  const revision = metadata.labels?.['istio.io/rev'] ?? '';
  return revision === 'default' ? '' : revision;
}

function named(name: string, revision: string): string {
  return revision === '' ? name : `${name}-${revision}`;
}
