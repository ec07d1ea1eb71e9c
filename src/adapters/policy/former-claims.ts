// Claims that had another name once. A policy that still names one is refused with the name of today: silently absent,
// it would decide otherwise than its author wrote.
import type { ClaimName } from '../../domain/policy/request.ts';

const FORMER: ReadonlyMap<string, ClaimName> = new Map([
  ['provenBy', 'authenticationMethod'],
  ['evidence', 'credentialId'],
]);

/** @returns what to write instead of a claim's former name; nothing for any other text. */
export function formerClaimProblem(name: string): string | undefined {
  const today = FORMER.get(name);
  return today === undefined ? undefined : `the claim ${name} is called ${today} now`;
}
