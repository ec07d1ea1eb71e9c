// How much one operator may ask for: a script that goes wrong, or a stranger with a certificate, takes nothing from the others.
import { Recent } from '../../../domain/bounded/recent.ts';
import type { Clock } from '../../../ports/platform/clock.ts';

/** Requests at once, and for each second after that. A person, and a page that looks every few seconds, have room. */
const BURST = 60;
const PER_SECOND = 2;
/** Operators whose use is remembered; a forgotten one has its whole burst again. */
const MAX_OPERATORS = 2_000;

export class OperatorRates {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** When an operator has its whole burst again. */
  readonly #wholeAtMs = new Recent<number>(MAX_OPERATORS);

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** @returns whether this request is one too many; if not, it counts. */
  overloaded(actor: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    const wholeAtMs = Math.max(nowMs, this.#wholeAtMs.get(actor) ?? nowMs) + 1_000 / PER_SECOND;
    if (wholeAtMs > nowMs + (BURST * 1_000) / PER_SECOND) return true;
    this.#wholeAtMs.set(actor, wholeAtMs);
    return false;
  }
}
