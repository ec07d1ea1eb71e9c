// Which Events are due: refusals by what they are told of, aggregated. The first of a kind is told at once, what follows
// within some minutes is one more telling with its number. What is remembered has a bound, and what there is no
// room for is dropped and counted. No API and no timer here: a moment comes in, what is to be written goes out.

export interface Refusal {
  /** What it is told of. */
  readonly involved: {
    readonly kind: 'ServiceAccount' | 'Pod';
    readonly namespace: string;
    readonly name: string;
    readonly uid?: string;
  };
  /** Our reason code. */
  readonly reason: string;
  readonly message: string;
}

/** One Event as it should be now. */
export interface DueEvent extends Refusal {
  /** Of all refusals since it was first told. */
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

interface Entry {
  latest: Refusal;
  count: number;
  readonly firstMs: number;
  lastMs: number;
  /** From when on it may be reported again. */
  dueMs: number;
}

export interface LedgerBounds {
  readonly maxKinds: number;
  /** Between two tellings of one kind. */
  readonly againMs: number;
  /** What was not refused for so long begins anew: the API server forgets an Event after an hour. */
  readonly forgetMs: number;
}

export const LEDGER_BOUNDS: LedgerBounds = { maxKinds: 10_000, againMs: 300_000, forgetMs: 3_000_000 };

export class EventLedger {
  readonly #bounds: LedgerBounds;
  /** In the order of their last telling. */
  readonly #entries = new Map<string, Entry>();
  /** Keys that have something to tell, in the order in which that became so. */
  readonly #waiting = new Set<string>();

  constructor(bounds: LedgerBounds = LEDGER_BOUNDS) {
    this.#bounds = bounds;
  }

  /** @returns whether there was room for it. */
  take(refusal: Refusal, nowMs: number): boolean {
    const key = keyOf(refusal);
    const known = this.#entries.get(key);
    if (known !== undefined && nowMs - known.lastMs < this.#bounds.forgetMs) {
      known.latest = refusal;
      known.count += 1;
      known.lastMs = nowMs;
      this.#waiting.add(key);
      return true;
    }
    if (known === undefined && !this.#makeRoom(nowMs)) return false;
    this.#entries.set(key, { latest: refusal, count: 1, firstMs: nowMs, lastMs: nowMs, dueMs: nowMs });
    this.#waiting.add(key);
    return true;
  }

  /** @returns the one that has been due longest. */
  next(nowMs: number): DueEvent | undefined {
    for (const key of this.#waiting) {
      const entry = this.#entries.get(key);
      if (entry === undefined) this.#waiting.delete(key);
      else if (entry.dueMs <= nowMs) {
        this.#waiting.delete(key);
        entry.dueMs = nowMs + this.#bounds.againMs;
        // Told last, it makes room last.
        this.#entries.delete(key);
        this.#entries.set(key, entry);
        const { latest, count, firstMs, lastMs } = entry;
        return { ...latest, count, firstMs, lastMs };
      }
    }
    return undefined;
  }

  /** When the next is due; Infinity while none waits. */
  nextMs(): number {
    let earliest = Infinity;
    for (const key of this.#waiting) earliest = Math.min(earliest, this.#entries.get(key)?.dueMs ?? Infinity);
    return earliest;
  }

  /** Who was told longest ago and has nothing to tell makes room. */
  #makeRoom(nowMs: number): boolean {
    if (this.#entries.size < this.#bounds.maxKinds) return true;
    for (const [key, { dueMs }] of this.#entries) {
      if (this.#waiting.has(key)) continue;
      if (dueMs > nowMs) return false;
      this.#entries.delete(key);
      return true;
    }
    return false;
  }
}

function keyOf({ involved: { kind, namespace, name, uid = '' }, reason }: Refusal): string {
  return JSON.stringify([kind, namespace, name, kind === 'Pod' ? uid : '', reason]);
}
