// Pods in the mesh against pods with a live identity, as operators ask for it: counted anew when somebody asks and the last count is
// old, and by one process at intervals for its metric. Going through every live entry takes seconds where there are 500,000, so the
// rests between counts are long against what one takes, whoever asks how often.
import { AuthorityError } from '../../domain/errors.ts';
import { CoverageCount, sumOf, type ClusterCoverage, type CoverageCounts } from '../../domain/inventory/coverage.ts';
import type { BanLedger } from '../../domain/revocation/ban-ledger.ts';
import type { InventoryPlace } from '../../domain/inventory/question.ts';
import { MAX_PAGE, type Inventory } from '../../ports/inventory/inventory.ts';
import type { WorkloadDirectory } from '../../ports/cluster/workload-directory.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import { whileLeading } from '../chores/while-leading.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';
import { inventoryOverview } from './inventory-overview.ts';

export interface WatchedCluster {
  readonly id: string;
  readonly workloads: Pick<WorkloadDirectory, 'unavailable' | 'leftOut' | 'meshPods' | 'meshPodByUid' | 'namespace'>;
}

export interface KeptCoverageParts {
  readonly inventory: Inventory;
  readonly bans: Pick<FollowedLedger<BanLedger>, 'current'>;
  /** Whose pods are known here; the own one first. */
  readonly clusters: () => readonly WatchedCluster[];
  readonly lease: Lease;
  readonly clock: Clock;
}

export interface KeptCoverageSettings {
  /** The server's own. */
  readonly cluster: string;
  /** A count goes on for whoever asks next: it ends with the server. */
  readonly signal: AbortSignal;
}

/** What is known of one cluster: either its coverage, or why nothing can be said. */
export type SeenCluster =
  | {
      readonly cluster: string;
      readonly coverage: ClusterCoverage;
      /** Namespaces that have more pods than are kept of one: some are as if they were not there. */
      readonly leftOut: readonly string[];
    }
  | { readonly cluster: string; readonly unavailable: string };

export interface CoverageSeen {
  readonly nowMs: number;
  /** As of when the certificates are, those of the oldest; the pods are as of `nowMs`. Absent where nothing is known. */
  readonly asOfMs?: number;
  readonly clusters: readonly SeenCluster[];
}

/** A count is given again for so long, and for so many times of what it took. */
const FRESH_MS = 2_000;
const RESTS = 50;
/** Between the counts that the metric is from. */
const COUNTED_EVERY_MS = 15_000;
/** Pods between two turns of others. */
const AT_ONCE = 1_000;

export class KeptCoverage {
  readonly #parts: KeptCoverageParts;
  readonly #settings: KeptCoverageSettings;
  #last: { readonly seen: CoverageSeen; readonly untilMs: number } | undefined;
  #counting: Promise<CoverageSeen> | undefined;
  #isLeading = false;

