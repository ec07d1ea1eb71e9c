// Keys of a token issuer that are fetched, over HTTPS or from an API server. An issuer that rolls its
// key over is noticed by the first token that names the new key; an issuer that cannot be reached is a
// reason to wait (CAP-S05) and never a reason to say that a token is bad.
import { AuthorityError } from '../../../domain/errors.ts';
import { orAborted } from '../../../live/abortable.ts';
import { every } from '../../../live/every.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { keySetFrom, type KeySet, type KeySource } from './key-set.ts';

/** Nobody can make us ask an issuer more often, by whatever tokens. */
export const FETCH_COOLDOWN_MS = 10_000;
/** Older keys are refreshed in passing, so that a key that was withdrawn goes out of use. */
export const REFRESH_AFTER_MS = 5 * 60_000;
/** Keys this old are not judged by any more: better to say UNAVAILABLE than to trust a withdrawn key for ever. */
export const STALE_AFTER_MS = 60 * 60_000;
/** For one whole fetch, discovery included; less than the deadline of a request. */
const FETCH_TIMEOUT_MS = 3_000;

export interface FetchedKeysSettings {
  /** As messages name it. */
  readonly issuer: string;
  /** STALE_AFTER_MS when absent. */
  readonly staleAfterMs?: number;
  readonly timeoutMs?: number;
}

export interface FetchedKeysParts {
  readonly clock: Clock;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
  /** @returns the JWK set as the issuer publishes it now. @throws Error saying what went wrong, in words for the operator. */
  readonly fetch: (options: { readonly signal: AbortSignal }) => Promise<unknown>;
}

/** Under way, or over and `failed` or not. */
interface Attempt {
  readonly startedMs: number;
  /** Never rejects. */
  readonly done: Promise<void>;
  failed: boolean;
  over: boolean;
}

export class FetchedKeys implements KeySource {
  readonly #parts: FetchedKeysParts;
  readonly #settings: FetchedKeysSettings;
  #keys: KeySet | undefined;
  #fetchedMs = 0;
  #seeded = false;
  /** Of the last attempt that is over. */
  #failing = false;
  /** The last attempt; one at a time, shared by all who wait. */
  #attempt: Attempt | undefined;

  constructor(parts: FetchedKeysParts, settings: FetchedKeysSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Begins with keys of before a restart, until they can be fetched. @param ageMs since they were. */
  seed(keys: KeySet, ageMs: number): void {
    if (this.#keys !== undefined) return;
    this.#keys = keys;
    this.#seeded = true;
    this.#fetchedMs = this.#parts.clock.monotonicMs() - ageMs;
  }

  peek(): KeySet | undefined {
    return this.#keys;
  }

  async current(options: { readonly signal: AbortSignal }): Promise<KeySet> {
    if (this.#keys !== undefined && this.#fresh) {
      // Not waited for: the keys at hand serve until better ones are here.
      if (this.#ageMs >= REFRESH_AFTER_MS) this.#attemptUnlessJustDone();
      return this.#keys;
    }
    await this.#refresh(options);
    return this.#known();
  }

  async newerThan(than: KeySet, options: { readonly signal: AbortSignal }): Promise<KeySet | undefined> {
    if (this.#keys === than) await this.#refresh(options);
    return this.#keys === than ? undefined : this.#keys;
  }

  /** Why no token of this issuer can be judged now; nothing before the first was shown, as keys are fetched then. */
  problem(): string | undefined {
    const usable = this.#keys !== undefined && this.#fresh;
    if (usable || !this.#failing) return undefined;
    return `the keys of the token issuer ${this.#settings.issuer} could not be fetched`;
  }

  /** While there is a problem, tries by itself: a readiness probe sends no tokens. Until the signal aborts. */
  async keepTrying(options: { readonly signal: AbortSignal }): Promise<void> {
    const tryAgain = async (): Promise<void> => {
      if (this.problem() !== undefined) await this.#attemptUnlessJustDone().done;
    };
    await every(FETCH_COOLDOWN_MS, this.#parts.clock, tryAgain, options);
  }

  /** Fetches them now, unless that was just done, and then every `ms`, whether anybody shows a token or not. */
  async keepFresh(ms: number, options: { readonly signal: AbortSignal }): Promise<void> {
    await this.#attemptUnlessJustDone().done;
    await every(ms, this.#parts.clock, async () => this.#attemptUnlessJustDone().done, options);
  }

  /** Since they were fetched, in ms, where they are those of before the start and cannot be fetched. */
  get seededAgeMs(): number | undefined {
    return this.#failing && this.#seeded ? this.#ageMs : undefined;
  }

  get #ageMs(): number {
    return this.#parts.clock.monotonicMs() - this.#fetchedMs;
  }

  get #fresh(): boolean {
    return this.#ageMs < (this.#settings.staleAfterMs ?? STALE_AFTER_MS);
  }

  /** Resolves when the last attempt succeeded. The fetch itself is shared, so the signal ends only this wait for it. */
  async #refresh({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const attempt = this.#attemptUnlessJustDone();
    await orAborted(attempt.done, signal);
    if (attempt.failed) throw new AuthorityError('CAP-S05', { retryAfterMs: FETCH_COOLDOWN_MS });
  }

  #attemptUnlessJustDone(): Attempt {
    const startedMs = this.#parts.clock.monotonicMs();
    const last = this.#attempt;
    if (last !== undefined && !(last.over && startedMs - last.startedMs >= FETCH_COOLDOWN_MS)) return last;
    const done = this.#fetch().then(
      () => this.#ended(false),
      (error: unknown) => this.#ended(true, error),
    );
    this.#attempt = { startedMs, done, failed: false, over: false };
    return this.#attempt;
  }

  #ended(failed: boolean, error?: unknown): void {
    this.#failing = failed;
    if (this.#attempt !== undefined) Object.assign(this.#attempt, { failed, over: true });
    if (!failed) return;
    const why = error instanceof Error ? error.message : 'the fetch failed';
    this.#parts.events.reloadFailed({
      source: 'token-keys',
      problem: `${this.#settings.issuer}: ${why}`,
      kept: this.#keys !== undefined,
    });
  }

  async #fetch(): Promise<void> {
    const { timeoutMs = FETCH_TIMEOUT_MS } = this.#settings;
    const keys = keySetFrom(await this.#parts.fetch({ signal: AbortSignal.timeout(timeoutMs) }));
    this.#fetchedMs = this.#parts.clock.monotonicMs();
    this.#seeded = false;
    // The same keys stay the same object, so that what was verified with them stays verified.
    if (keys.revision === this.#keys?.revision) return;
    this.#keys = keys;
    this.#parts.events.reloaded({ source: 'token-keys', revision: keys.revision });
  }

  #known(): KeySet {
    if (this.#keys === undefined) throw new AuthorityError('CAP-S05');
    return this.#keys;
  }
}
