// The API server that the doctor asks, and Capstan's own objects there.
import { HttpsConnection } from '../../adapters/kubernetes/api/api-connection.ts';
import type { Material } from '../../adapters/kubernetes/api/access/api-access.ts';
import { inClusterAccess } from '../../adapters/kubernetes/api/access/in-cluster.ts';
import { kubeconfigFileAccess } from '../../adapters/kubernetes/api/access/kubeconfig.ts';
import { KubernetesClient } from '../../adapters/kubernetes/api/kubernetes-client.ts';
import { readingAgain } from '../../adapters/kubernetes/api/patient-reads.ts';
import type { KubernetesApi } from '../../adapters/kubernetes/api/kubernetes-api.ts';
import {
  findCapstan,
  findPods,
  type CapstanObjects,
  type PodStatus,
} from '../../adapters/kubernetes/diagnosis/capstan-objects.ts';
import type { Seen } from '../../adapters/kubernetes/diagnosis/installation.ts';
import { see } from '../../adapters/kubernetes/diagnosis/see.ts';
import { SystemClock } from '../../adapters/clock/system-clock.ts';
import type { Clock } from '../../ports/platform/clock.ts';

export interface OpenedCluster {
  readonly api: KubernetesApi;
  /** That Capstan is looked for in. */
  readonly namespace: string;
  /** Whether this runs in a pod, and asks as its service account. */
  readonly inPod: boolean;
  /** Absent when no StatefulSet of ours is in the namespace, or it may not be seen. */
  readonly capstan: CapstanObjects | undefined;
  /** Why its StatefulSet may not be seen. */
  readonly notSeen?: string;
  /** How Capstan's pods are. */
  readonly pods: (options: { readonly signal: AbortSignal }) => Promise<Seen<readonly PodStatus[]>>;
}

/** That the chart is installed in, usually. */
const ISTIO = 'istio-system';
/** Where the chart mounts the configuration. */
const CONFIG_FILE = '/etc/capstan/capstan.yaml';

/** Where an API server is: the files of a kubeconfig, read as one; without them, the service account of the pod. */
export interface ApiPlace {
  readonly kubeconfig?: readonly string[];
  readonly context?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** @throws AuthorityError CAP-X03; Error when nobody answers, or nothing may be asked at all. */
export async function openApi(
  { kubeconfig, context, environment }: ApiPlace,
  options: { readonly signal: AbortSignal },
): Promise<{
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly ownNamespace: string | undefined;
  readonly ca: Material | undefined;
}> {
  const access =
    kubeconfig === undefined
      ? inClusterAccess(environment)
      : kubeconfigFileAccess({ files: kubeconfig, environment, ...(context !== undefined && { context }) });
  const clock = new SystemClock();
  const api = new KubernetesClient({
    connection: new HttpsConnection(access, clock),
    clock,
    read: readingAgain(clock),
  });
  // Whoever may ask nothing at all is told so before anything else.
  await api.raw('/version', options);
  return { api, clock, ownNamespace: access.namespace, ca: access.ca };
}

/** @throws as `openApi`. */
export async function openCluster(
  { namespace: named, ...place }: ApiPlace & { readonly namespace?: string },
  options: { readonly signal: AbortSignal },
): Promise<OpenedCluster> {
  const { api, ownNamespace } = await openApi(place, options);
  const inPod = place.kubeconfig === undefined;
  const namespace = named ?? (inPod ? ownNamespace : undefined) ?? ISTIO;
  // In a pod Capstan's own role reads no StatefulSets, and its files are at hand.
  const found = inPod
    ? undefined
    : await see("Capstan's StatefulSet", async () => findCapstan(api, namespace, options));
  const pods: OpenedCluster['pods'] = async (at) => see("Capstan's pods", async () => findPods(api, namespace, at));
  const capstan = found !== undefined && 'known' in found ? found.known : undefined;
  const notSeen = found !== undefined && 'unknown' in found ? found.unknown : undefined;
  return { api, namespace, inPod, capstan, pods, ...(notSeen !== undefined && { notSeen }) };
}

/** @returns the configuration of its pods. */
export async function findConfig({
  capstan,
}: OpenedCluster): Promise<{ readonly text: string; readonly place: string } | undefined> {
  const text = await capstan?.readMounted(CONFIG_FILE);
  return text === undefined ? undefined : { text, place: CONFIG_FILE };
}
