// Lines that a client can cause as often as it likes: refused connections, the comings and goings of streams, the
// same fault again. In each minute the first of a kind are written, the others counted, and one line with their
// `count` is written for each kind when the minute ends. The metrics of the same events count every one.
import type { Logger } from 'pino';
import { Samples, type SampleBounds } from '../../domain/bounded/samples.ts';
import type { LogLevel } from './logger.ts';

/** A kind is an event and who caused it; a group is a namespace, or all unauthenticated callers. */
export const NOISE: SampleBounds = { each: 100, alone: 300, kinds: 100 };
export const NOISE_INTERVAL_MS = 60_000;

export interface NoisyLine {
  readonly level: LogLevel;
  readonly message: string;
  /** Begins with the event's name; what callers differ in belongs behind `kind`. */
  readonly facts: { readonly event: string } & Readonly<Record<string, unknown>>;
  readonly group: string;
  readonly kind: string;
}

export class Noise implements Disposable {
  readonly #logger: Logger;
  readonly #samples = new Samples<NoisyLine>(NOISE);
  readonly #timer: NodeJS.Timeout;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#timer = setInterval(() => this.endInterval(), NOISE_INTERVAL_MS);
    this.#timer.unref();
  }

  write(line: NoisyLine): void {
    const { level, facts, message, group, kind } = line;
    if (!this.#logger.isLevelEnabled(level)) return;
    const sample = { group, kind: `${facts.event} ${kind}`, rest: facts.event };
    // Of several kinds nothing is in common but the event; of one, the first speaks for all.
    const common = (mixed: boolean): NoisyLine => (mixed ? { ...line, facts: { event: facts.event } } : line);
    if (this.#samples.take(sample, common) === undefined) this.#logger[level](facts, message);
  }

  endInterval(): void {
    for (const { of, count } of this.#samples.end()) this.#logger[of.level]({ ...of.facts, count }, of.message);
  }

  /** Writes what was counted. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.endInterval();
  }
}
