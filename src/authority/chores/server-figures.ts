// How a server fares in numbers, and how these went lately: what a page shows beside lists. One process keeps the past hour in
// memory, in steps of ten seconds; it begins when the process does.
import type { Clock } from '../../ports/platform/clock.ts';
import { every } from '../../live/every.ts';

/** As of one moment. What is not known is absent. */
export interface ServerFigures {
  /** Certificates since the server started. */
  readonly issued: number;
  /** Refusals since the server started, by reason; reasons without any are left out. */
  readonly refused: Readonly<Record<string, number>>;
  /** SDS streams that are open. */
  readonly streams: number;
  /** Until the first live workload has no valid certificate, if nothing more is issued. */
  readonly outageBudgetMs?: number;
  /** Identities whose renewal is overdue; absent where no inventory is kept. */
  readonly overdue?: number;
  /** Of the policy bundle, in ms since the epoch. */
  readonly bundleSoftExpiryMs?: number;
  readonly bundleHardExpiryMs?: number;
  /** Trust anchors that were given. */
  readonly anchors: readonly {
    /** First 16 hex digits of the SHA-256. */
    readonly anchor: string;
    readonly subject: string;
    readonly endsMs: number;
    readonly distributed: boolean;
  }[];
  /** Next steps of issuers that have an upstream. */
  readonly rollovers: readonly { readonly issuer: string; readonly step: string; readonly dueMs: number }[];
}

/** Columns of equal length, the oldest first: what was decided in the step that ended at each moment. */
export interface RecentDecisions {
  readonly stepMs: number;
  readonly endsMs: readonly number[];
  readonly issued: readonly number[];
  readonly refused: readonly number[];
}

export const STEP_MS = 10_000;
const MAX_STEPS = 360;

interface Counts {
  readonly issued: number;
  readonly refused: number;
}

interface Step extends Counts {
  readonly endMs: number;
}

export class FiguresOfLately {
  readonly #parts: { readonly read: () => Promise<ServerFigures>; readonly clock: Pick<Clock, 'nowMs' | 'sleep'> };
  readonly #steps: Step[] = [];
  #last: Counts | undefined;

  constructor(parts: { readonly read: () => Promise<ServerFigures>; readonly clock: Pick<Clock, 'nowMs' | 'sleep'> }) {
    this.#parts = parts;
  }

  /** Until the signal aborts. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    await this.#step();
    await every(STEP_MS, this.#parts.clock, async () => this.#step(), options);
  }

  async now(): Promise<ServerFigures> {
    return this.#parts.read();
  }

  lately(): RecentDecisions {
    const steps = this.#steps;
    return {
      stepMs: STEP_MS,
      endsMs: steps.map(({ endMs }) => endMs),
      issued: steps.map(({ issued }) => issued),
      refused: steps.map(({ refused }) => refused),
    };
  }

  async #step(): Promise<void> {
    // A step that cannot be read is part of the next one.
    const figures = await this.#parts.read().catch(() => undefined);
    if (figures === undefined) return;
    const refused = Object.values(figures.refused).reduce((sum, count) => sum + count, 0);
    const counts = { issued: figures.issued, refused };
    const last = this.#last;
    this.#last = counts;
    if (last === undefined) return;
    const grown = (now: number, before: number): number => Math.max(0, now - before);
    this.#steps.push({
      endMs: this.#parts.clock.nowMs(),
      issued: grown(counts.issued, last.issued),
      refused: grown(refused, last.refused),
    });
    if (this.#steps.length > MAX_STEPS) this.#steps.shift();
  }
}
