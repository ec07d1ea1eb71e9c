// Pods in the mesh against those that have a live identity: who has none, who should be in the mesh and is not, and whose identity
// lives without a pod in it. One cluster at a time: first whoever holds something, then each pod.
import { membershipOf, type Member, type Membership, type MeshWay } from '../cluster/mesh-membership.ts';
import { hasEnded } from '../cluster/pod-phase.ts';
import type { InventoryEntry } from './entry.ts';

/**
 * `covered`: in the mesh, with a live identity. `starting`: in the mesh, and too young to miss one. `without`: in the mesh, without one.
 * `not_joined`: its labels say that it should be in the mesh, and it has no proxy or is not redirected. `outside`: has one and is not
 * in the mesh. `gone`: of one that lives, the pod is not there, or has ended.
 */
export const COVERAGE_STATES = ['covered', 'starting', 'without', 'not_joined', 'outside', 'gone'] as const;
export type CoverageState = (typeof COVERAGE_STATES)[number];
/** Those that somebody has to do something about. */
export const GAP: ReadonlySet<CoverageState> = new Set(['without', 'not_joined']);

/** From when on the kubelet has begun with it: images are fetched and proxies started meanwhile. */
export const STARTING_MS = 60_000;

export interface CoveredPod extends Member {
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
  readonly node?: string;
  readonly terminating: boolean;
  /** When the kubelet began with it, or before that, when it was made; in ms since the epoch. */
  readonly sinceMs?: number;
}

export interface Holder extends Pick<
  InventoryEntry,
  'identity' | 'class' | 'namespace' | 'podUid' | 'podName' | 'nodeName' | 'relay'
> {
  /** A ban hits what it holds: it has nothing of use. */
  readonly isRevoked: boolean;
}

/** Who is not covered. */
export interface CoverageRow {
  readonly state: Exclude<CoverageState, 'covered'>;
  readonly cluster: string;
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  readonly nodeName?: string;
  readonly serviceAccount?: string;
  /** How it is, or should be, in the mesh. */
  readonly way?: MeshWay;
  readonly phase?: string;
  readonly sinceMs?: number;
  /** What it holds. */
  readonly identity?: string;
  /** It has an identity that is of no use: a ban hits its certificate. */
  readonly isRevoked?: true;
}

export type CoverageCounts = Readonly<Record<CoverageState, number>>;

export interface ClusterCoverage {
  /** By namespace; where nothing is counted there is none. */
  readonly namespaces: ReadonlyMap<string, CoverageCounts>;
  /** As far as there is room; the counts have all. */
  readonly rows: readonly CoverageRow[];
}

export interface CoverageParts {
  readonly cluster: string;
  readonly podByUid: (uid: string) => CoveredPod | undefined;
  /** Labels of a namespace. */
  readonly labelsOf: (namespace: string) => Readonly<Record<string, string>>;
}

/**
 * Of one cluster, and of each of its namespaces: nobody's many pods hide those of others. The gap has as much room again, so that
 * what is only good to know hides nobody who has to be seen to. Counts have no bound.
 */
const MAX_ROWS = 20_000;
const MAX_ROWS_EACH = 1_000;

interface Held {
  readonly isRevoked: boolean;
  /** Kept of who is not in the mesh. */
  readonly identity?: string;
}

/** What the server and the control plane have is not of workloads. */
const WORKLOADS: ReadonlySet<string> = new Set<InventoryEntry['class']>(['workload', 'gateway', 'waypoint']);

export class CoverageCount {
  readonly #parts: CoverageParts;
  readonly #held = new Map<string, Held>();
  /** Accounts, and accounts on a node, for which somebody holds something of which nobody knows for which pods. */
  readonly #accounts = new Set<string>();
  readonly #namespaces = new Map<string, Record<CoverageState, number>>();
  readonly #rows: CoverageRow[] = [];
  /** How many there are: of the gap, of the others, and of each of the two by namespace. */
  readonly #rowsOf = new Map<string, number>();

  constructor(parts: CoverageParts) {
    this.#parts = parts;
  }

