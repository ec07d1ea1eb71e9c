// Which tokens the API server itself has confirmed. It is asked once for a token, however many calls show it at a time,
// and never faster than it was agreed: what cannot be asked now is judged by keys alone.
import { hash } from 'node:crypto';
import { Recent } from '../../../../domain/bounded/recent.ts';
import { NEVER, orAborted } from '../../../../live/abortable.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { Events } from '../../../../ports/platform/events.ts';
import type { ReviewedToken, TokenReviews } from '../../../../ports/cluster/token-reviews.ts';

/** About 20 MB. Beyond it the oldest are asked about again. */
export const MAX_REMEMBERED_REVIEWS = 100_000;
/** A refusal is asked about again after this long: who shows the token all the time costs the API server little. */
export const REFUSED_FOR_MS = 10_000;
/** After a failure the API server is left alone for so long, or as long as it asks: nobody waits for what will not come. */
export const PAUSE_MS = 5_000;

export interface ReviewedTokensParts {
  readonly clock: Clock;
  readonly reviews: TokenReviews;
  readonly events: Pick<Events, 'tokenReviewed'>;
}

export interface ReviewSettings {
  /** Reviews that may begin each second, in the long run ... */
  readonly perSecond: number;
  /** ... and at once. As many may be under way. */
  readonly burst: number;
}

interface Remembered {
  readonly reviewed: ReviewedToken;
  readonly untilMs: number;
}

const TOO_MANY: ReviewedToken = { outcome: 'unavailable', why: 'too many tokens are to be reviewed' };
const PAUSED: ReviewedToken = { outcome: 'unavailable', why: 'the API server did not answer a moment ago' };

export class ReviewedTokens {
  readonly #parts: ReviewedTokensParts;
  readonly #settings: ReviewSettings;
  /** By the SHA-256 of the token: the token itself is not kept. */
  readonly #remembered = new Recent<Remembered>(MAX_REMEMBERED_REVIEWS);
  /** As `#remembered`; bounded by `burst`. */
  readonly #underWay = new Map<string, Promise<ReviewedToken>>();
  #places: number;
  #filledMs: number;
  #pausedUntilMs = 0;
  #problem: string | undefined;

  constructor(parts: ReviewedTokensParts, settings: ReviewSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#places = settings.burst;
    this.#filledMs = parts.clock.monotonicMs();
  }

  /** Why the last review was not answered, in words for an operator; nothing once one is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * @param asked.anew ask although it was confirmed before.
   * @param asked.expiresAtMs the token's own end: what is known of it is known until then.
   * @returns what the API server says; never throws but the signal's reason, and the review goes on for others then.
   */
  async review(
    token: string,
    asked: { readonly anew: boolean; readonly expiresAtMs: number },
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ReviewedToken> {
    const digest = hash('sha256', token, 'base64');
    const known = this.#remembered.get(digest);
    const counts = known !== undefined && this.#parts.clock.nowMs() < known.untilMs;
    if (counts && (!asked.anew || known.reviewed.outcome === 'refused')) return known.reviewed;
    const underWay = this.#underWay.get(digest) ?? this.#begin(digest, token, asked.expiresAtMs);
    return 'outcome' in underWay ? underWay : orAborted(underWay, signal);
  }

  #begin(digest: string, token: string, expiresAtMs: number): ReviewedToken | Promise<ReviewedToken> {
    const instead = this.#isPaused ? PAUSED : this.#takePlace();
    if (instead !== undefined) {
      this.#parts.events.tokenReviewed({ outcome: 'skipped' });
      return instead;
    }
    const review = this.#ask(digest, token, expiresAtMs).finally(() => this.#underWay.delete(digest));
    this.#underWay.set(digest, review);
    return review;
  }

  /** After a failure and a pause one review finds out for all others. */
  get #isPaused(): boolean {
    const probing = this.#problem !== undefined && this.#underWay.size > 0;
    return probing || this.#parts.clock.monotonicMs() < this.#pausedUntilMs;
  }

  async #ask(digest: string, token: string, expiresAtMs: number): Promise<ReviewedToken> {
    const { reviews, clock, events } = this.#parts;
    const reviewed = await reviews.review(token, { signal: NEVER });
    events.tokenReviewed({ outcome: reviewed.outcome });
    this.#problem = reviewed.outcome === 'unavailable' ? reviewed.why : undefined;
    if (reviewed.outcome === 'unavailable') {
      this.#pausedUntilMs = clock.monotonicMs() + Math.max(PAUSE_MS, reviewed.retryAfterMs ?? 0);
    } else {
      const untilMs = reviewed.outcome === 'confirmed' ? expiresAtMs : clock.nowMs() + REFUSED_FOR_MS;
      this.#remembered.set(digest, { reviewed, untilMs });
    }
    return reviewed;
  }

  /** @returns nothing when it may begin now. */
  #takePlace(): ReviewedToken | undefined {
    const { perSecond, burst } = this.#settings;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#places = Math.min(burst, this.#places + ((nowMs - this.#filledMs) / 1_000) * perSecond);
    this.#filledMs = nowMs;
    if (this.#places < 1 || this.#underWay.size >= burst) return TOO_MANY;
    this.#places -= 1;
    return undefined;
  }
}
