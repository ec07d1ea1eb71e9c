// What a worker has to say more often than it is worth a message: merged by key, and sent together ten times a second at
// most. What was not answered is sent again under its number, so that whoever takes it takes it once.
import { Alarm } from '../../../live/alarm.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Json, Link } from '../link.ts';

export interface MergedMessagesParts<T extends Json> {
  readonly link: Pick<Link, 'ask'>;
  readonly clock: Pick<Clock, 'sleep' | 'sleepUntil'>;
  readonly topic: string;
  /** What both say together. */
  readonly merge: (earlier: T, later: T) => T;
}

const PACE_MS = 100;
/** After the other end did not answer. */
const RETRY_MS = 1_000;
const IDLE_MS = 60_000;
/** Keys that wait; one more is refused. */
const MAX_KEYS = 10_000;
/** Of one message: of 2 KiB each, half of what a message may have. */
const MAX_EACH = 1_000;

export class MergedMessages<T extends Json> {
  readonly #parts: MergedMessagesParts<T>;
  readonly #alarm: Alarm;
  readonly #waiting = new Map<string, T>();
  #unanswered: Json | undefined;
  #number = 0;

  constructor(parts: MergedMessagesParts<T>) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
  }

  /** @returns whether there was room for it. */
  add(key: string, value: T): boolean {
    const known = this.#waiting.get(key);
    if (known === undefined && this.#waiting.size >= MAX_KEYS) return false;
    this.#waiting.set(key, known === undefined ? value : this.#parts.merge(known, value));
    this.#alarm.ring();
    return true;
  }

  /** Sends what waits until the signal aborts. Never rejects. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      if (this.#waiting.size === 0 && this.#unanswered === undefined) await this.#alarm.sleep(IDLE_MS, { signal });
      const pauseMs = (await this.#send(signal)) ? PACE_MS : RETRY_MS;
      // The abort ends the loop.
      await this.#parts.clock.sleep(pauseMs, { signal }).catch(() => undefined);
    }
  }

  async #send(signal: AbortSignal): Promise<boolean> {
    this.#unanswered ??= this.#next();
    if (this.#unanswered === undefined) return true;
    try {
      await this.#parts.link.ask(this.#parts.topic, this.#unanswered, { signal });
      this.#unanswered = undefined;
      return true;
    } catch {
      // Whatever it was, the next try may succeed; an end that is gone ends this process too.
      return false;
    }
  }

  #next(): Json | undefined {
    const entries = this.#waiting.entries().take(MAX_EACH).toArray();
    if (entries.length === 0) return undefined;
    for (const [key] of entries) this.#waiting.delete(key);
    this.#number += 1;
    return { number: this.#number, entries };
  }
}

/** At the other end of one link. @param take is called once for each key of a message. */
export function serveMergedMessages(link: Link, topic: string, take: (key: string, value: Json) => void): void {
  let last = 0;
  link.serve(topic, (body) => {
    const { number, entries } = body as unknown as Numbered;
    if (number > last) for (const [key, value] of entries) take(key, value);
    last = Math.max(last, number);
    return null;
  });
}

interface Numbered {
  /** From 1 on; each later one is of a later message. */
  readonly number: number;
  readonly entries: readonly (readonly [key: string, value: Json])[];
}
