// All streams of the process: how many there may be, and the one clock that looks after them.
import { AuthorityError } from '../../../domain/errors.ts';
import type { Caller } from '../../../domain/identity/caller.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Door } from '../door.ts';
import type { AnyStream } from './secret-stream.ts';

export interface RegisterSettings {
  /** At a time, over all doors; those that are being authenticated count. */
  readonly maxStreams: number;
  /** At a time, of one identity. */
  readonly maxStreamsPerCaller: number;
}

/** How exact the deadlines of streams are. */
export const SWEEP_MS = 1_000;

export class StreamRegister {
  readonly #settings: RegisterSettings;
  readonly #open = new Set<AnyStream>();
  readonly #perCaller = new Map<string, number>();
  #admitted = 0;

  constructor(settings: RegisterSettings) {
    this.#settings = settings;
  }

  /** Takes a place before anything is known of the caller. @throws AuthorityError CAP-Q01 when there is none. */
  admit(): void {
    if (this.#admitted >= this.#settings.maxStreams) {
      throw new AuthorityError('CAP-Q01', { detail: 'too many streams are open' });
    }
    this.#admitted += 1;
  }

  /** Gives back a place that no stream came to fill. */
  dismiss(): void {
    this.#admitted -= 1;
  }

  /** @throws AuthorityError CAP-Q01 when the caller has too many already. */
  demandRoomFor(caller: Caller): void {
    const open = this.#perCaller.get(keyOf(caller)) ?? 0;
    if (open >= this.#settings.maxStreamsPerCaller) {
      throw new AuthorityError('CAP-Q01', { detail: 'the caller has too many streams open' });
    }
  }

  /** Fills an admitted place. */
  add(stream: AnyStream): void {
    const key = keyOf(stream.watcher.caller);
    this.#open.add(stream);
    this.#perCaller.set(key, (this.#perCaller.get(key) ?? 0) + 1);
  }

  remove(stream: AnyStream): void {
    if (!this.#open.delete(stream)) return;
    this.#admitted -= 1;
    const key = keyOf(stream.watcher.caller);
    const left = (this.#perCaller.get(key) ?? 1) - 1;
    if (left > 0) this.#perCaller.set(key, left);
    else this.#perCaller.delete(key);
  }

  endBehind(door: Door, error: unknown): void {
    for (const stream of this.#open) if (stream.door === door) stream.end(error);
  }

  /** Looks at the times of all streams, again and again, until the signal aborts. */
  async sweep(clock: Clock, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      // The abort is how this loop ends.
      await clock.sleep(SWEEP_MS, { signal }).catch(() => undefined);
      const monotonicMs = clock.monotonicMs();
      for (const stream of this.#open) stream.checkTime(monotonicMs);
    }
  }
}

function keyOf(caller: Caller): string {
  return caller.identity.spiffeId.uri;
}
