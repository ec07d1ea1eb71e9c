// Which Events are due: refusals by what they are told of, aggregated. The first of a kind is told at once, what follows
// within some minutes is one more telling with its number. What is remembered has a bound, and what there is no
// room for is dropped and counted. Namespaces take turns, and each has a part of the room: who is refused under a thousand
// names waits for himself. No API and no timer here: a moment comes in, what is to be written goes out.
import { Turns } from '../../../domain/bounded/turns.ts';
import { refusalKey, type ReportedRefusal } from '../../../ports/policy/refusal-reporter.ts';

/** One Event as it should be now. */
export interface DueEvent extends ReportedRefusal {
  /** Of all refusals since it was first told. */
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

interface Entry {
  latest: ReportedRefusal;
  count: number;
  readonly firstMs: number;
  lastMs: number;
  /** From when on it may be reported again. */
  dueMs: number;
}

export interface LedgerBounds {
  readonly maxKinds: number;
  /** Of them, those of one namespace. */
  readonly maxKindsEach: number;
  /** Between two tellings of one kind. */
  readonly againMs: number;
  /** What was not refused for so long begins anew: the API server forgets an Event after an hour. */
  readonly forgetMs: number;
}

export const LEDGER_BOUNDS: LedgerBounds = {
  maxKinds: 10_000,
  maxKindsEach: 1_000,
  againMs: 300_000,
  forgetMs: 3_000_000,
};

export class EventLedger {
  readonly #bounds: LedgerBounds;
  /** In the order of their last telling. */
  readonly #entries = new Map<string, Entry>();
  /** How many are of each namespace. */
  readonly #held = new Map<string, number>();
  /** Keys that have something to tell, by namespace. */
  readonly #waiting = new Turns();

  constructor(bounds: LedgerBounds = LEDGER_BOUNDS) {
    this.#bounds = bounds;
  }

  /** @param count of refusals, of which this is the last. @returns whether there was room for it. */
  take(refusal: ReportedRefusal, nowMs: number, count = 1): boolean {
    const key = refusalKey(refusal);
    const { namespace } = refusal.involved;
    const known = this.#entries.get(key);
    if (known !== undefined && nowMs - known.lastMs < this.#bounds.forgetMs) {
      known.latest = refusal;
      known.count += count;
      known.lastMs = nowMs;
      this.#waiting.add(namespace, key);
      return true;
    }
    if (known === undefined && !this.#makeRoom(namespace, nowMs)) return false;
    if (known === undefined) this.#held.set(namespace, this.#heldBy(namespace) + 1);
    this.#entries.set(key, { latest: refusal, count, firstMs: nowMs, lastMs: nowMs, dueMs: nowMs });
    this.#waiting.add(namespace, key);
    return true;
  }

  /** @returns the one that has waited longest of the namespace whose turn it is. */
  next(nowMs: number): DueEvent | undefined {
    const { key } = this.#waiting.take((candidate) => this.#dueMs(candidate) <= nowMs) ?? {};
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || entry === undefined) return undefined;
    entry.dueMs = nowMs + this.#bounds.againMs;
    // CountedRefusal last, it makes room last.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const { latest, count, firstMs, lastMs } = entry;
    return { ...latest, count, firstMs, lastMs };
  }

  /** When the next is due; Infinity while none waits. */
  nextMs(): number {
    let earliest = Infinity;
    for (const key of this.#waiting.keys()) earliest = Math.min(earliest, this.#dueMs(key));
    return earliest;
  }

  #dueMs(key: string): number {
    return this.#entries.get(key)?.dueMs ?? Infinity;
  }

  #heldBy(namespace: string): number {
    return this.#held.get(namespace) ?? 0;
  }

  /** Who was told longest ago and has nothing to tell makes room: of the same namespace, where that has its part. */
  #makeRoom(namespace: string, nowMs: number): boolean {
    const { maxKinds, maxKindsEach } = this.#bounds;
    const isFullEach = this.#heldBy(namespace) >= maxKindsEach;
    if (this.#entries.size < maxKinds && !isFullEach) return true;
    for (const [key, { dueMs, latest }] of this.#entries) {
      const owner = latest.involved.namespace;
      if (this.#waiting.has(owner, key) || (isFullEach && owner !== namespace)) continue;
      if (dueMs > nowMs) return false;
      this.#entries.delete(key);
      const left = this.#heldBy(owner) - 1;
      if (left > 0) this.#held.set(owner, left);
      else this.#held.delete(owner);
      return true;
    }
    return false;
  }
}
