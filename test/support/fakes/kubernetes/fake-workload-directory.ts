// The workloads of a cluster as a test says.
import type {
  Gone,
  KnownNamespace,
  KnownPod,
  KnownServiceAccount,
  WorkloadDirectory,
} from '../../../../src/ports/cluster/workload-directory.ts';
import type { CoveredPod } from '../../../../src/domain/inventory/coverage.ts';
import { hasEnded } from '../../../../src/domain/cluster/pod-phase.ts';
import { Listeners } from '../../../../src/live/listeners.ts';

export class FakeWorkloadDirectory implements WorkloadDirectory {
  unavailable: string | undefined;
  stale = 0;
  leftOut: readonly string[] = [];
  readonly #pods = new Map<string, KnownPod>();
  /** What there is of a pod for the mesh, by its UID. */
  readonly mesh = new Map<string, Pick<CoveredPod, 'marks' | 'sinceMs'>>();
  readonly #accounts = new Map<string, KnownServiceAccount>();
  readonly #namespaces = new Map<string, KnownNamespace>();
  readonly #gone = new Listeners<[Gone]>();
  readonly #bound = new Listeners<[KnownPod]>();

  /** A running pod `shop/web-1` of `shop/web` on `node-1`, unless said otherwise; with its namespace and account. */
  addPod(changes: Partial<KnownPod> = {}): KnownPod {
    const pod: KnownPod = {
      namespace: 'shop',
      name: 'web-1',
      uid: `uid-of-${changes.name ?? 'web-1'}`,
      serviceAccount: 'web',
      node: 'node-1',
      phase: 'Running',
      terminating: false,
      labels: {},
      images: [],
      ...changes,
    };
    const { namespace, serviceAccount } = pod;
    if (this.namespace(namespace) === undefined) this.addNamespace({ name: namespace });
    if (this.serviceAccount(namespace, serviceAccount) === undefined) {
      this.addServiceAccount({ namespace, name: serviceAccount });
    }
    const before = this.pod(namespace, pod.name);
    this.#pods.set(`${namespace}/${pod.name}`, pod);
    if (before !== undefined && before.uid !== pod.uid) this.#gone.notify({ kind: 'pod', pod: before });
    if (before?.uid === pod.uid && hasEnded(pod) && !hasEnded(before)) this.#gone.notify({ kind: 'pod', pod });
    if (pod.node !== undefined) this.#bound.notify(pod);
    return pod;
  }

  addServiceAccount(changes: Partial<KnownServiceAccount> = {}): KnownServiceAccount {
    const account = { namespace: 'shop', name: 'web', uid: `uid-of-${changes.name ?? 'web'}`, ...changes };
    const key = `${account.namespace}/${account.name}`;
    const before = this.#accounts.get(key);
    this.#accounts.set(key, account);
    if (before !== undefined && before.uid !== account.uid) {
      this.#gone.notify({ kind: 'serviceAccount', serviceAccount: before });
    }
    return account;
  }

  addNamespace(changes: Partial<KnownNamespace> = {}): KnownNamespace {
    const name = changes.name ?? 'shop';
    const namespace = { name, uid: `uid-of-${name}`, labels: {}, terminating: false, ...changes };
    this.#namespaces.set(name, namespace);
    if (namespace.terminating) this.#gone.notify({ kind: 'namespace', namespace });
    return namespace;
  }

  removePod(namespace: string, name: string): void {
    const pod = this.pod(namespace, name);
    if (pod === undefined) throw new Error(`there is no pod ${namespace}/${name}`);
    this.#pods.delete(`${namespace}/${name}`);
    this.#gone.notify({ kind: 'pod', pod });
  }

  removeServiceAccount(namespace: string, name: string): void {
    const serviceAccount = this.serviceAccount(namespace, name);
    if (serviceAccount === undefined) throw new Error(`there is no service account ${namespace}/${name}`);
    this.#accounts.delete(`${namespace}/${name}`);
    this.#gone.notify({ kind: 'serviceAccount', serviceAccount });
  }

  removeNamespace(name: string): void {
    const namespace = this.namespace(name);
    if (namespace === undefined) throw new Error(`there is no namespace ${name}`);
    this.#namespaces.delete(name);
    this.#gone.notify({ kind: 'namespace', namespace });
  }

  staleMs(): number {
    return this.stale;
  }

  pod(namespace: string, name: string): KnownPod | undefined {
    return this.#pods.get(`${namespace}/${name}`);
  }

  podByUid(uid: string): KnownPod | undefined {
    return this.#pods.values().find((pod) => pod.uid === uid);
  }

  podsOn(
    node: string,
    { namespace, serviceAccount }: { readonly namespace: string; readonly serviceAccount: string },
  ): readonly KnownPod[] {
    return [
      ...this.#pods
        .values()
        .filter((pod) => pod.node === node && pod.namespace === namespace && pod.serviceAccount === serviceAccount),
    ];
  }

  podsIn(namespace: string): readonly KnownPod[] {
    return [...this.#pods.values().filter((pod) => pod.namespace === namespace)];
  }

  *meshPods(): Iterable<CoveredPod> {
    for (const pod of this.#pods.values()) yield { ...pod, marks: [], ...this.mesh.get(pod.uid) };
  }

  meshPodByUid(uid: string): CoveredPod | undefined {
    return [...this.meshPods()].find((pod) => pod.uid === uid);
  }

  serviceAccount(namespace: string, name: string): KnownServiceAccount | undefined {
    return this.#accounts.get(`${namespace}/${name}`);
  }

  namespace(name: string): KnownNamespace | undefined {
    return this.#namespaces.get(name);
  }

  onGone(listener: (gone: Gone) => void, options: { readonly signal: AbortSignal }): void {
    this.#gone.add(listener, options);
  }

  onPod(listener: (pod: KnownPod) => void, options: { readonly signal: AbortSignal }): void {
    this.#bound.add(listener, options);
  }
}
