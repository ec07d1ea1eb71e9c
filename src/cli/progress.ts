// How far a long command has come: a bar that is drawn over itself on a terminal; elsewhere, for who asks for
// it, a line at every tenth. It goes to standard error, so that what was asked for stays clean.
import { formatCount } from '../domain/text/format-count.ts';
import type { Clock } from '../ports/platform/clock.ts';
import type { Terminal } from './terminal.ts';
import { formatSpan } from '../domain/text/format-time.ts';

/** Characters of the bar; with what is said beside it, it fits into 80 columns. */
const WIDTH = 20;
/** A bar that is drawn more often is only harder to read. */
const REDRAW_EVERY_MS = 100;
const TENTHS = 10;

export interface ProgressParts {
  readonly terminal: Terminal;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export interface ProgressSettings {
  /** What is counted: `decisions`. */
  readonly what: string;
  readonly total: number;
  /** Whether to print a line at every tenth where there is no terminal. */
  readonly lines: boolean;
}

export class Progress {
  readonly #parts: ProgressParts;
  readonly #settings: ProgressSettings;
  readonly #startedMs: number;
  #drawnMs: number;
  #shownTenths = 0;

  constructor(parts: ProgressParts, settings: ProgressSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#startedMs = parts.clock.nowMs();
    this.#drawnMs = this.#startedMs;
  }

  /** @param done how many of the total; more than the total counts as all. */
  reach(done: number): void {
    if (this.#parts.terminal.live) this.#draw(done);
    else if (this.#settings.lines) this.#showTenth(done);
  }

  /** Takes the bar away. */
  end(): void {
    this.#parts.terminal.redraw('');
  }

  #draw(done: number): void {
    const { terminal, clock } = this.#parts;
    const nowMs = clock.nowMs();
    if (nowMs - this.#drawnMs < REDRAW_EVERY_MS) return;
    this.#drawnMs = nowMs;
    const share = this.#share(done);
    const full = Math.floor(share * WIDTH);
    const leftMs = share === 0 ? 0 : ((nowMs - this.#startedMs) * (1 - share)) / share;
    const bar = `${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}`;
    terminal.redraw(`[${bar}] ${this.#format(done)}, ${formatSpan(leftMs)} left`);
  }

  #showTenth(done: number): void {
    const tenths = Math.floor(this.#share(done) * TENTHS);
    if (tenths === this.#shownTenths) return;
    this.#shownTenths = tenths;
    this.#parts.terminal.note(`${this.#format(done)}\n`);
  }

  #format(done: number): string {
    const { total, what } = this.#settings;
    const percent = Math.floor(this.#share(done) * 100);
    return `${percent}%  ${formatCount(Math.min(done, total))} of ${formatCount(total)} ${what}`;
  }

  #share(done: number): number {
    const { total } = this.#settings;
    return total === 0 ? 1 : Math.min(1, done / total);
  }
}