  /** Takes somebody who has a certificate that lives. All of them come before the first pod. */
  takeHolder(holder: Holder): void {
    if (!WORKLOADS.has(holder.class)) return;
    const { podUid, identity, isRevoked } = holder;
    const pod = podUid === undefined ? undefined : this.#parts.podByUid(podUid);
    const account = accountIn(identity);
    if (podUid === undefined || (pod !== undefined && account !== undefined && account !== accountOf(pod))) {
      this.#takeAccount(holder, account, pod);
      return;
    }
    if (pod === undefined) {
      this.#takeGone(holder, podUid);
      return;
    }
    // Of several that it holds one that is of use counts.
    if (this.#held.get(pod.uid)?.isRevoked === false) return;
    const isMember = this.#membershipOf(pod) !== undefined;
    this.#held.set(pod.uid, { isRevoked, ...(!isMember && { identity }) });
  }

  /** @param atMs as of when the holders are: a pod that was young then need not have been among them. */
  takePod(pod: CoveredPod, atMs: number): void {
    const membership = this.#membershipOf(pod);
    const held = this.#heldBy(pod);
    const state = stateOf(pod, membership, { isHolder: held?.isRevoked === false, atMs });
    if (state === undefined) return;
    const { namespace, name: podName, uid: podUid, node, serviceAccount, phase, sinceMs } = pod;
    this.#count(namespace, state);
    if (state === 'covered') return;
    this.#add({
      state,
      cluster: this.#parts.cluster,
      namespace,
      podName,
      podUid,
      serviceAccount,
      phase,
      ...(node !== undefined && { nodeName: node }),
      ...(membership && { way: membership.way }),
      ...(sinceMs !== undefined && { sinceMs }),
      ...(held?.identity !== undefined && { identity: held.identity }),
      ...(held?.isRevoked === true && { isRevoked: true }),
    });
  }

  result(): ClusterCoverage {
    return { namespaces: this.#namespaces, rows: this.#rows };
  }

  /** What a node proxy holds without saying for which pods is for those of the account on its node. */
  #takeAccount({ relay, nodeName, isRevoked }: Holder, account: string | undefined, pod: CoveredPod | undefined): void {
    if (account === undefined || isRevoked) return;
    const node = nodeName ?? pod?.node;
    this.#accounts.add(relay === undefined || node === undefined ? account : `${account}@${node}`);
  }

  #takeGone({ relay, identity, namespace, podName = '', nodeName, isRevoked }: Holder, podUid: string): void {
    // What a node proxy held went with it, and what it holds now is another entry.
    if (relay !== undefined || namespace === undefined) return;
    this.#count(namespace, 'gone');
    this.#add({
      state: 'gone',
      cluster: this.#parts.cluster,
      namespace,
      podName,
      podUid,
      identity,
      ...(nodeName !== undefined && { nodeName }),
      ...(isRevoked && { isRevoked }),
    });
  }

  #heldBy(pod: CoveredPod): Held | undefined {
    const account = accountOf(pod);
    const shared = this.#accounts.has(account) || this.#accounts.has(`${account}@${pod.node ?? ''}`);
    const own = this.#held.get(pod.uid);
    return shared && this.#membershipOf(pod) !== undefined ? { isRevoked: false } : own;
  }

  #membershipOf(pod: CoveredPod): Membership | undefined {
    return membershipOf(pod, this.#parts.labelsOf(pod.namespace));
  }

  #count(namespace: string, state: CoverageState): void {
    const counts = this.#namespaces.get(namespace) ?? noneCounted();
    counts[state] += 1;
    this.#namespaces.set(namespace, counts);
  }

  #add(row: CoverageRow): void {
    const all = GAP.has(row.state) ? 'gap' : 'others';
    const each = `${all} ${row.namespace}`;
    const [ofAll, ofEach] = [this.#rowsOf.get(all) ?? 0, this.#rowsOf.get(each) ?? 0];
    if (ofAll >= MAX_ROWS || ofEach >= MAX_ROWS_EACH) return;
    this.#rows.push(row);
    this.#rowsOf.set(all, ofAll + 1).set(each, ofEach + 1);
  }
}

/** @returns nothing for a pod that there is nothing to say of. */
function stateOf(
  pod: CoveredPod,
  membership: Membership | undefined,
  { isHolder, atMs }: { readonly isHolder: boolean; readonly atMs: number },
): CoverageState | undefined {
  if (hasEnded(pod)) return isHolder ? 'gone' : undefined;
  if (membership === undefined) return isHolder ? 'outside' : undefined;
  if (isHolder) return 'covered';
  if (pod.terminating) return undefined;
  const { node, sinceMs = -Infinity } = pod;
  // The injector has had its turn when a pod is there; istio-cni comes when it is on its node.
  if (!membership.joined && membership.way !== 'ambient') return 'not_joined';
  if (node === undefined || atMs - sinceMs < STARTING_MS) return 'starting';
  return membership.joined ? 'without' : 'not_joined';
}

function noneCounted(): Record<CoverageState, number> {
  return { covered: 0, starting: 0, without: 0, not_joined: 0, outside: 0, gone: 0 };
}

export function sumOf(counted: Iterable<CoverageCounts>): CoverageCounts {
  const all = noneCounted();
  for (const counts of counted) for (const state of COVERAGE_STATES) all[state] += counts[state];
  return all;
}

/** @returns how many somebody has to do something about. */
export function gapOf(counts: CoverageCounts): number {
  return COVERAGE_STATES.reduce((sum, state) => (GAP.has(state) ? sum + counts[state] : sum), 0);
}

function accountOf({ namespace, serviceAccount }: CoveredPod): string {
  return `${namespace}/${serviceAccount}`;
}

/** @returns `namespace/serviceAccount`; nothing of an identity that is not named as Istio names workloads. */
export function accountIn(identity: string): string | undefined {
  const [, namespace, serviceAccount] = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(identity) ?? [];
  return namespace === undefined || serviceAccount === undefined ? undefined : `${namespace}/${serviceAccount}`;
}
