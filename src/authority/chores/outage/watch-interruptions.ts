// Sees when nothing can be issued, and to whom, for all who say who is late.
import type { Barred, Interruption } from '../../../domain/trust/interruption.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { EvidenceReader } from '../../../ports/storage/evidence.ts';
import { Interruptions } from './interruptions.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface WatchedInterruptionsParts {
  readonly reader: Pick<EvidenceReader, 'lastIssuedMs'>;
  readonly clock: Pick<Clock, 'nowMs' | 'sleep'>;
  /** Who cannot be issued to now, as far as this process knows. */
  readonly barred: () => readonly Barred[];
}

/** How often it is asked who can be issued to. */
const LOOKED_EVERY_MS = 5_000;

export class WatchedInterruptions {
  readonly #parts: WatchedInterruptionsParts;
  readonly #seen: Interruptions;
  #isBegun = false;

  constructor(parts: WatchedInterruptionsParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#seen = new Interruptions(settings);
  }

  /** @returns those that make a difference to anybody; nothing while it is not known for how long no server ran. */
  felt(): readonly Interruption[] | undefined {
    const nowMs = this.#look();
    return this.#isBegun ? this.#seen.feltAt(nowMs) : undefined;
  }

  /** Runs until the signal aborts. */
  async run({ signal }: Waits): Promise<void> {
    const { clock } = this.#parts;
    const startedMs = clock.nowMs();
    while (!signal.aborted) {
      this.#look();
      if (!this.#isBegun) await this.#begin(startedMs, signal);
      await clock.sleep(LOOKED_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  /** While no server ran nothing could be issued: since the last certificate from before. */
  async #begin(startedMs: number, signal: AbortSignal): Promise<void> {
    try {
      const lastMs = await this.#parts.reader.lastIssuedMs({ beforeMs: startedMs }, { signal });
      if (lastMs !== undefined) this.#seen.add({ fromMs: lastMs, toMs: startedMs, barred: {} });
      this.#isBegun = true;
    } catch {
      // The store says by itself that it cannot be read: it is asked again.
    }
  }

  #look(): number {
    const nowMs = this.#parts.clock.nowMs();
    this.#seen.see(this.#parts.barred(), nowMs);
    return nowMs;
  }
}
