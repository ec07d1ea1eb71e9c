// How many live workloads stand in the way of the next step of a rotation of trust anchors, counted now and then by one process for
// all, so that on-call hears of a rotation that does not come on. Who they are is for operators to ask.
import { isUnderWay, type AnchorRotation, type RotationPhase } from '../../domain/trust/rotation/rotation.ts';
import type { RotationProgress } from '../../domain/trust/rotation/progress.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import type { LiveProgress } from '../administration/live-progress.ts';
import { whileLeading } from './while-leading.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface RotationLaggardsParts {
  /** What goes on now, or went on last. */
  readonly rotation: () => AnchorRotation | undefined;
  readonly progress: Pick<LiveProgress, 'look'>;
  readonly lease: Lease;
  readonly clock: Clock;
}

export interface CountedLaggards {
  readonly phase: RotationPhase;
  readonly count: number;
}

/** A reading of very many workloads takes longer, and bounds itself. */
export const COUNTED_EVERY_MS = 15_000;

export class RotationLaggards {
  readonly #parts: RotationLaggardsParts;
  #counted: CountedLaggards | undefined;

  constructor(parts: RotationLaggardsParts) {
    this.#parts = parts;
  }

  /** Nothing while no rotation is under way, or another process counts. */
  get counted(): CountedLaggards | undefined {
    const rotation = this.#parts.rotation();
    return rotation?.phase === this.#counted?.phase ? this.#counted : undefined;
  }

  /** Runs until the signal aborts. */
  async run(options: Waits): Promise<void> {
    await whileLeading(this.#parts, async (leading) => this.#lead(leading), options);
  }

  async #lead({ signal }: Waits): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await this.#count({ signal });
      await clock.sleep(COUNTED_EVERY_MS, { signal }).catch(() => undefined);
    }
    this.#counted = undefined;
  }

  async #count(options: Waits): Promise<void> {
    const rotation = this.#parts.rotation();
    if (!isUnderWay(rotation)) {
      this.#counted = undefined;
      return;
    }
    // The store says by itself that it cannot be read; a reading that goes on is looked at the next time. What was counted stands.
    const read = await this.#parts.progress.look(rotation, options).catch(() => undefined);
    if (read !== undefined) this.#counted = { phase: rotation.phase, count: laggardsIn(rotation.phase, read.progress) };
  }
}

/** A workload may stand in the way for two reasons and counts once: who hangs on the old anchor is most of who does not know the new one. */
function laggardsIn(phase: RotationPhase, { unaware, bridged, dependent, holding }: RotationProgress): number {
  if (phase === 'publish') return unaware.count;
  return phase === 'retire' ? holding.count : Math.max(dependent.count, unaware.count + bridged.count);
}
