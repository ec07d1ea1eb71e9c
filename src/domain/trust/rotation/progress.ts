// How far a rotation is, by the evidence of every live workload: shares by namespace and in all, and who lags behind.
// Workloads are counted one at a time, for there may be a hundred thousand.
import { bridgeAt } from './bridge.ts';
import { dependsOn, holds, isKnownTo, presents, unawareOf, type Laggard } from './dependants.ts';
import type { WorkloadEvidence } from './evidence.ts';
import { shasOf, type AnchorRotation } from './rotation.ts';

export interface Share {
  /** Live workloads. */
  readonly workloads: number;
  /** Those that know the new anchors. */
  readonly know: number;
  /** Of these by acknowledgement; the others have received them, and nobody saw them used. */
  readonly acknowledged: number;
  /** Those whose newest certificate hangs on a new anchor. */
  readonly present: number;
}

export interface NamespaceShare extends Share {
  /** Empty for identities that are of none. */
  readonly namespace: string;
}

export interface Lag {
  readonly count: number;
  /** Those that are due first, at most `MAX_LAGGARDS`. */
  readonly first: readonly Laggard[];
  /** When none should be left if all renew as they should; when none is left whatever they do. In ms since the epoch. */
  readonly dueMs?: number;
  readonly untilMs?: number;
}

export interface RotationProgress {
  readonly all: Share;
  /** By name. */
  readonly namespaces: readonly NamespaceShare[];
  /** Who does not know the new anchors, and cannot verify what hangs on them: stands against adopt and retire. */
  readonly unaware: Lag;
  /** Who does not know them either, and verifies through the bridge: stands against retire alone. */
  readonly bridged: Lag;
  /** Who hangs on the old ones: stands against retire. */
  readonly dependent: Lag;
  /** Who has the old ones still: what retire waits for. */
  readonly holding: Lag;
  /** The longest life of a live certificate, in ms; 0 for none. */
  readonly longestLifeMs: number;
}

export const MAX_LAGGARDS = 200;

export class RotationTally {
  readonly #added: readonly string[];
  readonly #old: readonly string[];
  readonly #nowMs: number;
  /** The anchor from which the bridge leads; none without one. */
  readonly #bridgedFrom: string | undefined;
  readonly #namespaces = new Map<string, MutableShare>();
  readonly #lags = {
    unaware: new LagTally(),
    bridged: new LagTally(),
    dependent: new LagTally(),
    holding: new LagTally(),
  };
  #longestLifeMs = 0;

  constructor(rotation: AnchorRotation, nowMs: number) {
    this.#added = shasOf(rotation.added);
    this.#old = shasOf(rotation.old);
    this.#bridgedFrom = bridgeAt(rotation, nowMs)?.from;
    this.#nowMs = nowMs;
  }

  /** One of a Secret (istiod's) is no workload here: it moves last, as what is ours, and is looked at where it lies. */
  add(workload: WorkloadEvidence): void {
    if (workload.leaf.api === 'secret') return;
    const namespace = namespaceOf(workload.identity);
    const share = this.#namespaces.get(namespace) ?? { workloads: 0, know: 0, acknowledged: 0, present: 0 };
    this.#namespaces.set(namespace, share);
    const unaware = unawareOf(workload, this.#added);
    share.workloads += 1;
    if (unaware === undefined) share.know += 1;
    if (unaware === undefined && workload.streams.length > 0) share.acknowledged += 1;
    if (presents(workload, this.#added)) share.present += 1;
    const isBridged = this.#bridgedFrom !== undefined && isKnownTo(workload, this.#bridgedFrom);
    this.#lags[isBridged ? 'bridged' : 'unaware'].add(unaware);
    this.#lags.dependent.add(dependsOn(workload, this.#old, this.#nowMs));
    this.#lags.holding.add(holds(workload, this.#old));
    this.#longestLifeMs = Math.max(this.#longestLifeMs, workload.leaf.notAfterMs - workload.leaf.issuedMs);
  }

  get progress(): RotationProgress {
    const { unaware, bridged, dependent, holding } = this.#lags;
    const namespaces = [...this.#namespaces].map(([namespace, share]) => ({ namespace, ...share }));
    return {
      all: sumOf(namespaces),
      namespaces: namespaces.sort((a, b) => (a.namespace < b.namespace ? -1 : 1)),
      unaware: unaware.lag,
      bridged: bridged.lag,
      dependent: dependent.lag,
      holding: holding.lag,
      longestLifeMs: this.#longestLifeMs,
    };
  }
}

export function progressOf(
  rotation: AnchorRotation,
  workloads: Iterable<WorkloadEvidence>,
  nowMs: number,
): RotationProgress {
  const tally = new RotationTally(rotation, nowMs);
  for (const workload of workloads) tally.add(workload);
  return tally.progress;
}

type MutableShare = { -readonly [Name in keyof Share]: Share[Name] };

/** Counts all and names the first. */
export class LagTally {
  #count = 0;
  #dueMs = 0;
  #untilMs = 0;
  #first: Laggard[] = [];

  add(laggard: Laggard | undefined): void {
    if (laggard === undefined) return;
    this.#count += 1;
    this.#dueMs = Math.max(this.#dueMs, laggard.dueMs);
    this.#untilMs = Math.max(this.#untilMs, laggard.untilMs);
    this.#first.push(laggard);
    if (this.#first.length >= 2 * MAX_LAGGARDS) this.#first = this.#named;
  }

  get lag(): Lag {
    if (this.#count === 0) return { count: 0, first: [] };
    return { count: this.#count, first: this.#named, dueMs: this.#dueMs, untilMs: this.#untilMs };
  }

  get #named(): Laggard[] {
    return this.#first.sort((a, b) => a.dueMs - b.dueMs).slice(0, MAX_LAGGARDS);
  }
}

function sumOf(shares: readonly Share[]): Share {
  const sum = (of: (share: Share) => number): number => shares.reduce((total, share) => total + of(share), 0);
  return {
    workloads: sum((one) => one.workloads),
    know: sum((one) => one.know),
    acknowledged: sum((one) => one.acknowledged),
    present: sum((one) => one.present),
  };
}

/** Every identity of a mesh is of a namespace; there may be others in the journal. */
function namespaceOf(identity: string): string {
  return /^spiffe:\/\/[^/]+\/ns\/([^/]+)\//.exec(identity)?.[1] ?? '';
}