  constructor(parts: KeptCoverageParts, settings: KeptCoverageSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** As counted last, of all clusters that something can be said of; nothing while another process says it, or it is not known. */
  get counts(): CoverageCounts | undefined {
    if (!this.#isLeading || this.#last === undefined) return undefined;
    const { seen, untilMs } = this.#last;
    return this.#parts.clock.monotonicMs() - untilMs > LONGEST_AGE_MS
      ? undefined
      : countsOf(seen, this.#settings.cluster);
  }

  /** @throws as `Inventory`. */
  async current(): Promise<CoverageSeen> {
    const { clock } = this.#parts;
    if (this.#last !== undefined && clock.monotonicMs() < this.#last.untilMs) return this.#last.seen;
    this.#counting ??= this.#count().finally(() => (this.#counting = undefined));
    return this.#counting;
  }

  /** Counts for the metric until the server ends. */
  async run(): Promise<void> {
    await whileLeading(this.#parts, async ({ signal }) => this.#lead(signal), this.#settings);
  }

  async #lead(signal: AbortSignal): Promise<void> {
    this.#isLeading = true;
    try {
      for (;;) {
        await this.#look();
        await this.#parts.clock.sleep(COUNTED_EVERY_MS, { signal });
      }
    } catch (cause) {
      if (!signal.aborted) throw cause;
    } finally {
      // Another process says it now.
      this.#isLeading = false;
    }
  }

  async #look(): Promise<void> {
    try {
      await this.current();
    } catch (cause) {
      // The inventory says by itself that it cannot be read, and what was counted last is soon too old.
      if (!(cause instanceof AuthorityError)) throw cause;
    }
  }

  async #count(): Promise<CoverageSeen> {
    const { clock, clusters } = this.#parts;
    const [beganMs, nowMs] = [clock.monotonicMs(), clock.nowMs()];
    const counted: Counted[] = [];
    for (const cluster of clusters()) counted.push(await this.#countOf(cluster));
    const moments = counted.flatMap(({ asOfMs }) => asOfMs ?? []);
    const seen: CoverageSeen = {
      nowMs,
      clusters: counted.map((one) => one.seen),
      ...(moments.length > 0 && { asOfMs: Math.min(...moments) }),
    };
    const endedMs = clock.monotonicMs();
    this.#last = { seen, untilMs: endedMs + Math.max(FRESH_MS, RESTS * (endedMs - beganMs)) };
    return seen;
  }

  async #countOf({ id: cluster, workloads }: WatchedCluster): Promise<Counted> {
    const { unavailable } = workloads;
    if (unavailable !== undefined) return { seen: { cluster, unavailable } };
    const count = new CoverageCount({
      cluster,
      podByUid: (uid) => workloads.meshPodByUid(uid),
      labelsOf: (namespace) => workloads.namespace(namespace)?.labels ?? {},
    });
    const asOfMs = await this.#takeHolders(count, cluster);
    if (asOfMs === undefined) return { seen: { cluster, unavailable: 'the journal is not read yet' } };
    let taken = 0;
    for (const pod of workloads.meshPods()) {
      count.takePod(pod, asOfMs);
      taken += 1;
      if (taken % AT_ONCE === 0) await this.#parts.clock.sleep(0, this.#settings);
    }
    return { seen: { cluster, coverage: count.result(), leftOut: workloads.leftOut }, asOfMs };
  }

  /** @returns as of when they are. */
  async #takeHolders(count: CoverageCount, cluster: string): Promise<number | undefined> {
    let after: InventoryPlace | undefined;
    let asOfMs: number | undefined;
    // Late or not, it has an identity.
    const parts = { ...this.#parts, excused: () => [] };
    do {
      const request = { conditions: { cluster }, limit: MAX_PAGE, acknowledged: false, ...(after && { after }) };
      const page = await inventoryOverview(parts, this.#settings, request, this.#settings);
      for (const row of page.rows) count.takeHolder({ ...row, isRevoked: row.state === 'revoked' });
      // The first page is the oldest.
      asOfMs ??= page.asOfMs;
      after = page.next;
    } while (after !== undefined);
    return asOfMs;
  }
}

interface Counted {
  readonly seen: SeenCluster;
  readonly asOfMs?: number;
}

/**
 * Certificates that were known as of longer ago when they were counted say nothing of who has none: the gap is the inventory's, which
 * has a metric of its own. Also how long a count is believed that could not be renewed.
 */
const LONGEST_AGE_MS = 60_000;

function countsOf({ clusters, nowMs, asOfMs = -Infinity }: CoverageSeen, own: string): CoverageCounts | undefined {
  const seen = clusters.flatMap((one) => ('coverage' in one ? [one] : []));
  if (nowMs - asOfMs > LONGEST_AGE_MS || !seen.some(({ cluster }) => cluster === own)) return undefined;
  return sumOf(seen.flatMap(({ coverage }) => [...coverage.namespaces.values()]));
}
