// The inventory follows the journal, and whoever is late, or where it never was, is told of: by one process for all that share a store. What it falls behind, it
// takes in at a share of a thread's time, so that issuing does not feel it; who is late is said only of an inventory that is current.
import { AuthorityError } from '../../domain/errors.ts';
import { knownUntil, lookedAt, type PairWatch } from '../../domain/inventory/new-pair.ts';
import type { ExcusedTime } from '../../domain/trust/interruption.ts';
import type { InventoryKeeping, InventoryProgress } from '../../ports/inventory/inventory.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import { whileLeading, type Leading } from './while-leading.ts';

export interface KeptInventoryParts {
  readonly inventory: InventoryKeeping;
  readonly lease: Lease;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'sleep'>;
  readonly events: Pick<Events, 'identityOverdue' | 'newIdentityNodePair'>;
  /** In which who had to renew could not; nothing while that is not known. */
  readonly excused: () => readonly ExcusedTime[] | undefined;
}

/** So late may an entry be, beside what a commit takes. */
export const FOLLOWED_EVERY_MS = 1_000;
/** How often it is asked who is late; and for how much longer than an answer took there is a pause after it, for in an outage it is of many. */
export const LATE_ASKED_EVERY_MS = 5_000;
const RESTS = 20;
/** Between two steps of what it has fallen behind. */
const PAUSE_MS = 30;
/** Of an inventory that cannot be kept now. */
const RETRY_MS = 5_000;
/** Of more who become late within a look, the others are named in the next ones. */
const MAX_NAMED = 1_000;

export class KeptInventory {
  readonly #parts: KeptInventoryParts;
  #progress: InventoryProgress | undefined;
  #askLateMs = -Infinity;
  #overdue: number | undefined;
  #pairs: PairWatch | undefined;
  #problem: string | undefined;

  constructor(parts: KeptInventoryParts) {
    this.#parts = parts;
  }

  /** How many are overdue; nothing while it is not known here. */
  get overdue(): number | undefined {
    return this.#overdue;
  }

  /** How old what it knows is, in ms; as `overdue`. */
  get ageMs(): number | undefined {
    return this.#progress === undefined ? undefined : Math.max(0, this.#parts.clock.nowMs() - this.#progress.asOfMs);
  }

  /** Why it cannot be kept now; nothing when it can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Runs until the signal aborts. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    await whileLeading(this.#parts, async (leading) => this.#lead(leading), options);
  }

  async #lead({ signal }: Leading): Promise<void> {
    try {
      while (!signal.aborted) await this.#parts.clock.sleep(await this.#step(signal), { signal });
    } catch (cause) {
      if (!signal.aborted) throw cause;
    } finally {
      // Another process says it now.
      [this.#progress, this.#overdue, this.#pairs, this.#problem] = [undefined, undefined, undefined, undefined];
      this.#askLateMs = -Infinity;
    }
  }

  /** @returns how long the next one can wait, in ms. */
  async #step(signal: AbortSignal): Promise<number> {
    const { inventory, clock } = this.#parts;
    try {
      this.#progress = await inventory.follow({ nowMs: clock.nowMs() }, { signal });
      this.#problem = undefined;
      if (!this.#progress.isCurrent) return PAUSE_MS;
      await this.#tellNewPairs(signal);
      const askedMs = clock.monotonicMs();
      if (askedMs < this.#askLateMs) return FOLLOWED_EVERY_MS;
      await this.#tellOverdue(this.#progress.asOfMs, signal);
      const tookMs = clock.monotonicMs() - askedMs;
      this.#askLateMs = askedMs + Math.max(LATE_ASKED_EVERY_MS, RESTS * tookMs);
      return FOLLOWED_EVERY_MS;
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof AuthorityError)) throw cause;
      this.#problem = cause.message;
      return RETRY_MS;
    }
  }

  async #tellNewPairs(signal: AbortSignal): Promise<void> {
    const { inventory, clock, events } = this.#parts;
    const [before, nowMs] = [this.#pairs, clock.nowMs()];
    const question =
      before === undefined ? { knownUntil: 0 } : { after: before.newest, knownUntil: knownUntil(before, nowMs) };
    const { entries, upTo } = await inventory.newPairs(question, { signal });
    this.#pairs = lookedAt(before, upTo, nowMs);
    for (const entry of entries) events.newIdentityNodePair(entry);
  }

  async #tellOverdue(nowMs: number, signal: AbortSignal): Promise<void> {
    const { inventory, events, excused: known } = this.#parts;
    const excused = known();
    if (excused === undefined) return;
    const { entries, count } = await inventory.overdue({ nowMs, excused, limit: MAX_NAMED }, { signal });
    this.#overdue = count;
    for (const entry of entries) events.identityOverdue(entry);
    if (entries.length > 0) await inventory.reportedOverdue(entries, { signal });
  }
}
