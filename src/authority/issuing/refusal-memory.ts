// Refusals of the last moments. Istio's agent builds a new TLS connection after each failed call and tries
// again: the same question under the same policies and snapshot gets the same answer without being judged,
// or waited for, once more.
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import { Recent } from '../../domain/bounded/recent.ts';
import type { Clock } from '../../ports/platform/clock.ts';

interface Remembered {
  readonly decision: PolicyDecision;
  readonly untilMs: number;
}

/** How long a refusal is remembered. */
const REMEMBERED_MS = 2_000;
/** Most refusals remembered; the oldest make room. */
const MAX_REMEMBERED = 10_000;

export class RefusalMemory {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #refusals = new Recent<Remembered>(MAX_REMEMBERED);

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  get empty(): boolean {
    return this.#refusals.empty;
  }

  recall(question: string): PolicyDecision | undefined {
    const known = this.#refusals.get(question);
    return known !== undefined && known.untilMs > this.#clock.monotonicMs() ? known.decision : undefined;
  }

  remember(question: string, decision: PolicyDecision): void {
    this.#refusals.set(question, { decision, untilMs: this.#clock.monotonicMs() + REMEMBERED_MS });
  }
}
