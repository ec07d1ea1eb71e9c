// Tries in vain to get the next certificate of an issuer: told once, repeated later and later, and warned of before leaves get shorter.
import { AuthorityError } from '../../../domain/errors.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';

/** After a failure; twice that after the next, and so on. */
const [FIRST_RETRY_MS, LAST_RETRY_MS, LAST_RETRY_WITHOUT_MS] = [1_000, 300_000, 15_000];

export interface FailuresParts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly events: Pick<Events, 'trustWarning' | 'reloadFailed'>;
}

export interface FailuresSettings {
  /** Of the issuer, as policies call it. */
  readonly name: string;
  readonly canSign: () => boolean;
}

export class RolloverFailures {
  readonly #parts: FailuresParts;
  readonly #settings: FailuresSettings;
  readonly #report: ReportOnce;
  #count = 0;
  #sinceMs: number | undefined;
  #warned = false;

  constructor(parts: FailuresParts, settings: FailuresSettings) {
    this.#parts = parts;
    this.#settings = settings;
    const { name, canSign } = settings;
    this.#report = new ReportOnce((problem) => {
      parts.events.reloadFailed({ source: 'upstream', problem: `${name} ${problem}`, kept: canSign() });
    });
  }

  /** What is wrong, of which issuer and since when; nothing when all is well. */
  get problem(): string | undefined {
    const { problem } = this.#report;
    if (problem === undefined) return undefined;
    const since = formatTime(this.#sinceMs ?? this.#parts.clock.nowMs());
    return `issuer ${this.#settings.name}, since ${since}: ${problem}`;
  }

  /** For how long it fails; 0 while all is well. */
  get failingMs(): number {
    return this.#sinceMs === undefined ? 0 : Math.max(0, this.#parts.clock.nowMs() - this.#sinceMs);
  }

  /** How long to wait for the next try; nothing after a success. */
  retryMs(): number | undefined {
    if (this.#count === 0) return undefined;
    const most = this.#settings.canSign() ? LAST_RETRY_MS : LAST_RETRY_WITHOUT_MS;
    return Math.min(most, FIRST_RETRY_MS * 2 ** (this.#count - 1));
  }

  found(error: unknown): void {
    this.#count += 1;
    this.#sinceMs ??= this.#parts.clock.nowMs();
    this.#report.found(error instanceof AuthorityError ? error.message : 'unexpected failure');
  }

  over(): void {
    this.#report.over();
    this.#count = 0;
    this.#sinceMs = undefined;
    this.#warned = false;
  }

  /** Once for each outage. */
  warn(problem: string): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#parts.events.trustWarning({ problem });
  }
}
