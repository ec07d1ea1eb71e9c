// Keys of a token issuer over HTTPS, from a JWKS URL or through OIDC discovery. An issuer that rolls its
// key over is noticed by the first token that names the new key; an issuer that cannot be reached is a
// reason to wait (CAP-S05) and never a reason to say that a token is bad.
import { AuthorityError } from '../../../domain/errors.ts';
import { orAborted } from '../../../live/abortable.ts';
import { every } from '../../../live/every.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { fetchableUrl, fetchJson } from './fetch-json.ts';
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
  readonly issuer: string;
  /** Where the keys are; found by discovery when absent. */
  readonly jwksUrl?: string | undefined;
  readonly caPem?: string | undefined;
  readonly timeoutMs?: number;
}

export interface FetchedKeysParts {
  readonly clock: Clock;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
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
  readonly #url: URL;
  #keys: KeySet | undefined;
  #fetchedMs = 0;
  /** Of the last attempt that is over. */
  #failing = false;
  /** The last attempt; one at a time, shared by all who wait. */
  #attempt: Attempt | undefined;

  /** @throws AuthorityError CAP-X03 for a URL that may not be fetched. */
  constructor(parts: FetchedKeysParts, settings: FetchedKeysSettings) {
    this.#parts = parts;
    this.#settings = settings;
    const { issuer, jwksUrl } = settings;
    this.#url =
      jwksUrl === undefined
        ? fetchableUrl(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, `the token issuer ${issuer}`)
        : fetchableUrl(jwksUrl, `the JWKS URL ${jwksUrl}`);
  }

  peek(): KeySet | undefined {
    return this.#keys;
  }

  async current(options: { readonly signal: AbortSignal }): Promise<KeySet> {
    const ageMs = this.#parts.clock.monotonicMs() - this.#fetchedMs;
    if (this.#keys !== undefined && ageMs < STALE_AFTER_MS) {
      // Not waited for: the keys at hand serve until better ones are here.
      if (ageMs >= REFRESH_AFTER_MS) this.#attemptUnlessJustDone();
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
    const ageMs = this.#parts.clock.monotonicMs() - this.#fetchedMs;
    const usable = this.#keys !== undefined && ageMs < STALE_AFTER_MS;
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
    const { caPem, jwksUrl, timeoutMs = FETCH_TIMEOUT_MS } = this.#settings;
    const options = { caPem, signal: AbortSignal.timeout(timeoutMs) };
    const url = jwksUrl === undefined ? this.#jwksUrlIn(await fetchJson(this.#url, options)) : this.#url;
    const keys = keySetFrom(await fetchJson(url, options));
    this.#fetchedMs = this.#parts.clock.monotonicMs();
    // The same keys stay the same object, so that what was verified with them stays verified.
    if (keys.revision === this.#keys?.revision) return;
    this.#keys = keys;
    this.#parts.events.reloaded({ source: 'token-keys', revision: keys.revision });
  }

  /** OpenID Connect Discovery 1.0 section 4.3: the issuer in the document is exactly the one asked for. */
  #jwksUrlIn(document: unknown): URL {
    const { issuer, jwks_uri } = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
    if (issuer !== this.#settings.issuer) throw new Error('the discovery document is of another issuer');
    if (typeof jwks_uri !== 'string') throw new Error('the discovery document has no jwks_uri');
    return fetchableUrl(jwks_uri, 'jwks_uri of the discovery document');
  }

  #known(): KeySet {
    if (this.#keys === undefined) throw new AuthorityError('CAP-S05');
    return this.#keys;
  }
}
