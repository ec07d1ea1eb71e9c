// Tokens as JWTs (RFC 7519, RFC 8725), verified with the published keys of the issuer that they name.
// Issuer -> keys -> signature and claims -> workload; each step refuses by name.
import { errors, UnsecuredJWT, type JWTPayload } from 'jose';
import { AuthorityError } from '../../../domain/errors.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { KeySet } from './key-set.ts';
import { bearerIn, claimsOf, unverifiedClaims, type AttestingCluster } from './token-claims.ts';
import { demandStrictIssuer, type TokenIssuer } from './token-issuer.ts';
import { signedPayload, type ResolveKey } from './token-signature.ts';
import type { TokenRefusal, TokenVerdict, TokenVerifier } from './token-verifier.ts';

export interface JwtVerifierParts {
  readonly clock: Clock;
  readonly trustDomain: TrustDomain;
  readonly issuers: readonly TokenIssuer[];
  /** Whose API server the issuers are; absent where nobody can be asked later whether the bearer is still there. */
  readonly cluster?: AttestingCluster;
}

/** @throws AuthorityError CAP-X03 for an issuer whose settings would weaken the verification. */
export function jwtVerifier({ clock, trustDomain, issuers, cluster }: JwtVerifierParts): TokenVerifier {
  issuers.forEach(demandStrictIssuer);
  const byName = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  return {
    verify: async (token, options) => {
      // Not verified yet: it only tells whose keys to use, and a stranger's name leads to no fetch.
      const issuer = byName.get(issuerNamedIn(token) ?? '');
      if (issuer === undefined) return refused('CAP-A05', 'its issuer is not one that this server accepts');
      const verified = await verifyToken(token, issuer, clock, options);
      if ('problem' in verified) return refused('CAP-A05', verified.problem);
      const { payload, keys } = verified;
      const bearer = bearerIn(payload, trustDomain);
      if ('problem' in bearer) return refused('CAP-A06', bearer.problem);
      return {
        outcome: 'verified',
        claims: claimsOf(bearer, { issuer: issuer.issuer, expiresAtMs: payload.exp * 1000 }, cluster),
        isInForce: () => issuer.keys.peek() === keys,
      };
    },
  };
}

interface VerifiedJwt {
  readonly payload: JWTPayload & { readonly exp: number };
  readonly keys: KeySet;
}

function issuerNamedIn(token: string): string | undefined {
  return unverifiedClaims(token)?.iss;
}

function refused(reason: TokenRefusal, detail: string): TokenVerdict {
  return { outcome: 'refused', reason, detail };
}

/**
 * @returns the token's claims, or why it is refused, in words that are safe for the caller.
 * @throws AuthorityError CAP-S05 when the issuer's keys are not to be had, or the signal's reason.
 */
async function verifyToken(
  token: string,
  issuer: TokenIssuer,
  clock: Pick<Clock, 'nowMs'>,
  options: { readonly signal: AbortSignal },
): Promise<VerifiedJwt | { readonly problem: string }> {
  const keys = await issuer.keys.current(options);
  // The time is that of the verification: to fetch keys may have taken longer than the token had left.
  const result = await verifyWith(keys, token, issuer, clock.nowMs());
  if (result !== 'no such key') return result;
  // The issuer may have rolled its key over since.
  const newer = await issuer.keys.newerThan(keys, options);
  const again = newer === undefined ? result : await verifyWith(newer, token, issuer, clock.nowMs());
  return again === 'no such key' ? { problem: 'no key of its issuer matches' } : again;
}

async function verifyWith(keys: KeySet, token: string, issuer: TokenIssuer, nowMs: number) {
  const verify = async (resolve: ResolveKey) => {
    const payload = claimsIn(await signedPayload(token, issuer.algorithms, resolve), issuer, nowMs);
    return { payload, keys };
  };
  try {
    return await verify(keys.resolve).catch(async (error: unknown) => {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      return verifyWithAny(error, verify);
    });
  } catch (error) {
    return refusalOf(error);
  }
}

/** `{"alg":"none"}` */
const UNSECURED = 'eyJhbGciOiJub25lIn0';

/**
 * @param payload of which the signature was verified. jose's checks of claims are for a token that has a signature for
 *   WebCrypto, or none: they get these as a token that has none.
 * @throws JOSEError for a claim that is not acceptable.
 */
function claimsIn(payload: string, issuer: TokenIssuer, nowMs: number): VerifiedJwt['payload'] {
  const { payload: claims } = UnsecuredJWT.decode(`${UNSECURED}.${payload}.`, {
    issuer: issuer.issuer,
    audience: [...issuer.audiences],
    clockTolerance: issuer.clockSkewMs / 1000,
    currentDate: new Date(nowMs),
    requiredClaims: ['exp', 'sub'],
  });
  demandTypes(claims);
  return claims;
}

/** What jose lets pass: a number beyond all numbers (RFC 7519 section 4.1.4), and other things beside our audience (4.1.3). */
function demandTypes(payload: JWTPayload): asserts payload is VerifiedJwt['payload'] {
  if (!Number.isFinite(payload.exp)) throw new errors.JWTClaimValidationFailed('not a number', payload, 'exp');
  const audiences: readonly unknown[] = [payload.aud].flat();
  if (!audiences.every((audience) => typeof audience === 'string')) {
    throw new errors.JWTClaimValidationFailed('not texts', payload, 'aud');
  }
}

/** For a token without `kid`: the matching keys one after the other; there are at most as many as a set may have. */
async function verifyWithAny(
  matching: errors.JWKSMultipleMatchingKeys,
  verify: (resolve: ResolveKey) => Promise<VerifiedJwt>,
): Promise<VerifiedJwt> {
  for await (const key of matching) {
    try {
      return await verify(async () => key);
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

function refusalOf(error: unknown): 'no such key' | { readonly problem: string } {
  if (error instanceof errors.JWKSNoMatchingKey) return 'no such key';
  if (error instanceof errors.JWTExpired) return { problem: 'it has expired' };
  if (error instanceof errors.JWTClaimValidationFailed)
    return { problem: `its claim ${error.claim} is not acceptable` };
  if (error instanceof errors.JOSEAlgNotAllowed) return { problem: 'its algorithm is not allowed' };
  if (error instanceof errors.JWSSignatureVerificationFailed) return { problem: 'its signature does not verify' };
  if (error instanceof errors.JOSEError) return { problem: 'it is not a well-formed signed token' };
  // Whatever the token says cannot lead here; a published key that is broken does.
  throw new AuthorityError('CAP-S05', { detail: 'a published key is unusable', cause: error });
}
