// Whether a node proxy may ask for a workload: the proof of istiod's node authorizer, with what that leaves out (the trust
// domain, pods that have ended, pods that the watch has not told of yet). The caller is a trusted account whose token is
// bound to a pod; that pod is there, as the token says; a pod of the workload runs on its node.
import { hasEnded } from '../../domain/cluster/pod-phase.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { NodeAccount } from '../../ports/cluster/node-pods.ts';
import type { KnownPod, WorkloadDirectory } from '../../ports/cluster/workload-directory.ts';
import type { NodePodLookups } from './node-pod-lookups.ts';
import { PodArrivals } from './pod-arrivals.ts';

/** What can be asked of one cluster. */
export interface AskedCluster {
  readonly directory: WorkloadDirectory;
  readonly lookups: Pick<NodePodLookups, 'podsOn'>;
}

export interface NodeProofParts {
  /** @returns the caller's own cluster; nothing where it is not known any more. */
  readonly clusterOf: (caller: Caller) => AskedCluster | undefined;
  /** Whether policy names a trust domain, beside our own, for a namespace. */
  readonly isAlias: (identity: KubernetesIdentity) => boolean;
  readonly clock: Clock;
}

export interface NodeProofSettings {
  /** `namespace/serviceAccount` of node proxies. */
  readonly trustedAccounts: ReadonlySet<string>;
  /** How long the watch may be behind before the API server is asked itself, in ms. */
  readonly watchLagMs: number;
}

declare const trusted: unique symbol;

/** Only `trust` makes one. */
export interface NodeProxy extends NodeAccount {
  readonly [trusted]: true;
  readonly caller: Caller;
  readonly podName: string;
  readonly podUid: string;
}

export class NodeProof {
  readonly #parts: NodeProofParts;
  readonly #settings: NodeProofSettings;
  readonly #arrivals: PodArrivals;

  constructor(parts: NodeProofParts, settings: NodeProofSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#arrivals = new PodArrivals(parts.clock);
  }

  /** Begins to hear of pods, so that one that comes wakes who waits for it. */
  follow(directory: Pick<WorkloadDirectory, 'onPod'>, options: { readonly signal: AbortSignal }): void {
    this.#arrivals.follow(directory, options);
  }

  /**
   * @returns the caller as one that may ask for the pods of its node, as far as its token tells.
   * @throws AuthorityError `impersonation_forbidden` (CAP-A15, CAP-A16).
   */
  trust(caller: Caller): NodeProxy {
    const { identity, authenticationMethod, pod } = caller;
    const { namespace, serviceAccount } = identity;
    const account = `${namespace}/${serviceAccount}`;
    if (!this.#settings.trustedAccounts.has(account)) {
      throw new AuthorityError('CAP-A15', { detail: `${account} is none of cluster.kubernetes.trustedNodeAccounts` });
    }
    const { podName, podUid, nodeName: node } = pod ?? {};
    if (authenticationMethod !== 'token' || podName === undefined || podUid === undefined || node === undefined) {
      const shown = authenticationMethod === 'token' ? 'its token is bound to no pod of a node' : 'it showed no token';
      throw new AuthorityError('CAP-A16', { detail: shown });
    }
    return { caller, namespace, serviceAccount, podName, podUid, node } as NodeProxy;
  }

