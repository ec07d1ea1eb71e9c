// The times in which nothing could be issued, as this process saw them: to everybody, or to those of an issuer or of a cluster. Each
// process looks, whichever of them measures, so that the one that comes to measure knows since when.
import { stillFelt, type Barred, type Interruption } from '../../../domain/trust/interruption.ts';

interface Open {
  readonly barred: Barred;
  readonly fromMs: number;
}

/** Beyond it the oldest are forgotten, and some who are late look gone. */
const MAX_INTERRUPTIONS = 200;

export class Interruptions {
  readonly #longestLeafMs: number;
  /** By whom they concern. */
  readonly #open = new Map<string, Open>();
  /** Ended ones, oldest first. */
  #ended: readonly Interruption[] = [];

  constructor({ longestLeafMs }: { readonly longestLeafMs: number }) {
    this.#longestLeafMs = longestLeafMs;
  }

  /** Takes who cannot be issued to now. */
  see(barred: readonly Barred[], nowMs: number): void {
    const now = new Map(barred.map((one) => [keyOf(one), one]));
    for (const [key, one] of now) if (!this.#open.has(key)) this.#open.set(key, { barred: one, fromMs: nowMs });
    for (const [key, { barred: over, fromMs }] of this.#open) {
      if (now.has(key)) continue;
      this.#open.delete(key);
      this.add({ barred: over, fromMs, toMs: nowMs });
    }
  }

  /** One that is over. */
  add(interruption: Interruption): void {
    this.#ended = [...this.#ended, interruption].slice(-MAX_INTERRUPTIONS);
  }

  /** Those that make a difference to anybody, with what goes on until now. */
  feltAt(nowMs: number): readonly Interruption[] {
    const open = [...this.#open.values()].map((one) => ({ ...one, toMs: nowMs }));
    const felt = stillFelt([...this.#ended, ...open], this.#longestLeafMs, nowMs);
    this.#ended = this.#ended.filter((one) => felt.includes(one));
    return felt;
  }
}

function keyOf({ issuer, cluster }: Barred): string {
  return JSON.stringify([issuer, cluster]);
}
