// One issuer of tokens that we accept, and the verification of a token that names it (RFC 7519, RFC 8725).
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { AuthorityError } from '../../../domain/errors.ts';
import type { KeySet, KeySource } from './key-set.ts';

/** Signatures only an issuer can make; never `none`, never a shared secret. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** Clocks further apart than this are broken clocks. */
export const MAX_CLOCK_SKEW_MS = 300_000;

export interface TokenIssuer {
  /** Exactly as `iss` spells it. */
  readonly issuer: string;
  /** A token for any of these is for us. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
  readonly clockSkewMs: number;
  readonly keys: KeySource;
}

export interface VerifiedToken {
  readonly payload: JWTPayload & { readonly exp: number };
  readonly keys: KeySet;
}

/** @throws AuthorityError CAP-X03 naming the setting that would weaken the verification. */
export function demandStrictIssuer({ issuer, audiences, algorithms, clockSkewMs }: TokenIssuer): void {
  const refuse = (what: string): never => {
    throw new AuthorityError('CAP-X03', { detail: `the token issuer ${issuer} ${what}` });
  };
  if (issuer === '') refuse('has no name');
  if (audiences.length === 0) refuse('has no audience');
  if (algorithms.length === 0) refuse('has no algorithm');
  const odd = algorithms.find((algorithm) => !TOKEN_ALGORITHMS.includes(algorithm));
  if (odd !== undefined) refuse(`has the algorithm ${odd}, allowed are ${TOKEN_ALGORITHMS.join(', ')}`);
  if (!(clockSkewMs >= 0 && clockSkewMs <= MAX_CLOCK_SKEW_MS)) {
    refuse(`has a clock skew of ${clockSkewMs} ms, allowed are 0 to ${MAX_CLOCK_SKEW_MS}`);
  }
}

/**
 * @returns the token's claims, or why it is refused, in words that are safe for the caller.
 * @throws AuthorityError CAP-S05 when the issuer's keys are not to be had.
 */
export async function verifyToken(
  token: string,
  issuer: TokenIssuer,
  nowMs: number,
): Promise<VerifiedToken | { readonly problem: string }> {
  const keys = await issuer.keys.current();
  const result = await verifyWith(keys, token, issuer, nowMs);
  if (result !== 'no such key') return result;
  // The issuer may have rolled its key over since.
  const newer = await issuer.keys.newerThan(keys);
  const again = newer === undefined ? result : await verifyWith(newer, token, issuer, nowMs);
  return again === 'no such key' ? { problem: 'no key of its issuer matches' } : again;
}

async function verifyWith(keys: KeySet, token: string, issuer: TokenIssuer, nowMs: number) {
  const options = {
    issuer: issuer.issuer,
    audience: [...issuer.audiences],
    algorithms: [...issuer.algorithms],
    clockTolerance: issuer.clockSkewMs / 1000,
    currentDate: new Date(nowMs),
    requiredClaims: ['exp', 'sub'],
  };
  const verify = async (key: JWTVerifyGetKey) => {
    const { payload } = await jwtVerify(token, key, options);
    demandTypes(payload);
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

/** What jose lets pass: a number beyond all numbers (RFC 7519 section 4.1.4), and other things beside our audience (4.1.3). */
function demandTypes(payload: JWTPayload): asserts payload is VerifiedToken['payload'] {
  if (!Number.isFinite(payload.exp)) throw new errors.JWTClaimValidationFailed('not a number', payload, 'exp');
  const audiences: readonly unknown[] = [payload.aud].flat();
  if (!audiences.every((audience) => typeof audience === 'string')) {
    throw new errors.JWTClaimValidationFailed('not texts', payload, 'aud');
  }
}

/** For a token without `kid`: the matching keys one after the other; there are at most as many as a set may have. */
async function verifyWithAny(
  matching: errors.JWKSMultipleMatchingKeys,
  verify: (key: JWTVerifyGetKey) => Promise<VerifiedToken>,
): Promise<VerifiedToken> {
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
