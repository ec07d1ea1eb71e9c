// What becomes of an issuer that should live longer: a new one is refused; one that has signed here signs on, with leaves that
// get shorter as its end comes near, so that an upgrade of the server is no outage.
import { AuthorityError } from '../../../domain/errors.ts';
import type { IssuerBounds } from '../../../domain/issuance/chosen-issuer.ts';
import { LEAVES_IN_ISSUER, lifetimeProblem } from '../../../domain/trust/lifetime-relations.ts';
import type { Issuer } from '../../../domain/x509/issuer.ts';

export interface LifetimeQuestion {
  /** What an operator calls the chain. */
  readonly place: string;
  /** Of the leaves that it may be asked for, in ms. */
  readonly longestLeafMs: number;
  /** Whether this CA signs with it already, or did before this start. */
  readonly signs: () => boolean | Promise<boolean>;
}

/**
 * @returns why an issuer that is in force already should live longer; nothing when it lives long enough.
 * @throws AuthorityError CAP-X03 for the same of one that is not.
 */
export async function shortLife(
  issuer: Issuer,
  { place, longestLeafMs, signs }: LifetimeQuestion,
): Promise<string | undefined> {
  const problem = lifetimeProblem(issuer, longestLeafMs);
  if (problem === undefined || (await signs())) return problem;
  throw new AuthorityError('CAP-X03', { detail: `${place} has another lifetime than it needs: ${problem}` });
}

export function boundsWith(bounds: IssuerBounds, short: string | undefined): IssuerBounds {
  return short === undefined ? bounds : { ...bounds, shareOfRest: 1 / LEAVES_IN_ISSUER };
}

export function formatShort(problem: string): string {
  return `leaves get no more than a sixth of what the issuer has left, because ${problem}; a server that has not signed with it refuses it`;
}
