// The record of operations that were refused: who tries what is worth knowing, and must not fill the journal. Of each actor ten a
// minute have a record of their own; what is beyond that is counted, in one record when the minute is over.
import { every } from '../../live/every.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';

export interface RefusedOperation {
  readonly operation: string;
  readonly actor: string;
  /** `none` for who has no role. */
  readonly role: string;
  /** In the words that the operator got. */
  readonly problem: string;
}

export interface RefusedOperationsParts {
  /** Handles its own errors: a refusal stands, whether or not it is on record. */
  readonly record: (operation: OperationRecord) => Promise<void>;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'sleep'>;
}

interface Counted {
  readonly sinceMs: number;
  records: number;
  /** Beyond those that have a record. */
  further: number;
  last: RefusedOperation;
}

const EACH_MINUTE = 10;
const MINUTE_MS = 60_000;
/** Actors at once; those beyond share one count. */
const MAX_ACTORS = 500;
const OTHERS = 'others';

export class RefusedOperations {
  readonly #parts: RefusedOperationsParts;
  readonly #byActor = new Map<string, Counted>();

  constructor(parts: RefusedOperationsParts) {
    this.#parts = parts;
  }

  /** Ends each minute until the signal aborts. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    await every(MINUTE_MS / 4, this.#parts.clock, async () => this.#endMinutes(), options);
  }

  note(refused: RefusedOperation): void {
    const { clock } = this.#parts;
    const known = this.#byActor.has(refused.actor) || this.#byActor.size < MAX_ACTORS;
    const actor = known ? refused.actor : OTHERS;
    const counted = this.#byActor.get(actor) ?? { sinceMs: clock.monotonicMs(), records: 0, further: 0, last: refused };
    this.#byActor.set(actor, counted);
    counted.last = { ...refused, actor };
    if (counted.records < EACH_MINUTE) {
      counted.records += 1;
      void this.#write(refused);
    } else {
      counted.further += 1;
    }
  }

  async #endMinutes(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [actor, { sinceMs, further, last }] of this.#byActor) {
      if (nowMs - sinceMs < MINUTE_MS) continue;
      this.#byActor.delete(actor);
      if (further > 0) await this.#write(last, further);
    }
  }

  async #write({ operation, actor, role, problem }: RefusedOperation, count?: number): Promise<void> {
    const details = { actor, role, refused: problem, ...(count !== undefined && { count }) };
    const timeMs = this.#parts.clock.nowMs();
    await this.#parts.record({ timeMs, operation, was: '-', is: 'refused', details });
  }
}
