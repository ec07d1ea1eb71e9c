// Measures the outage budget, by one process for all: reading every live workload takes seconds of a thread, so the pauses are long
// against what a reading takes. Between two readings the budget counts down by the clock. What had a certificate when the first
// interruption began that is still felt is read too: who ran out since is without one, and not gone.
import type { Interruption } from '../../../domain/trust/interruption.ts';
import { endOf, type RenewalFacts } from '../../../domain/trust/outage-budget.ts';
import type { WorkloadEvidence } from '../../../domain/trust/rotation/evidence.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { EvidenceReader } from '../../../ports/storage/evidence.ts';
import type { Lease } from '../../../ports/storage/lease.ts';
import { whileLeading, type Leading } from '../while-leading.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface OutageBudgetParts {
  readonly reader: Pick<EvidenceReader, 'liveWorkloads'>;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly interruptions: {
    /** Those that make a difference to anybody; nothing while they are not known. */
    readonly felt: () => readonly Interruption[] | undefined;
  };
}

export type OutageBudgetSettings = Pick<RenewalFacts, 'sdsRenewAt'>;

/** Between the starts of readings; how much longer than a reading the pause after it is, and its bound. */
export const MEASURED_EVERY_MS = 15_000;
const RESTS = 50;
const LONGEST_REST_MS = 900_000;

export class OutageBudget {
  readonly #parts: OutageBudgetParts;
  readonly #settings: OutageBudgetSettings;
  #endMs: number | undefined;

  constructor(parts: OutageBudgetParts, settings: OutageBudgetSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** In ms, at least 0; nothing while it is not known here, or nobody is alive. */
  get leftMs(): number | undefined {
    return this.#endMs === undefined ? undefined : Math.max(0, this.#endMs - this.#parts.clock.nowMs());
  }

  /** Runs until the signal aborts. */
  async run(options: Waits): Promise<void> {
    await whileLeading(this.#parts, async (leading) => this.#lead(leading), options);
  }

  async #lead({ signal }: Leading): Promise<void> {
    const { clock } = this.#parts;
    try {
      for (;;) {
        const beganMs = clock.monotonicMs();
        await this.#measure(signal);
        const tookMs = clock.monotonicMs() - beganMs;
        const restMs = Math.min(RESTS * tookMs, LONGEST_REST_MS);
        await clock.sleep(Math.max(MEASURED_EVERY_MS - tookMs, restMs), { signal });
      }
    } catch (cause) {
      if (!signal.aborted) throw cause;
    } finally {
      // Another process says it now.
      this.#endMs = undefined;
    }
  }

  async #measure(signal: AbortSignal): Promise<void> {
    const interruptions = this.#parts.interruptions.felt();
    if (interruptions === undefined) return;
    const nowMs = this.#parts.clock.nowMs();
    const facts = { ...this.#settings, interruptions };
    const sinceMs = interruptions.reduce((ms, { fromMs }) => Math.min(ms, fromMs), nowMs);
    let firstMs = Infinity;
    const take = (workload: WorkloadEvidence): void => {
      firstMs = Math.min(firstMs, endOf(workload, facts, nowMs) ?? Infinity);
    };
    try {
      for await (const one of this.#parts.reader.liveWorkloads({ nowMs: sinceMs }, { signal })) take(one);
    } catch {
      // The store says by itself that it cannot be read. What could not be read to its end says nothing: what was known goes on
      // counting down.
      signal.throwIfAborted();
      return;
    }
    this.#endMs = firstMs === Infinity ? undefined : firstMs;
  }
}
