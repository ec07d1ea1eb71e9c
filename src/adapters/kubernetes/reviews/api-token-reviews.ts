// TokenReview (authentication.k8s.io/v1): the API server's own word on a token, which knows of pods and service accounts
// that are gone.
import type { ReviewedToken, TokenReviews } from '../../../ports/cluster/token-reviews.ts';
import { KubernetesApiError, type ApiKind, type KubernetesApi } from '../api/kubernetes-api.ts';

const TOKEN_REVIEW: ApiKind = {
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
};
/** Less than half the time of a request: what the API server does not say by then, keys decide. */
const REVIEW_WITHIN_MS = 2_000;

export interface ApiTokenReviewsSettings {
  readonly audiences: readonly string[];
  /** REVIEW_WITHIN_MS when absent. */
  readonly withinMs?: number;
}

export class ApiTokenReviews implements TokenReviews {
  readonly #api: Pick<KubernetesApi, 'create'>;
  readonly #settings: ApiTokenReviewsSettings;

  constructor(api: Pick<KubernetesApi, 'create'>, settings: ApiTokenReviewsSettings) {
    this.#api = api;
    this.#settings = settings;
  }

  async review(token: string, { signal }: { readonly signal: AbortSignal }): Promise<ReviewedToken> {
    const { audiences, withinMs = REVIEW_WITHIN_MS } = this.#settings;
    const { apiVersion, kind } = TOKEN_REVIEW;
    const asked = { apiVersion, kind, spec: { token, audiences } };
    const late = AbortSignal.timeout(withinMs);
    try {
      const { status } = await this.#api.create(TOKEN_REVIEW, asked, { signal: AbortSignal.any([signal, late]) });
      return reviewedIn(status, audiences);
    } catch (error) {
      signal.throwIfAborted();
      if (late.aborted) return { outcome: 'unavailable', why: `the API server did not answer in ${withinMs} ms` };
      if (!(error instanceof KubernetesApiError)) throw error;
      const { message, retryAfterMs } = error;
      return { outcome: 'unavailable', why: message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    }
  }
}

/**
 * An API server that knows nothing of audiences answers without them; it has compared none, so its yes is none
 * (kubernetes/api/authentication/v1, TokenReviewStatus.audiences).
 */
function reviewedIn(status: unknown, wanted: readonly string[]): ReviewedToken {
  const { authenticated, audiences, user, error } = (status ?? {}) as TokenReviewStatus;
  if (authenticated !== true) return { outcome: 'refused', why: why(error) };
  if (!Array.isArray(audiences) || !audiences.some((audience) => wanted.includes(audience as string))) {
    return { outcome: 'refused', why: 'it is for another audience' };
  }
  return { outcome: 'confirmed', username: String(user?.username) };
}

interface TokenReviewStatus {
  readonly authenticated?: unknown;
  readonly audiences?: unknown;
  readonly user?: { readonly username?: unknown };
  readonly error?: unknown;
}

/** The API server's sentence goes to whoever shows the token: some name what they should not, so only known ones do. */
function why(error: unknown): string {
  const text = typeof error === 'string' ? error : '';
  if (text.includes('invalidated')) return 'its pod or service account is gone';
  if (text.includes('expired')) return 'it has expired';
  return text.includes('audience') ? 'it is for another audience' : 'it does not authenticate anybody';
}
