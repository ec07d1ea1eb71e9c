// Measures the outage budget, by one process for all: reading every live workload takes seconds of a thread, so the pauses are long
// against what a reading takes. Between two readings the budget counts down by the clock.
import { endOf, type Interruption, type RenewalFacts } from '../../domain/trust/outage-budget.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { EvidenceReader } from '../../ports/storage/evidence.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import { whileLeading, type Leading } from './while-leading.ts';

export interface OutageBudgetParts {
  readonly reader: EvidenceReader;
  readonly lease: Lease;
  readonly clock: Clock;
  /** Whether a certificate could be issued now, as far as this process knows. */
  readonly canIssue: () => boolean;
}

/** Between the starts of readings, and how much longer than a reading the pause after it is. */
export const MEASURED_EVERY_MS = 15_000;
const RESTS = 50;
/** How often it is asked whether anything can be issued. */
const LOOKED_EVERY_MS = 5_000;
/** What is older than any leaf matters no more; of more the oldest are forgotten, and some who are late look gone. */
const MAX_INTERRUPTIONS = 100;

export class OutageBudget {
  readonly #parts: OutageBudgetParts;
  readonly #settings: Pick<RenewalFacts, 'sdsRenewAt'>;
  /** Ended ones, oldest first. */
  #interruptions: readonly Interruption[] = [];
  #interruptedMs: number | undefined;
  #endMs: number | undefined;

  constructor(parts: OutageBudgetParts, settings: Pick<RenewalFacts, 'sdsRenewAt'>) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** In ms, at least 0; nothing while it is not known here, or nobody is alive. */
  get leftMs(): number | undefined {
    return this.#endMs === undefined ? undefined : Math.max(0, this.#endMs - this.#parts.clock.nowMs());
  }

  /** Runs until the signal aborts. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    const startedMs = this.#parts.clock.nowMs();
    await whileLeading(this.#parts, async (leading) => this.#lead(startedMs, leading), options);
  }

  async #lead(startedMs: number, { signal }: Leading): Promise<void> {
    const { clock } = this.#parts;
    let nextMs = -Infinity;
    let begun = false;
    try {
      for (;;) {
        this.#look();
        if (clock.monotonicMs() >= nextMs) {
          const beganMs = clock.monotonicMs();
          begun ||= await this.#begin(startedMs, signal);
          if (begun) await this.#measure(signal);
          const tookMs = clock.monotonicMs() - beganMs;
          nextMs = beganMs + Math.max(MEASURED_EVERY_MS, RESTS * tookMs);
        }
        await clock.sleep(LOOKED_EVERY_MS, { signal });
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
    let lastMs = -Infinity;
    const isRead = await this.#read(signal, ({ leaf: { issuedMs } }) => {
      if (issuedMs < startedMs) lastMs = Math.max(lastMs, issuedMs);
    });
    if (isRead && lastMs > -Infinity) this.#add({ fromMs: lastMs, toMs: startedMs });
    return isRead;
  }

  async #measure(signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    const open = this.#interruptedMs === undefined ? [] : [{ fromMs: this.#interruptedMs, toMs: nowMs }];
    const facts = { ...this.#settings, interruptions: [...this.#interruptions, ...open] };
    let firstMs = Infinity;
    const isRead = await this.#read(signal, (workload) => {
      firstMs = Math.min(firstMs, endOf(workload, facts, nowMs) ?? Infinity);
    });
    // What could not be read to its end says nothing: what was known goes on counting down.
    if (isRead) this.#endMs = firstMs === Infinity ? undefined : firstMs;
  }

  async #read(signal: AbortSignal, take: (workload: Parameters<typeof endOf>[0]) => void): Promise<boolean> {
    try {
      const workloads = this.#parts.reader.liveWorkloads({ nowMs: this.#parts.clock.nowMs() }, { signal });
      for await (const workload of workloads) take(workload);
      return true;
    } catch {
      // The store says by itself that it cannot be read.
      signal.throwIfAborted();
      return false;
    }
  }

  #look(): void {
    const nowMs = this.#parts.clock.nowMs();
    if (!this.#parts.canIssue()) this.#interruptedMs ??= nowMs;
    else if (this.#interruptedMs !== undefined) {
      this.#add({ fromMs: this.#interruptedMs, toMs: nowMs });
      this.#interruptedMs = undefined;
    }
  }

  #add(interruption: Interruption): void {
    this.#interruptions = [...this.#interruptions, interruption].slice(-MAX_INTERRUPTIONS);
  }
}
