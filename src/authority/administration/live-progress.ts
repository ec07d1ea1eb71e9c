// How far a rotation is, read from what is known of every live workload. With a hundred thousand of these that takes longer than an
// operator's request may wait: a reading goes on without who asked for it, and its result stands for those that follow, with the
// moment that it is of. Readings follow each other at a distance, however often somebody asks.
import { RotationTally, type RotationProgress } from '../../domain/trust/rotation/progress.ts';
import type { AnchorRotation } from '../../domain/trust/rotation/rotation.ts';
import type { SettledTime } from '../../live/settled-time.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { EvidenceReader } from '../../ports/storage/evidence.ts';

export interface ReadProgress {
  readonly progress: RotationProgress;
  /** When it was begun to be read: what happened later may be missing. In ms since the epoch. */
  readonly atMs: number;
}

export interface LiveProgressParts {
  readonly reader: Pick<EvidenceReader, 'liveWorkloads'>;
  readonly clock: Clock;
  /** By it workloads are live: who hangs on an anchor by this is not cut off by a clock that is wrong. */
  readonly settled: Pick<SettledTime, 'nowMs'>;
}

interface Reading {
  /** Which rotation it is of, in which phase and with which bridge: what was read before a step says nothing of the next. */
  readonly of: string;
  readonly result: Promise<Read>;
}

interface Read extends ReadProgress {
  readonly of: string;
  /** By the monotonic clock, in ms. */
  readonly begunMs: number;
  readonly tookMs: number;
}

/** Longest that who asks waits: half of what a process of several waits for another. */
export const PATIENCE_MS = 1_000;
/**
 * So many times what a reading took is the next one away, so that a board that is watched is not all that a server does. What is
 * read within anybody's patience is read whenever it is asked for.
 */
const RESTS = 5;
/** A result stands as long as this, or for twice as long as it took to read. Whoever is new meanwhile knows what is new. */
const STANDS_MS = 60_000;

export class LiveProgress {
  readonly #parts: LiveProgressParts;
  readonly #running: AbortSignal;
  #reading: Reading | undefined;
  #last: Read | undefined;
  /** Of a reading that nobody waited for any more. */
  #failure: { readonly error: unknown } | undefined;

  /** @param running ends whatever is being read. */
  constructor(parts: LiveProgressParts, { signal: running }: { readonly signal: AbortSignal }) {
    this.#parts = parts;
    this.#running = running;
  }

  /**
   * @returns what stands now; nothing while the first reading of this phase goes on for longer than `PATIENCE_MS`: ask again.
   * @throws AuthorityError CAP-S04 when it cannot be read, also of a reading that who asked before did not wait for.
   */
  async look(
    rotation: AnchorRotation,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ReadProgress | undefined> {
    const of = `${rotation.id} ${rotation.phase} ${rotation.bridge?.sha256 ?? ''}`;
    const known = this.#last?.of === of ? this.#last : undefined;
    if (known !== undefined && this.#rests(known)) return known;
    this.#throwFailure();
    const read = await this.#withinPatience(this.#read(of, rotation), signal);
    if (read !== undefined) return read;
    const stands = known !== undefined && this.#ageOf(known) <= Math.max(STANDS_MS, known.tookMs * 3);
    return stands ? known : undefined;
  }

  /** @returns nothing when that takes longer; it goes on then. */
  async #withinPatience(result: Promise<Read>, signal: AbortSignal): Promise<Read | undefined> {
    const waiting = new AbortController();
    let waits = true;
    result.catch((error: unknown) => {
      if (!waits) this.#failure = { error };
    });
    const late = this.#parts.clock
      .sleep(PATIENCE_MS, { signal: AbortSignal.any([signal, waiting.signal]) })
      .then(() => undefined);
    try {
      return await Promise.race([result, late]);
    } finally {
      waits = false;
      late.catch(() => undefined);
      waiting.abort();
    }
  }

  /** One at a time, also when several ask. One of a phase that is over is not waited for: it ends by itself. */
  async #read(of: string, rotation: AnchorRotation): Promise<Read> {
    if (this.#reading?.of !== of) {
      const reading: Reading = { of, result: this.#tally(of, rotation) };
      this.#reading = reading;
      const over = (): void => {
        if (this.#reading === reading) this.#reading = undefined;
      };
      reading.result.then(over, over);
    }
    return this.#reading.result;
  }

  async #tally(of: string, rotation: AnchorRotation): Promise<Read> {
    const { clock, reader, settled } = this.#parts;
    const [atMs, begunMs, nowMs] = [clock.nowMs(), clock.monotonicMs(), settled.nowMs()];
    const tally = new RotationTally(rotation, nowMs);
    for await (const workload of reader.liveWorkloads({ nowMs }, { signal: this.#running })) tally.add(workload);
    const read = { of, progress: tally.progress, atMs, begunMs, tookMs: clock.monotonicMs() - begunMs };
    this.#last = read;
    return read;
  }

  #rests(known: Read): boolean {
    return known.tookMs >= PATIENCE_MS && this.#ageOf(known) < known.tookMs * (1 + RESTS);
  }

  #ageOf({ begunMs }: Read): number {
    return this.#parts.clock.monotonicMs() - begunMs;
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }
}
