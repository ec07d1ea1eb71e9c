// A bearer token as proof of identity: the service account token that Kubernetes projects into a pod.
// Header -> remembered? -> issuer -> keys -> signature and claims -> bearer; each step refuses by name.
import { decodeJwt } from 'jose';
import type { Caller } from '../../../domain/identity/caller.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import type { AuthenticationResult, Authenticator } from '../../../ports/issuing/authenticator.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { bearerIn } from './token-claims.ts';
import { demandStrictIssuer, verifyToken, type TokenIssuer } from './jwt-verifier.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/**
 * A projected token is about 1 KiB. What is longer than this is refused here; a header of more than some
 * 100 KiB is refused by HTTP/2 itself, before any handler (a stream error, INTERNAL at the client).
 */
export const MAX_TOKEN_CHARACTERS = 16 * 1024;

/** RFC 6750 section 2.1 with the scheme in any case (RFC 9110 section 11.1). */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

export interface BearerTokenParts {
  readonly clock: Clock;
  readonly trustDomain: TrustDomain;
  readonly issuers: readonly TokenIssuer[];
}

/** @throws AuthorityError CAP-X03 for an issuer whose settings would weaken the verification. */
export function bearerTokenAuthenticator({ clock, trustDomain, issuers }: BearerTokenParts): Authenticator {
  issuers.forEach(demandStrictIssuer);
  const byName = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  const remembered = new VerifiedTokens();

  const verify = async (token: string, nowMs: number): Promise<AuthenticationResult> => {
    // Not verified yet: it only tells whose keys to use, and a stranger's name leads to no fetch.
    const issuer = byName.get(issuerNamedIn(token) ?? '');
    if (issuer === undefined) return rejected('CAP-A05', 'its issuer is not one that this server accepts');
    const verified = await verifyToken(token, issuer, nowMs);
    if ('problem' in verified) return rejected('CAP-A05', verified.problem);
    const bearer = bearerIn(verified.payload, trustDomain);
    if ('problem' in bearer) return rejected('CAP-A06', bearer.problem);
    const expiresAtMs = verified.payload.exp * 1000;
    const caller: Caller = { ...bearer, authenticationMethod: 'token', credentialId: issuer.issuer, expiresAtMs };
    remembered.remember(token, { caller, keys: verified.keys, source: issuer.keys }, expiresAtMs, nowMs);
    return { outcome: 'authenticated', caller };
  };

  return {
    authenticate: async ({ authorization }) => {
      if (authorization.length === 0) return { outcome: 'absent' };
      const token = onlyTokenIn(authorization);
      if (token === undefined) return rejected('CAP-A04');
      const nowMs = clock.nowMs();
      const caller = remembered.recall(token, nowMs);
      return caller === undefined ? verify(token, nowMs) : { outcome: 'authenticated', caller };
    },
  };
}

function onlyTokenIn(authorization: readonly string[]): string | undefined {
  const [header = '', ...others] = authorization;
  if (others.length > 0 || header.length > MAX_TOKEN_CHARACTERS + 'Bearer '.length) return undefined;
  return BEARER.exec(header)?.[1];
}

function issuerNamedIn(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    // Not a JWT at all: it has no issuer then, and is refused for that.
    return undefined;
  }
}

function rejected(reason: 'CAP-A04' | 'CAP-A05' | 'CAP-A06', detail?: string): AuthenticationResult {
  return { outcome: 'rejected', reason, ...(detail !== undefined && { detail }) };
}
