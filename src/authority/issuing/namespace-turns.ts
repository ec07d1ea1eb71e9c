// Turns between who is known and what policy says: while more is asked than can be decided, each namespace has its requests
// in a line of its own, and the lines are served in turn. So a namespace that asks without pause waits for itself. A ztunnel's
// requests stand in the lines of the namespaces that it asks for. What waits for a condition has left its place to others.
import { AuthorityError } from '../../domain/errors.ts';
import { Places } from '../../domain/bounded/places.ts';
import { abortable } from '../../live/abortable.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';

export interface TurnLimits {
  /** Requests that are decided and signed at a time. */
  readonly atOnce: number;
  /** Requests of one namespace that wait. */
  readonly waitingEach: number;
  /** Longest that one waits, in ms; its caller must still be answered in time. */
  readonly maxWaitMs: number;
}

/** Until the line of one namespace has gone down by some. */
const RETRY_AFTER_MS = 500;

interface TurnParts {
  readonly clock: Pick<Clock, 'after'>;
  readonly events: Pick<Events, 'noTurn'>;
}

/** A request's turn. */
export interface Turn {
  /** Its place goes to the next that waits. May be called twice. */
  end(): void;
}

export interface TurnOptions {
  readonly signal: AbortSignal;
  /** For who has a bound of its own and nobody to refuse: waits until it is admitted. */
  readonly patient?: boolean;
}

interface Waiting {
  readonly admit: () => void;
}

export class NamespaceTurns {
  readonly #limits: TurnLimits;
  readonly #parts: TurnParts;
  readonly #waiting = new Places<Waiting>();
  /** Namespaces that wait, in the order of their turns. */
  readonly #order = new Set<string>();
  #underWay = 0;

  constructor(parts: TurnParts, limits: TurnLimits) {
    this.#parts = parts;
    this.#limits = limits;
  }

  /** Of all namespaces together. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves when the namespace's turn has come; the turn must be ended.
   * @throws AuthorityError CAP-Q01 when its line is full or the turn does not come soon; the signal's reason.
   */
  async take(namespace: string, { signal, patient = false }: TurnOptions): Promise<Turn> {
    if (this.#underWay < this.#limits.atOnce) this.#underWay += 1;
    else await (patient ? this.#inLine(namespace, signal) : this.#inShortLine(namespace, signal));
    let ended = false;
    return {
      end: () => {
        if (ended) return;
        ended = true;
        this.#pass();
      },
    };
  }

  /** The place goes from hand to hand: nobody who comes between has it. */
  #pass(): void {
    const [next] = this.#order;
    const waiting = next === undefined ? undefined : this.#waiting.oldestOf(next);
    if (waiting === undefined) this.#underWay -= 1;
    else waiting.admit();
  }

  async #inShortLine(namespace: string, signal: AbortSignal): Promise<void> {
    const { waitingEach, maxWaitMs } = this.#limits;
    const { clock, events } = this.#parts;
    if (this.#waiting.heldBy(namespace) >= waitingEach) {
      events.noTurn({ cause: 'line_full' });
      throw tooMany(`${waitingEach} of namespace ${namespace} wait already (fairness.waitingPerNamespace)`);
    }
    const late = new AbortController();
    const cancel = clock.after(maxWaitMs, () => {
      events.noTurn({ cause: 'too_late' });
      late.abort(tooMany('its turn did not come in time'));
    });
    try {
      await this.#inLine(namespace, AbortSignal.any([signal, late.signal]));
    } catch (error) {
      if (signal.aborted) events.noTurn({ cause: 'gone' });
      throw error;
    } finally {
      cancel();
    }
  }

  async #inLine(namespace: string, signal: AbortSignal): Promise<void> {
    await abortable<undefined>(signal, ({ resolve }) => {
      const waiting: Waiting = {
        admit: () => {
          // Its next request waits until the others have had their turns.
          this.#order.delete(namespace);
          this.#order.add(namespace);
          resolve(undefined);
        },
      };
      this.#waiting.add(namespace, waiting);
      this.#order.add(namespace);
      return () => {
        this.#waiting.remove(namespace, waiting);
        if (this.#waiting.heldBy(namespace) === 0) this.#order.delete(namespace);
      };
    });
  }
}

function tooMany(detail: string): AuthorityError {
  return new AuthorityError('CAP-Q01', { detail, retryAfterMs: RETRY_AFTER_MS });
}
