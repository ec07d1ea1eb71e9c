// One issuer of tokens that we accept, as configured, and the settings that would weaken the verification (RFC 8725).
import { AuthorityError } from '../../../domain/errors.ts';
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '../../../domain/identity/token-algorithms.ts';
import type { KeySource } from './key-set.ts';

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
