// How many certificates end when, in the days ahead: what a day without this CA would cost. It is counted over all that live, so an
// answer is kept for a minute, and who asks meanwhile waits for the same one.
import type { InventoryEnds } from '../../ports/inventory/inventory.ts';
import type { Clock } from '../../ports/platform/clock.ts';

/** Moments in ms since the epoch. Nobody is in it who has ended. */
export interface EndsAhead {
  /** When it was counted. */
  readonly nowMs: number;
  /** When the first hour, and the first day, begins: a full hour of UTC, the one that is now. */
  readonly fromMs: number;
  /** How many certificates end in each of the `HOURS` and `DAYS` from then on: both have those of the first day. */
  readonly hours: readonly number[];
  readonly days: readonly number[];
  /** Behind the last of these days. */
  readonly later: number;
}

export const HOUR_MS = 3_600_000;
export const HOURS = 24;
export const DAYS = 30;
const KEPT_MS = 60_000;

export interface EndsAheadParts {
  readonly inventory: InventoryEnds;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
}

export class CountedEnds {
  readonly #parts: EndsAheadParts;
  #counted: { readonly atMs: number; readonly ends: Promise<EndsAhead> } | undefined;

  constructor(parts: EndsAheadParts) {
    this.#parts = parts;
  }

  /** @throws as `Inventory`; the next one asks again then. */
  async ahead(options: { readonly signal: AbortSignal }): Promise<EndsAhead> {
    const atMs = this.#parts.clock.monotonicMs();
    const kept = this.#counted;
    if (kept !== undefined && atMs - kept.atMs < KEPT_MS) return kept.ends;
    const counted = { atMs, ends: this.#count(options) };
    this.#counted = counted;
    try {
      return await counted.ends;
    } catch (cause) {
      if (this.#counted === counted) this.#counted = undefined;
      throw cause;
    }
  }

  async #count(options: { readonly signal: AbortSignal }): Promise<EndsAhead> {
    const nowMs = this.#parts.clock.nowMs();
    const fromMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
    const question = { nowMs, fromMs, stepMs: HOUR_MS, steps: DAYS * HOURS };
    const counts = await this.#parts.inventory.endsIn(question, options);
    const days = Array.from({ length: DAYS }, (_, day) => sum(counts.slice(day * HOURS, (day + 1) * HOURS)));
    return { nowMs, fromMs, hours: counts.slice(0, HOURS), days, later: counts[question.steps] ?? 0 };
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
