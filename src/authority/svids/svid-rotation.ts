// The certificate of one workload over time: issued when first watched, renewed at about half
// life, held back when policy says no. One rotation serves every stream of its workload.
import { AuthorityError, type ErrorCode } from '../../domain/errors.ts';
import { Alarm } from '../../live/alarm.ts';
import type { LatestValue } from '../../live/latest-value.ts';
import type { SvidState, WorkloadSvid } from '../surface/surface.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Random } from '../../ports/platform/random.ts';

export interface RotationSettings {
  /** Share of the remaining life after which a certificate is renewed, between 0 and 1. */
  readonly renewAt: number;
  /** A mass renewal, after an issuer change, is spread over this many ms. */
  readonly spreadMs: number;
}

export interface RotationParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Issues a certificate with a fresh key, to one who watches. @throws AuthorityError */
  readonly issue: (options: { readonly signal: AbortSignal }) => Promise<WorkloadSvid>;
  readonly watched: () => boolean;
  /** Called once, in the moment in which nobody watching was found: whoever comes then needs another rotation. */
  readonly onEnd: () => void;
}

/** Renewal comes up to this share of the wait earlier, so that identities issued together part ways. */
const RENEWAL_JITTER = 0.1;
/** Waits between tries when something is down: from one second, doubling, up to a minute. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** A refusal is asked again this often even when no policy change was seen. */
const REFUSED_RETRY_MS = 300_000;

/** What the clock's being set makes due is renewed within this time, not all at once. */
const STEP_SPREAD_MS = 3_000;

/** Codes that mean "not now": the certificate in hand stays in force while it is valid. */
const TRANSIENT: ReadonlySet<ErrorCode> = new Set([
  'not_ready',
  'dependency_unavailable',
  'overloaded',
  'quota_exceeded',
  'timed_out',
  'certificate_rejected',
]);

export class SvidRotation {
  readonly #state: LatestValue<SvidState>;
  readonly #parts: RotationParts;
  readonly #settings: RotationSettings;
  #svid: WorkloadSvid | undefined;
  #failures = 0;
  #asking = false;
  #dueMs = 0;
  /** Due by order of an issuer or policy change; kept apart so that a renewal under way cannot lose it. */
  #orderedMs = Infinity;
  readonly #alarm: Alarm;
  #stopped = false;

  constructor(state: LatestValue<SvidState>, parts: RotationParts, settings: RotationSettings) {
    this.#state = state;
    this.#parts = parts;
    this.#settings = settings;
    this.#alarm = new Alarm(parts.clock);
  }

  /** Runs until a renewal falls due while nobody watches, until it is stopped, or until the signal aborts. Never throws. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    do {
      await this.#renew(signal);
      await this.#untilDue(signal);
    } while (!signal.aborted && !this.#stopped && this.#parts.watched());
    this.#parts.onEnd();
  }

  /** No more renewals; what is being decided is still decided and recorded. */
  stop(): void {
    this.#stopped = true;
    this.#alarm.ring();
  }

  /** The issuer changed: renew soon, but not all at once. */
  renewSoon(): void {
    const { clock, random } = this.#parts;
    this.#orderedMs = Math.min(this.#orderedMs, clock.nowMs() + this.#settings.spreadMs * random.fraction());
    this.#alarm.ring();
  }

  /** The policy changed, or the certificate in hand is revoked: ask again now, so that a new "yes" or "no" takes effect. */
  renewNow(): void {
    this.#orderedMs = 0;
    this.#alarm.ring();
  }

  /** A certificate is being asked for. */
  get undecided(): boolean {
    return this.#asking;
  }

  /** The last try ended in an error; another is due. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  /** Which issuer signed the certificate in hand. */
  get issuerName(): string | undefined {
    return this.#svid?.issuerName;
  }

  /** Of the certificate in hand. */
  get serial(): string | undefined {
    return this.#svid?.serial;
  }

  get unavailable(): boolean {
    return this.#state.value?.kind === 'unavailable';
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    this.#orderedMs = Infinity;
    this.#asking = true;
    try {
      this.#svid = await this.#parts.issue({ signal });
      this.#failures = 0;
      const nowMs = clock.nowMs();
      const lifeMs = isValid(this.#svid, nowMs) ? this.#svid.notAfterMs - nowMs : 0;
      this.#dueMs = nowMs + this.#earlier(lifeMs * this.#settings.renewAt);
      this.#state.set({ kind: 'svid', svid: this.#svid });
    } catch (cause) {
      this.#fail(cause instanceof AuthorityError ? cause : new AuthorityError('CAP-X01', { cause }));
    } finally {
      this.#asking = false;
    }
  }

  #fail(error: AuthorityError): void {
    const nowMs = this.#parts.clock.nowMs();
    const transient = TRANSIENT.has(error.code);
    const retryMs = transient ? Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LAST_RETRY_MS) : REFUSED_RETRY_MS;
    this.#failures += 1;
    this.#dueMs = nowMs + this.#earlier(retryMs);
    if (!transient || !isValid(this.#svid, nowMs)) this.#state.set({ kind: 'unavailable', error });
  }

  #earlier(ms: number): number {
    return ms * (1 - RENEWAL_JITTER * this.#parts.random.fraction());
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    while (this.#momentMs > this.#parts.clock.nowMs() && !signal.aborted && !this.#stopped) {
      // Rung when the due time moved.
      if ((await this.#alarm.sleepUntil(this.#momentMs, { signal })) === 'stepped') this.#afterStep();
    }
  }

  /** What was planned by the clock as it was is planned anew; only a good certificate is kept until its time comes. */
  #afterStep(): void {
    const nowMs = this.#parts.clock.nowMs();
    const stays = this.#failures === 0 && isValid(this.#svid, nowMs) && nowMs < this.#dueMs;
    const soonMs = nowMs + Math.min(this.#settings.spreadMs, STEP_SPREAD_MS) * this.#parts.random.fraction();
    if (!stays) this.#dueMs = soonMs;
    if (this.#orderedMs < Infinity) this.#orderedMs = Math.min(this.#orderedMs, soonMs);
  }

  get #momentMs(): number {
    return Math.min(this.#dueMs, this.#orderedMs);
  }
}

/** One from the future, made before the clock was set back, is as useless to a peer as one that is over. */
function isValid(svid: WorkloadSvid | undefined, nowMs: number): boolean {
  return svid !== undefined && svid.notBeforeMs <= nowMs && nowMs < svid.notAfterMs;
}
