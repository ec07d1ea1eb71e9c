// The workloads of one cluster out of the caches of its pods, service accounts and namespaces.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { imageDigestsOf } from '../../../domain/policy/subject-pods.ts';
import { fieldOf } from '../../../domain/cluster/pod-templates.ts';
import { meshMarksOf } from '../../../domain/cluster/mesh-marks.ts';
import type { CoveredPod } from '../../../domain/inventory/coverage.ts';
import { hasEnded } from '../../../domain/cluster/pod-phase.ts';
import { Listeners } from '../../../live/listeners.ts';
import type {
  Gone,
  KnownNamespace,
  KnownPod,
  KnownServiceAccount,
  WorkloadDirectory,
} from '../../../ports/cluster/workload-directory.ts';
import { NAMESPACE, POD, SERVICE_ACCOUNT } from '../api/kinds.ts';
import { followObjects, type CacheParts, type FollowedObjects } from '../api/object-cache.ts';
import type { ObjectChange } from '../api/object-store.ts';
import { keptInFull, keptOfPod, sinceOf } from './kept-objects.ts';

export interface WorkloadCaches {
  readonly pods: FollowedObjects;
  readonly serviceAccounts: FollowedObjects;
  readonly namespaces: FollowedObjects;
}

const BY_UID = 'uid';
const BY_NODE = 'node';

/** @returns the caches of a cluster's workloads, which are read here and by its view for policies. */
export function workloadCaches(parts: CacheParts): WorkloadCaches {
  const indexes = { [BY_UID]: uidKeys, [BY_NODE]: nodeKeys };
  return {
    pods: followObjects(parts, POD, {}, { keep: keptOfPod, indexes }),
    serviceAccounts: followObjects(parts, SERVICE_ACCOUNT, {}, { keep: keptInFull }),
    namespaces: followObjects(parts, NAMESPACE, {}, { keep: keptInFull }),
  };
}

export class FollowedWorkloads implements WorkloadDirectory {
  readonly #caches: WorkloadCaches;
  readonly #staleAfterMs: number;
  readonly #gone = new Listeners<[Gone]>();
  readonly #pods = new Listeners<[KnownPod]>();

  /** @param staleAfterMs how long what was last known is believed while the API server is silent. */
  constructor(caches: WorkloadCaches, { staleAfterMs }: { readonly staleAfterMs: number }) {
    this.#caches = caches;
    this.#staleAfterMs = staleAfterMs;
  }

