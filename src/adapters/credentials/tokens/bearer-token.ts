// A bearer token as proof of identity: the service account token that Kubernetes projects into a pod.
// Header -> remembered? -> verifier -> caller. What a good token is, the verifier knows.
import type { Caller } from '../../../domain/identity/caller.ts';
import type { AuthenticationResult, Authenticator } from '../../../ports/issuing/authenticator.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { TokenContext, TokenRefusal, TokenVerifier, WorkloadClaims } from './token-verifier.ts';
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
  readonly verifier: TokenVerifier;
}

export function bearerTokenAuthenticator({ clock, verifier }: BearerTokenParts): Authenticator {
  const remembered = new VerifiedTokens();

  const verify = async (token: string, context: TokenContext): Promise<AuthenticationResult> => {
    const verdict = await verifier.verify(token, context);
    if (verdict.outcome === 'refused') return rejected(verdict.reason, verdict.detail);
    const { claims, isInForce } = verdict;
    const caller = callerOf(claims);
    remembered.remember({ token, ...context }, { caller, isInForce }, claims.expiresAtMs, clock.nowMs());
    return { outcome: 'authenticated', caller };
  };

  return {
    authenticate: async ({ authorization, clusterId }, { signal }) => {
      if (authorization.length === 0) return { outcome: 'absent' };
      const token = onlyTokenIn(authorization);
      if (token === undefined) return rejected('CAP-A04');
      const context = { signal, ...(clusterId !== undefined && { clusterId }) };
      const caller = remembered.recall({ token, ...context }, clock.nowMs());
      return caller === undefined ? verify(token, context) : { outcome: 'authenticated', caller };
    },
  };
}

function callerOf({ issuer, ...facts }: WorkloadClaims): Caller {
  return { ...facts, authenticationMethod: 'token', credentialId: issuer };
}

function onlyTokenIn(authorization: readonly string[]): string | undefined {
  const [header = '', ...others] = authorization;
  if (others.length > 0 || header.length > MAX_TOKEN_CHARACTERS + 'Bearer '.length) return undefined;
  return BEARER.exec(header)?.[1];
}

function rejected(reason: 'CAP-A04' | TokenRefusal, detail?: string): AuthenticationResult {
  return { outcome: 'rejected', reason, ...(detail !== undefined && { detail }) };
}
