// Capstan's own objects: its StatefulSet, the files that are mounted into it as the API server has them, and who can reach it.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { CONFIG_MAP, POD, SECRET } from '../api/kinds.ts';
import type { ApiKind, CallOptions, KubernetesApi } from '../api/kubernetes-api.ts';
import type { MissingMount } from './installation.ts';
import { at, labelsAt, listAt, podTemplate, textAt, type PodTemplate } from './fields.ts';

type Api = Pick<KubernetesApi, 'get' | 'list'>;

const STATEFUL_SET: ApiKind = { apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets', namespaced: true };
const NETWORK_POLICY: ApiKind = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
};
const ENDPOINT_SLICE: ApiKind = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};
/** The name of the TLS port in our pods. */
const TLS_PORT_NAME = 'ca';

export interface CapstanObjects {
  readonly name: string;
  readonly serviceAccount: string;
  /** @returns a file of its pods, when it is mounted from a ConfigMap. Files of Secrets are not looked at. */
  readonly readMounted: (file: string) => Promise<string | undefined>;
  /** Of the ConfigMaps that its pods mount, those that are not there, and the keys of these files that they lack. */
  readonly missingMounts: (files: readonly string[]) => Promise<readonly MissingMount[]>;
  readonly podLabels: Readonly<Record<string, string>>;
}

/** @returns nothing when there is no StatefulSet of ours in the namespace. */
export async function findCapstan(
  api: Api,
  namespace: string,
  options: CallOptions,
): Promise<CapstanObjects | undefined> {
  const { items } = await api.list(STATEFUL_SET, { namespace, labels: 'app.kubernetes.io/name=capstan' }, options);
  const [object] = items;
  if (object === undefined) return undefined;
  const template = podTemplate(object);
  const read = new Map<string, Promise<KubernetesObject | undefined>>();
  const configMapNamed = async (configMap: string): Promise<KubernetesObject | undefined> => {
    const asked = read.get(configMap) ?? api.get(CONFIG_MAP, { namespace, name: configMap }, options);
    read.set(configMap, asked);
    return asked;
  };
  return {
    name: object.metadata.name,
    serviceAccount: template.serviceAccount,
    podLabels: template.labels,
    readMounted: async (file) => {
      const mounted = mountedFrom(template, file);
      if (mounted === undefined) return undefined;
      return textAt(await configMapNamed(mounted.configMap), 'data', mounted.key);
    },
    missingMounts: async (files) => {
      const names = [...new Set(template.volumes.flatMap(demandedConfigMap))];
      const absent: string[] = [];
      for (const name of names) if ((await configMapNamed(name)) === undefined) absent.push(name);
      const lacking: MissingMount[] = [];
      for (const file of files) {
        const mounted = mountedFrom(template, file);
        if (mounted === undefined || absent.includes(mounted.configMap)) continue;
        const found = await configMapNamed(mounted.configMap);
        if (textAt(found, 'data', mounted.key) === undefined)
          lacking.push({ configMap: `${namespace}/${mounted.configMap}`, key: mounted.key });
      }
      return [...absent.map((name) => ({ configMap: `${namespace}/${name}` })), ...lacking];
    },
  };
}

/** @returns the policy bundle and its signature in an object, as far as they are there; of a Secret nothing else is looked at. */
export async function findBundleObject(
  api: Pick<KubernetesApi, 'get'>,
  { kind, ...at }: { readonly kind: 'ConfigMap' | 'Secret'; readonly namespace: string; readonly name: string },
  options: CallOptions,
): Promise<{ readonly bundle?: string; readonly signature?: string }> {
  const found = await api.get(kind === 'Secret' ? SECRET : CONFIG_MAP, at, options);
  const textOf = (key: string): string | undefined => {
    const text = textAt(found, 'data', key);
    return text === undefined || kind === 'ConfigMap' ? text : Buffer.from(text, 'base64').toString('utf8');
  };
  const [bundle, signature] = [textOf('bundle.yaml'), textOf('bundle.yaml.sig')];
  return { ...(bundle !== undefined && { bundle }), ...(signature !== undefined && { signature }) };
}

/** The ConfigMap without which a pod does not start. */
function demandedConfigMap(volume: Readonly<Record<string, unknown>>): readonly string[] {
  const name = textAt(volume, 'configMap', 'name');
  return name === undefined || at(volume, 'configMap', 'optional') === true ? [] : [name];
}

