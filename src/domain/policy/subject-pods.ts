// The pods that a certificate is for, as policy sees them: the caller's own, or those of a service account on one node for
// which ztunnel asks. Whatever policy gives by pods it gives only if every one of them has it: they share the key.
import type { ClusterSnapshot, KubernetesObject } from '../cluster/snapshot.ts';
import { compareText } from '../text/compare-text.ts';
import type { Labels } from './documents.ts';
import type { PolicyRequest } from './request.ts';

/** A pod that proof has named. */
export interface PodName {
  readonly name: string;
  /** Absent where the credential has none. */
  readonly uid?: string;
}

/** A pod as the cluster said it is. */
export interface SubjectPod {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Labels;
  /** Of each container the digest of its image, `sha256:…`; `unknown` of one that neither runs nor is pinned. Each once, sorted. */
  readonly images: readonly string[];
}

/** @returns the pods that a certificate is for: those of a relayed request, or the one of who asks. */
export function podNamesOf({ pods, claims }: Pick<PolicyRequest, 'pods' | 'claims'>): readonly PodName[] {
  // A name that was used again is refused with its credential, before policy is asked.
  return pods ?? (claims.podName === undefined ? [] : [{ name: claims.podName }]);
}

/** Of more pods of one account on one node, the first by name are looked at and the rest count as not known. */
export const MAX_PODS = 64;

/**
 * @returns the pods as the snapshot has them; nothing when one is not there, or is another by now: then nothing is known
 *   of what they have in common.
 */
export function podsIn(
  snapshot: Pick<ClusterSnapshot, 'find'>,
  namespace: string,
  names: readonly PodName[],
): readonly SubjectPod[] | undefined {
  if (names.length === 0 || names.length > MAX_PODS) return undefined;
  const sorted = [...names].sort((a, b) => compareText(a.name, b.name));
  const found = sorted.flatMap(({ name, uid }) => {
    const object = snapshot.find({ apiVersion: 'v1', kind: 'Pod', namespace, name });
    return object === undefined || (uid !== undefined && object.metadata.uid !== uid) ? [] : [subjectPodOf(object)];
  });
  return found.length === names.length ? found : undefined;
}

export function subjectPodOf(pod: KubernetesObject): SubjectPod {
  const { name, uid, resourceVersion, labels = {} } = pod.metadata;
  return { name, uid, resourceVersion, labels, images: imageDigestsOf(pod) };
}

/** Which container lists of a PodSpec have their state in which list of the PodStatus (Kubernetes API, core/v1). */
const CONTAINERS = [
  ['initContainers', 'initContainerStatuses'],
  ['containers', 'containerStatuses'],
  ['ephemeralContainers', 'ephemeralContainerStatuses'],
] as const;
const UNKNOWN = 'unknown';

/**
 * What runs counts, as the kubelet told it (`imageID`); before a container runs, the digest that its spec pins. So an image
 * that a debugger attaches to the pod counts as well.
 * @returns as in SubjectPod; also for a pod of which only this was kept, as `status.images`.
 */
export function imageDigestsOf({ spec, status }: KubernetesObject): readonly string[] {
  const kept = isFields(status) ? status['images'] : undefined;
  if (Array.isArray(kept)) return kept as readonly string[];
  const digests = CONTAINERS.flatMap(([specs, statuses]) => {
    const running = new Map(fieldList(status, statuses).map((one) => [one['name'], digestIn(one['imageID'])]));
    return fieldList(spec, specs).map((one) => running.get(one['name']) ?? digestIn(one['image']) ?? UNKNOWN);
  });
  return [...new Set(digests)].sort(compareText);
}

/** `registry/name@sha256:…`, `docker-pullable://…@sha256:…` or the digest alone. */
function digestIn(image: unknown): string | undefined {
  return typeof image === 'string' ? /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(image)?.[1] : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldList(of: unknown, name: string): readonly Fields[] {
  const list = isFields(of) ? of[name] : undefined;
  return Array.isArray(list) ? list.filter(isFields) : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** Which pods a rule or a class is for; every part that is present must hold. */
export interface PodSelector {
  /** Each with this value; `*` is any. */
  readonly labels?: Labels;
  /** Digests: each container of the pod runs one of them. */
  readonly images?: readonly string[];
}

export function selectsPod({ labels = {}, images }: PodSelector, pod: SubjectPod): boolean {
  const named = Object.entries(labels).every(([name, value]) => {
    const actual = Object.hasOwn(pod.labels, name) ? pod.labels[name] : undefined;
    return actual !== undefined && (value === '*' || value === actual);
  });
  const known = pod.images.length > 0 && pod.images.every((image) => images?.includes(image) === true);
  return named && (images === undefined || known);
}
