// How much one operator may ask for: a script that goes wrong, or a stranger with a certificate, takes nothing from the others.
import { Recent } from '../../../domain/bounded/recent.ts';
import type { Clock } from '../../../ports/platform/clock.ts';

/** Requests at once, and for each second after that. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A person, and a page that looks every few seconds, have room. */
const OF_OPERATORS: Rate = { burst: 60, perSecond: 2 };
/** Operators whose use is remembered; a forgotten one has its whole burst again. */
const MAX_OPERATORS = 2_000;

export class OperatorRates {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** When an operator has its whole burst again. */
  readonly #wholeAtMs = new Recent<number>(MAX_OPERATORS);

  readonly #rate: Rate;

  constructor(clock: Pick<Clock, 'monotonicMs'>, rate: Rate = OF_OPERATORS) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** @returns whether this request is one too many; if not, it counts. */
  overloaded(actor: string): boolean {
    const { burst, perSecond } = this.#rate;
    const nowMs = this.#clock.monotonicMs();
    const wholeAtMs = Math.max(nowMs, this.#wholeAtMs.get(actor) ?? nowMs) + 1_000 / perSecond;
    if (wholeAtMs > nowMs + (burst * 1_000) / perSecond) return true;
    this.#wholeAtMs.set(actor, wholeAtMs);
    return false;
  }
}