  /** Begins to follow, until the signal aborts. */
  start(options: { readonly signal: AbortSignal }): void {
    const { pods, serviceAccounts, namespaces } = this.#caches;
    pods.onChange((change) => this.#podChanged(change), options);
    serviceAccounts.onChange(({ before, after }) => {
      if (before === undefined || before.metadata.uid === after?.metadata.uid) return;
      this.#gone.notify({ kind: 'serviceAccount', serviceAccount: knownServiceAccount(before) });
    }, options);
    namespaces.onChange((change) => this.#namespaceChanged(change), options);
    for (const cache of this.#all()) cache.start(options);
  }

  /** Resolves once everything was read. @throws the signal's reason when it aborts first. */
  async whenSynced(options: { readonly signal: AbortSignal }): Promise<void> {
    await Promise.all(this.#all().map(async (cache) => cache.whenSynced(options)));
  }

  get unavailable(): string | undefined {
    const unsynced = this.#all().find(({ synced }) => !synced);
    if (unsynced !== undefined) {
      const { problem, kind } = unsynced;
      return `the ${kind.plural} of the cluster are not read yet${problem === undefined ? '' : `: ${problem}`}`;
    }
    const staleMs = this.staleMs();
    if (staleMs <= this.#staleAfterMs) return undefined;
    return `the API server has not been followed for ${Math.floor(staleMs / 1_000)} s`;
  }

  /** Why some of it is not followed now, or not all of it kept. */
  get problem(): string | undefined {
    const problems = this.#all().map(({ kind, problem, leftOut: [namespace] }) => {
      const full = namespace === undefined ? undefined : `namespace ${namespace} has more than is kept of one`;
      const why = problem ?? full;
      return why && `${kind.plural}: ${why}`;
    });
    return problems.find((problem) => problem !== undefined);
  }

  staleMs(): number {
    return Math.max(...this.#all().map((cache) => cache.staleMs()));
  }

  get leftOut(): readonly string[] {
    return this.#all().flatMap(({ leftOut }) => leftOut);
  }

  pod(namespace: string, name: string): KnownPod | undefined {
    return known(this.#caches.pods.get(namespace, name), knownPod);
  }

  podByUid(uid: string): KnownPod | undefined {
    const [pod] = this.#caches.pods.byIndex(BY_UID, uid);
    return known(pod, knownPod);
  }

  podsOn(
    node: string,
    { namespace, serviceAccount }: { readonly namespace: string; readonly serviceAccount: string },
  ): readonly KnownPod[] {
    return Array.from(this.#caches.pods.byIndex(BY_NODE, nodeKey(node, namespace, serviceAccount)), knownPod);
  }

  podsIn(namespace: string): readonly KnownPod[] {
    return Array.from(this.#caches.pods.list(namespace), knownPod);
  }

  *meshPods(): Iterable<CoveredPod> {
    for (const pod of this.#caches.pods.list()) yield meshPod(pod);
  }

  meshPodByUid(uid: string): CoveredPod | undefined {
    const [pod] = this.#caches.pods.byIndex(BY_UID, uid);
    return known(pod, meshPod);
  }

  serviceAccount(namespace: string, name: string): KnownServiceAccount | undefined {
    return known(this.#caches.serviceAccounts.get(namespace, name), knownServiceAccount);
  }

  namespace(name: string): KnownNamespace | undefined {
    return known(this.#caches.namespaces.get(undefined, name), knownNamespace);
  }

  onGone(listener: (gone: Gone) => void, options: { readonly signal: AbortSignal }): void {
    this.#gone.add(listener, options);
  }

  onPod(listener: (pod: KnownPod) => void, options: { readonly signal: AbortSignal }): void {
    this.#pods.add(listener, options);
  }

  #all(): readonly FollowedObjects[] {
    const { pods, serviceAccounts, namespaces } = this.#caches;
    return [namespaces, serviceAccounts, pods];
  }

  #podChanged({ before, after }: ObjectChange): void {
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid) {
      this.#gone.notify({ kind: 'pod', pod: knownPod(before) });
    }
    if (after === undefined) return;
    const pod = knownPod(after);
    if (hasEnded(pod) && before?.metadata.uid === pod.uid && !hasEnded(knownPod(before))) {
      this.#gone.notify({ kind: 'pod', pod });
    }
    const same = before?.metadata.uid === pod.uid && nodeOf(before) === pod.node;
    if (pod.node !== undefined && !same) this.#pods.notify(pod);
  }

  #namespaceChanged({ before, after }: ObjectChange): void {
    if (before === undefined) return;
    const isSame = before.metadata.uid === after?.metadata.uid;
    const ends = isSame && knownNamespace(after).terminating && !knownNamespace(before).terminating;
    if (isSame && !ends) return;
    this.#gone.notify({ kind: 'namespace', namespace: knownNamespace(ends ? after : before) });
  }
}

function known<T>(object: KubernetesObject | undefined, of: (object: KubernetesObject) => T): T | undefined {
  return object && of(object);
}

/** @param pod in full, or as it is kept. */
export function knownPod(pod: KubernetesObject): KnownPod {
  const { namespace = '', name, uid, labels = {} } = pod.metadata;
  const node = nodeOf(pod);
  return {
    namespace,
    name,
    uid,
    serviceAccount: serviceAccountOf(pod),
    ...(node !== undefined && { node }),
    phase: phaseOf(pod),
    terminating: isTerminating(pod),
    labels,
    images: imageDigestsOf(pod),
  };
}

function meshPod(pod: KubernetesObject): CoveredPod {
  const { namespace = '', name, uid } = pod.metadata;
  const [node, sinceMs] = [nodeOf(pod), Date.parse(sinceOf(pod) ?? '')];
  return {
    namespace,
    name,
    uid,
    serviceAccount: serviceAccountOf(pod),
    ...(node !== undefined && { node }),
    phase: phaseOf(pod),
    terminating: isTerminating(pod),
    labels: { ...pod.metadata.labels },
    marks: meshMarksOf(pod),
    ...(!Number.isNaN(sinceMs) && { sinceMs }),
  };
}

function knownServiceAccount({ metadata }: KubernetesObject): KnownServiceAccount {
  return { namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid };
}

function knownNamespace(namespace: KubernetesObject): KnownNamespace {
  const { name, uid, labels = {} } = namespace.metadata;
  return { name, uid, labels, terminating: isTerminating(namespace) };
}

function isTerminating({ metadata }: KubernetesObject): boolean {
  return 'deletionTimestamp' in metadata && metadata.deletionTimestamp !== undefined;
}

function phaseOf(pod: KubernetesObject): string {
  return textAt(pod, 'status', 'phase') ?? 'Unknown';
}

function nodeOf(pod: KubernetesObject): string | undefined {
  return textAt(pod, 'spec', 'nodeName');
}

function serviceAccountOf(pod: KubernetesObject): string {
  return textAt(pod, 'spec', 'serviceAccountName') ?? 'default';
}

function textAt(object: KubernetesObject, ...path: readonly string[]): string | undefined {
  const text = fieldOf(object, path);
  return typeof text === 'string' && text !== '' ? text : undefined;
}

function uidKeys({ metadata }: KubernetesObject): readonly string[] {
  return [metadata.uid];
}

function nodeKeys(pod: KubernetesObject): readonly string[] {
  const node = nodeOf(pod);
  return node === undefined ? [] : [nodeKey(node, pod.metadata.namespace ?? '', serviceAccountOf(pod))];
}

/** None of the names has a slash. */
function nodeKey(node: string, namespace: string, serviceAccount: string): string {
  return `${node}/${namespace}/${serviceAccount}`;
}