function mountedFrom(
  { containers, volumes }: PodTemplate,
  file: string,
): { readonly configMap: string; readonly key: string } | undefined {
  const mounts = containers.flatMap(({ volumeMounts }) => volumeMounts);
  const [mount] = mounts
    .map((one) => ({
      name: textAt(one, 'name'),
      path: textAt(one, 'mountPath') ?? '',
      subPath: textAt(one, 'subPath'),
    }))
    .filter(({ path }) => file === path || file.startsWith(`${path}/`))
    .sort((one, other) => other.path.length - one.path.length);
  const volume = volumes.find((one) => textAt(one, 'name') === mount?.name);
  const configMap = textAt(volume, 'configMap', 'name');
  if (mount === undefined || configMap === undefined) return undefined;
  return { configMap, key: mount.subPath ?? file.slice(mount.path.length + 1) };
}

/** @returns NetworkPolicies that select these pods, when none of them lets anybody in at the TLS port. */
export async function findClosingPolicies(
  api: Api,
  {
    namespace,
    podLabels,
    port,
  }: { readonly namespace: string; readonly podLabels: Readonly<Record<string, string>>; readonly port: number },
  options: CallOptions,
): Promise<readonly string[]> {
  const { items } = await api.list(NETWORK_POLICY, { namespace }, options);
  const selecting = items.filter((policy) => limitsIngress(policy) && selects(policy, podLabels));
  const open = selecting.some((policy) => listAt(policy, 'spec', 'ingress').some((rule) => isOpenAt(rule, port)));
  return open ? [] : selecting.map(({ metadata }) => `${namespace}/${metadata.name}`);
}

/** A policy without types is one for ingress (networking.k8s.io/v1). */
function limitsIngress(policy: KubernetesObject): boolean {
  const types = at(policy, 'spec', 'policyTypes');
  return !Array.isArray(types) || types.includes('Ingress');
}

function selects(policy: KubernetesObject, podLabels: Readonly<Record<string, string>>): boolean {
  const selector = at(policy, 'spec', 'podSelector');
  // Expressions are beyond what the doctor reads: such a policy is passed over.
  if (listAt(selector, 'matchExpressions').length > 0) return false;
  return Object.entries(labelsAt(selector, 'matchLabels')).every(([label, value]) => podLabels[label] === value);
}

function isOpenAt(rule: Readonly<Record<string, unknown>>, port: number): boolean {
  const ports = listAt(rule, 'ports');
  return (
    ports.length === 0 ||
    ports.some((one) => {
      const from = one['port'] as number | string | undefined;
      if (from === undefined || from === TLS_PORT_NAME || from === port) return true;
      const end = one['endPort'];
      return typeof from === 'number' && typeof end === 'number' && from <= port && port <= end;
    })
  );
}

/** @returns how many endpoints of the Service are ready. */
export async function countEndpoints(
  api: Api,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  options: CallOptions,
): Promise<number> {
  const { items } = await api.list(
    ENDPOINT_SLICE,
    { namespace, labels: `kubernetes.io/service-name=${name}` },
    options,
  );
  return items
    .flatMap((slice) => listAt(slice, 'endpoints'))
    .filter((endpoint) => at(endpoint, 'conditions', 'ready') !== false).length;
}

export interface PodStatus {
  readonly name: string;
  readonly phase: string;
  readonly node: string;
  /** Of each container. */
  readonly containers: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly restarts: number;
    /** Why it waits or ended, in the words of the kubelet. */
    readonly reason?: string;
  }[];
}

/** @returns how Capstan's pods are. */
export async function findPods(api: Api, namespace: string, options: CallOptions): Promise<readonly PodStatus[]> {
  const { items } = await api.list(POD, { namespace, labels: 'app.kubernetes.io/name=capstan' }, options);
  return items.map((pod) => ({
    name: pod.metadata.name,
    phase: textAt(pod, 'status', 'phase') ?? 'Unknown',
    node: textAt(pod, 'spec', 'nodeName') ?? '',
    containers: listAt(pod, 'status', 'containerStatuses').map((status) => {
      const reason =
        textAt(status, 'state', 'waiting', 'reason') ?? textAt(status, 'lastState', 'terminated', 'reason');
      return {
        name: textAt(status, 'name') ?? '',
        ready: status['ready'] === true,
        restarts: Number(status['restartCount'] ?? 0),
        ...(reason !== undefined && { reason }),
      };
    }),
  }));
}
