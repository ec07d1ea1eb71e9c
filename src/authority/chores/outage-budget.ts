// Measures the outage budget, by one process for all: reading every live workload takes seconds of a thread, so the pauses are long
// against what a reading takes. Between two readings the budget counts down by the clock. What had a certificate when the first
// interruption began that is still felt is read too: who ran out since is without one, and not gone.
import { endOf, type Barred, type RenewalFacts } from '../../domain/trust/outage-budget.ts';
import type { WorkloadEvidence } from '../../domain/trust/rotation/evidence.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { EvidenceReader } from '../../ports/storage/evidence.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import { Interruptions } from './interruptions.ts';
import { whileLeading, type Leading } from './while-leading.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface OutageBudgetParts {
  readonly reader: EvidenceReader;
  readonly lease: Lease;
  readonly clock: Clock;
  /** Who cannot be issued to now, as far as this process knows. */
  readonly barred: () => readonly Barred[];
}

export interface OutageBudgetSettings extends Pick<RenewalFacts, 'sdsRenewAt'> {
  readonly longestLeafMs: number;
}

/** Between the starts of readings; how much longer than a reading the pause after it is, and its bound. */
export const MEASURED_EVERY_MS = 15_000;
const RESTS = 50;
const LONGEST_REST_MS = 900_000;
/** How often it is asked who can be issued to. */
const LOOKED_EVERY_MS = 5_000;

export class OutageBudget {
  readonly #parts: OutageBudgetParts;
  readonly #settings: OutageBudgetSettings;
  readonly #interruptions: Interruptions;
  #begun = false;
  #endMs: number | undefined;

  constructor(parts: OutageBudgetParts, settings: OutageBudgetSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#interruptions = new Interruptions(settings);
  }

  /** In ms, at least 0; nothing while it is not known here, or nobody is alive. */
  get leftMs(): number | undefined {
    return this.#endMs === undefined ? undefined : Math.max(0, this.#endMs - this.#parts.clock.nowMs());
  }

  /** Runs until the signal aborts. */
  async run(options: Waits): Promise<void> {
    const startedMs = this.#parts.clock.nowMs();
    const measuring = whileLeading(this.#parts, async (leading) => this.#lead(startedMs, leading), options);
    await Promise.all([measuring, this.#watch(options)]);
  }

  async #watch({ signal }: Waits): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      this.#look();
      await clock.sleep(LOOKED_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  async #lead(startedMs: number, { signal }: Leading): Promise<void> {
    const { clock } = this.#parts;
    try {
      for (;;) {
        const beganMs = clock.monotonicMs();
        this.#begun ||= await this.#begin(startedMs, signal);
        if (this.#begun) await this.#measure(signal);
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

  /** While no server ran nothing could be issued: since the last certificate from before. @returns whether that is known. */
  async #begin(startedMs: number, signal: AbortSignal): Promise<boolean> {
    return this.#read(signal, async () => {
      const lastMs = await this.#parts.reader.lastIssuedMs({ beforeMs: startedMs }, { signal });
      if (lastMs !== undefined) this.#interruptions.add({ fromMs: lastMs, toMs: startedMs, barred: {} });
    });
  }

  async #measure(signal: AbortSignal): Promise<void> {
    this.#look();
    const nowMs = this.#parts.clock.nowMs();
    const interruptions = this.#interruptions.feltAt(nowMs);
    const facts = { ...this.#settings, interruptions };
    const sinceMs = interruptions.reduce((ms, { fromMs }) => Math.min(ms, fromMs), nowMs);
    let firstMs = Infinity;
    const take = (workload: WorkloadEvidence): void => {
      firstMs = Math.min(firstMs, endOf(workload, facts, nowMs) ?? Infinity);
    };
    const isRead = await this.#read(signal, async () => {
      for await (const one of this.#parts.reader.liveWorkloads({ nowMs: sinceMs }, { signal })) take(one);
    });
    // What could not be read to its end says nothing: what was known goes on counting down.
    if (isRead) this.#endMs = firstMs === Infinity ? undefined : firstMs;
  }

  async #read(signal: AbortSignal, reading: () => Promise<void>): Promise<boolean> {
    try {
      await reading();
      return true;
    } catch {
      // The store says by itself that it cannot be read.
      signal.throwIfAborted();
      return false;
    }
  }

  #look(): void {
    this.#interruptions.see(this.#parts.barred(), this.#parts.clock.nowMs());
  }
}