  /**
   * @returns the pods of the wanted identity on the proxy's node: at least one.
   * @throws AuthorityError `impersonation_forbidden` (CAP-A07, CAP-A16, CAP-A17), CAP-S13 where nothing can be said of the
   *   cluster, CAP-Q05 where the API server may not be asked now; the signal's reason when it aborts.
   */
  async podsOf(
    proxy: NodeProxy,
    wanted: KubernetesIdentity,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly KnownPod[]> {
    const { caller } = proxy;
    if (wanted.trustDomain !== caller.identity.trustDomain && !this.#parts.isAlias(wanted)) {
      throw new AuthorityError('CAP-A07', { detail: `${wanted.spiffeId.uri} is of another trust domain` });
    }
    const cluster = this.#parts.clusterOf(caller);
    const why = cluster === undefined ? 'its cluster is not known' : cluster.directory.unavailable;
    if (cluster === undefined || why !== undefined) throw new AuthorityError('CAP-S13', { detail: why ?? '' });
    const deadlineMs = this.#parts.clock.monotonicMs() + this.#settings.watchLagMs;
    await this.#demandOwnPod(cluster, proxy, deadlineMs, options);
    return this.#runningPods(cluster, proxy, wanted, deadlineMs, options);
  }

  /** The token may be older than what has happened to the pod. */
  async #demandOwnPod(
    { directory, lookups }: AskedCluster,
    proxy: NodeProxy,
    deadlineMs: number,
    options: { readonly signal: AbortSignal },
  ): Promise<void> {
    const look = (): KnownPod | undefined => directory.pod(proxy.namespace, proxy.podName);
    const known = await this.#arrivals.find(proxy, () => matching(look(), proxy), deadlineMs, options);
    const found = known ?? (await lookups.podsOn(proxy.podUid, proxy, options)).find(isNamed(proxy)) ?? look();
    if (found === undefined) throw new AuthorityError('CAP-A16', { detail: `there is no pod ${proxy.podName}` });
    demandSame(found, proxy);
  }

  async #runningPods(
    { directory, lookups }: AskedCluster,
    proxy: NodeProxy,
    { namespace, serviceAccount }: KubernetesIdentity,
    deadlineMs: number,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly KnownPod[]> {
    const account: NodeAccount = { node: proxy.node, namespace, serviceAccount };
    if (directory.namespace(namespace)?.terminating === true) throw noPod(`namespace ${namespace} is being deleted`);
    const isThere = (): boolean => directory.serviceAccount(namespace, serviceAccount) !== undefined;
    const look = (): readonly KnownPod[] | undefined =>
      isThere() ? runningOf(directory.podsOn(account.node, account)) : undefined;
    const known = await this.#arrivals.find(account, look, deadlineMs, options);
    if (known !== undefined) return known;
    const asked = runningOf(await lookups.podsOn(proxy.podUid, account, options));
    if (asked === undefined) throw noPod(`no pod of ${namespace}/${serviceAccount} runs on node ${proxy.node}`);
    // Its pods outlive an account that was deleted, as those of a sidecar do, and prove as little.
    if (!isThere()) throw noPod(`there is no service account ${namespace}/${serviceAccount}`);
    return asked;
  }
}

function isNamed({ podName }: NodeProxy): (pod: KnownPod) => boolean {
  return ({ name }) => name === podName;
}

/** One of another UID had the name before, or has it by now: the watch may be behind. */
function matching(pod: KnownPod | undefined, { podUid }: NodeProxy): KnownPod | undefined {
  return pod?.uid === podUid ? pod : undefined;
}

function demandSame(pod: KnownPod, { podName, podUid, namespace, serviceAccount, node }: NodeProxy): void {
  const differs =
    pod.uid !== podUid
      ? `has UID ${pod.uid}`
      : pod.namespace !== namespace || pod.serviceAccount !== serviceAccount
        ? `runs as ${pod.namespace}/${pod.serviceAccount}`
        : pod.node !== node
          ? `is on node ${pod.node ?? 'none'}`
          : hasEnded(pod)
            ? `has ended (${pod.phase})`
            : undefined;
  if (differs !== undefined) throw new AuthorityError('CAP-A16', { detail: `pod ${podName} ${differs}` });
}

function noPod(detail: string): AuthorityError {
  return new AuthorityError('CAP-A17', { detail });
}

/** A pod that is being deleted counts until it is gone: it still answers its connections. */
function runningOf(pods: readonly KnownPod[]): readonly KnownPod[] | undefined {
  const running = pods.filter((pod) => !hasEnded(pod));
  return running.length === 0 ? undefined : running;
}
