// Tokens of one cluster's API server: verified with its keys, without a question to it, and confirmed by it as far as that
// is wanted and possible. Whether pod, service account and namespace are still there is asked at each call, elsewhere.
import type { TrustDomain } from '../../../../domain/identity/trust-domain.ts';
import type { TokenAlgorithm } from '../../../../domain/identity/token-algorithms.ts';
import { AuthorityError } from '../../../../domain/errors.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { ReviewedToken } from '../../../../ports/cluster/token-reviews.ts';
import type { KeySource } from '../key-set.ts';
import { jwtVerifier } from '../jwt-verifier.ts';
import { bearerIn, claimsOf, unverifiedClaims, type AttestingCluster } from '../token-claims.ts';
import type { TokenContext, TokenRefusal, TokenVerdict, TokenVerifier, WorkloadClaims } from '../token-verifier.ts';
import type { ReviewedTokens } from './reviewed-tokens.ts';

/**
 * When the API server is asked whether it takes a token (TokenReview): at each verification, when a token is seen for the first
 * time, only when there are no keys to judge by, or never.
 */
export const REVIEWS = ['always', 'firstSeen', 'fallback', 'never'] as const;
export type ReviewMode = (typeof REVIEWS)[number];

export interface ClusterVerifierParts {
  readonly clock: Clock;
  readonly trustDomain: TrustDomain;
  readonly keys: KeySource & { readonly issuer: string | undefined };
  readonly reviews: Pick<ReviewedTokens, 'review'>;
}

export interface ClusterVerifierSettings {
  readonly audiences: readonly string[];
  readonly review: ReviewMode;
  /** Whether a token that is bound to no pod is taken. */
  readonly unbound: boolean;
  readonly cluster: AttestingCluster;
}

/** What API servers sign with, by the kind of their key (kubernetes/pkg/serviceaccount/jwt.go). */
const ALGORITHMS: readonly TokenAlgorithm[] = ['RS256', 'ES256', 'ES384', 'ES512'];
const CLOCK_SKEW_MS = 30_000;
/** Of tokens in Secrets, which never end (kubernetes/pkg/serviceaccount/legacy.go). */
const LEGACY_ISSUER = 'kubernetes/serviceaccount';

/** A token that may be good. @property problem why keys have not verified it: then the API server has to. */
type Candidate = Extract<TokenVerdict, { readonly outcome: 'verified' }> & { readonly problem?: AuthorityError };
type Judged = Candidate | Extract<TokenVerdict, { readonly outcome: 'refused' }>;

export function clusterVerifier(parts: ClusterVerifierParts, settings: ClusterVerifierSettings): TokenVerifier {
  const offline = offlineVerifier(parts, settings);
  return {
    verify: async (token, context) => {
      const verdict: Judged = await offline(token, context).catch((error: unknown) =>
        unjudged(error, token, parts, settings),
      );
      if (verdict.outcome === 'refused') return verdict;
      if (!settings.unbound && verdict.claims.pod?.podUid === undefined) return refused('CAP-A13', UNBOUND);
      const asks = settings.review === 'always' || settings.review === 'firstSeen' || verdict.problem !== undefined;
      return asks ? confirmed(token, verdict, parts, settings, context) : verdict;
    },
  };
}

const UNBOUND = 'it names no pod';

/** The issuer's name is known no earlier than its keys, and may change with them. */
function offlineVerifier(
  { clock, trustDomain, keys }: ClusterVerifierParts,
  { audiences, cluster }: ClusterVerifierSettings,
): TokenVerifier['verify'] {
  let made: { readonly issuer: string; readonly verifier: TokenVerifier } | undefined;
  return async (token, context) => {
    if (unverifiedClaims(token)?.iss === LEGACY_ISSUER) return refused('CAP-A13', 'it is the token of a Secret');
    if (keys.issuer === undefined) await keys.current(context);
    const { issuer = '' } = keys;
    if (made?.issuer !== issuer) {
      const one = { issuer, audiences, algorithms: ALGORITHMS, clockSkewMs: CLOCK_SKEW_MS, keys };
      made = { issuer, verifier: jwtVerifier({ clock, trustDomain, issuers: [one], cluster }) };
    }
    return made.verifier.verify(token, context);
  };
}

/**
 * Without keys it is the API server's to verify: what the token says of itself counts when that takes it.
 * @throws AuthorityError what kept the keys from judging, when that was anything else.
 */
function unjudged(
  error: unknown,
  token: string,
  { trustDomain, clock }: ClusterVerifierParts,
  { cluster, review }: ClusterVerifierSettings,
): Judged {
  if (!(error instanceof AuthorityError && error.reason === 'CAP-S05') || review === 'never') throw error;
  const payload = unverifiedClaims(token);
  if (payload?.iss === undefined || payload.exp === undefined) return refused('CAP-A05', 'it is not a signed token');
  if (payload.exp * 1_000 <= clock.nowMs() - CLOCK_SKEW_MS) return refused('CAP-A05', 'it has expired');
  const bearer = bearerIn(payload, trustDomain);
  if ('problem' in bearer) return refused('CAP-A06', bearer.problem);
  const claims = claimsOf(bearer, { issuer: payload.iss, expiresAtMs: payload.exp * 1_000 }, cluster);
  return { outcome: 'verified', claims, isInForce: () => true, problem: error };
}

/** @throws AuthorityError CAP-S05 when neither keys nor the API server could judge. */
async function confirmed(
  token: string,
  verdict: Candidate,
  { reviews }: ClusterVerifierParts,
  { review: mode }: ClusterVerifierSettings,
  { signal }: TokenContext,
): Promise<TokenVerdict> {
  const { claims, problem } = verdict;
  const reviewed = await reviews.review(
    token,
    { anew: mode === 'always', expiresAtMs: claims.expiresAtMs },
    { signal },
  );
  if (reviewed.outcome === 'refused') return refused('CAP-A05', `the API server refuses it: ${reviewed.why}`);
  if (reviewed.outcome === 'unavailable' && problem !== undefined) throw problem;
  if (!isOf(claims, reviewed)) return refused('CAP-A05', 'the API server takes it for that of another');
  const tokenReview = reviewed.outcome;
  const attested = { ...claims, attestation: { ...claims.attestation, tokenReview } };
  return { outcome: 'verified', claims: attested, isInForce: mode === 'always' ? () => false : verdict.isInForce };
}

function isOf({ identity: { namespace, serviceAccount } }: WorkloadClaims, reviewed: ReviewedToken): boolean {
  return (
    reviewed.outcome !== 'confirmed' || reviewed.username === `system:serviceaccount:${namespace}:${serviceAccount}`
  );
}

function refused(reason: TokenRefusal, detail: string): Extract<TokenVerdict, { readonly outcome: 'refused' }> {
  return { outcome: 'refused', reason, detail };
}
