// Names in policies and policy tests that were renamed. What still has one is refused with the name of today: a claim
// that is silently absent would decide otherwise than its author wrote.
import type { ClaimName } from '../../domain/policy/request.ts';

const FORMER_CLAIMS: ReadonlyMap<string, ClaimName> = new Map([
  ['provenBy', 'authenticationMethod'],
  ['evidence', 'credentialId'],
]);

/** Fields of policy tests, and where claims are fields there: former name, name of today. */
const FORMER_FIELDS: ReadonlyMap<string, string> = new Map([
  ...FORMER_CLAIMS,
  ['held', 'currentCertificate'],
  ['excused', 'waived'],
]);

/** @returns what to write instead of a field's former name, where the field of today is known; else nothing. */
export function formerFieldProblem(name: string, known: readonly string[]): string | undefined {
  const today = FORMER_FIELDS.get(name);
  return today === undefined || !known.includes(today) ? undefined : `is called ${today} now`;
}

/** @returns what to write instead of a claim's former name; nothing for any other text. */
export function formerClaimProblem(name: string): string | undefined {
  const today = FORMER_CLAIMS.get(name);
  return today === undefined ? undefined : `the claim ${name} is called ${today} now`;
}
