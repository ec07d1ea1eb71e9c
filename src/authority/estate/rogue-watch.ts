// The look for rogue CAs that a server takes by itself, again and again: one at a time, each within a bound, and never in the way of
// issuing, for it is taken elsewhere. What the last one found stays until the next one has ended; what is new in it is told once.
import { every } from '../../live/every.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events, RogueFacts } from '../../ports/platform/events.ts';
import { degraded, READY, type HealthState } from '../../ports/platform/health.ts';

/** One look. @typeParam Findings as `review` tells them: handed through. */
export interface RogueLook<Findings> {
  readonly findings: Findings;
  /** Bounded by whoever looked. */
  readonly rogues: readonly RogueFacts[];
  /** Of what is still valid, by kind; kinds without any are there too. */
  readonly counts: Readonly<Record<string, number>>;
  /** What was to be looked at and could not be, the first with why; what lies there is not in the counts. */
  readonly missed: { readonly count: number; readonly first: readonly string[] };
}

export interface RogueWatchParts<Findings> {
  /** Ends soon after its signal aborts. */
  readonly look: (options: { readonly signal: AbortSignal }) => Promise<RogueLook<Findings>>;
  readonly clock: Clock;
  readonly events: Pick<Events, 'rogueFound'>;
}

export interface RogueStatus<Findings> {
  readonly nowMs: number;
  readonly everyMs: number;
  /** The last look that came to its end; absent before the first. */
  readonly looked?: { readonly startedMs: number; readonly endedMs: number; readonly findings: Findings };
  /** Why a later one did not. */
  readonly problem?: { readonly atMs: number; readonly why: string };
}

/** After the start, in which others have more to do. */
export const FIRST_AFTER_MS = 5_000;
/** Longest that one look may take. */
export const LOOK_WITHIN_MS = 10 * 60_000;

export class RogueWatch<Findings> {
  readonly #parts: RogueWatchParts<Findings>;
  readonly #everyMs: number;
  #looked: RogueStatus<Findings>['looked'];
  #rogues: readonly RogueFacts[] = [];
  #counts: RogueLook<Findings>['counts'] | undefined;
  #missed: RogueLook<Findings>['missed'] = { count: 0, first: [] };
  #problem: RogueStatus<Findings>['problem'];

  /** @param settings.everyMs from the end of a look to the next one. */
  constructor(parts: RogueWatchParts<Findings>, { everyMs }: { readonly everyMs: number }) {
    this.#parts = parts;
    this.#everyMs = everyMs;
  }

  /** Of the last look; nothing before the first. */
  get counts(): RogueLook<Findings>['counts'] | undefined {
    return this.#counts;
  }

  /** Also degraded when it could not look everywhere: that fewer are found then is no good news. */
  get health(): HealthState {
    if (this.#problem !== undefined) return degraded(`the look for rogue CAs failed: ${this.#problem.why}`);
    const { count, first } = this.#missed;
    if (count === 0) return READY;
    const more = count > first.length ? `; and ${count - first.length} more` : '';
    return degraded(`the look for rogue CAs did not see all: ${first.join('; ')}${more}`);
  }

  status(): RogueStatus<Findings> {
    return {
      nowMs: this.#parts.clock.nowMs(),
      everyMs: this.#everyMs,
      ...(this.#looked && { looked: this.#looked }),
      ...(this.#problem && { problem: this.#problem }),
    };
  }

  /** Until the signal aborts. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { clock } = this.#parts;
    await clock.sleep(FIRST_AFTER_MS, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await this.#look(signal);
    await every(this.#everyMs, clock, async () => this.#look(signal), { signal });
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, look } = this.#parts;
    const startedMs = clock.nowMs();
    const late = new AbortController();
    const takeBack = clock.after(LOOK_WITHIN_MS, () => late.abort(TOO_LONG));
    try {
      const { findings, rogues, counts, missed } = await look({ signal: AbortSignal.any([signal, late.signal]) });
      this.#tellNew(rogues);
      this.#counts = counts;
      this.#missed = missed;
      this.#looked = { startedMs, endedMs: clock.nowMs(), findings };
      this.#problem = undefined;
    } catch (cause) {
      // What stops with the server has not failed; of any other the page and `/readyz` say why, and it is tried again.
      if (signal.aborted) return;
      const why = late.signal.aborted ? TOO_LONG.message : wordsOf(cause);
      this.#problem = { atMs: clock.nowMs(), why };
    } finally {
      takeBack();
    }
  }

  /** One that was gone for a look, and is there again, is new. */
  #tellNew(rogues: readonly RogueFacts[]): void {
    const known = new Set(this.#rogues.map(keyOf));
    for (const rogue of rogues) if (!known.has(keyOf(rogue))) this.#parts.events.rogueFound(rogue);
    this.#rogues = rogues;
  }
}

const TOO_LONG = new Error(`it took longer than ${LOOK_WITHIN_MS / 60_000} minutes`);

function keyOf({ kind, sha256, name }: RogueFacts): string {
  return `${kind} ${sha256 ?? name}`;
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
