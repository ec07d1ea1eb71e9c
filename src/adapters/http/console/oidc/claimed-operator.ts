// Who somebody is by the claims of an ID token, and which role that gives.
import { ROLES, type Role, type RoledOperator } from '../../../../authority/administration/roles.ts';
import type { Stranger } from '../../admin/administration.ts';
import { asTeam, type Team } from '../team-sight.ts';

export interface ClaimedPeople {
  /** Whose values give roles. */
  readonly claim: string;
  readonly roles: Readonly<Record<Role, readonly string[]>>;
  readonly teams: readonly Team[];
}

export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

/** Values that are looked at; a provider that names more groups is asked for fewer. */
const MAX_VALUES = 500;
const LONGEST = 300;
const GROUP = 'group:';

/** The provider's own name for the person is the one that is never given to another (OpenID Connect Core, 5.7). */
export function claimedOperator(claims: Claims, { claim, roles, teams }: ClaimedPeople): RoledOperator | Stranger {
  const actor = `OIDC:${claims.sub}`.slice(0, LONGEST);
  const values = valuesOf(claims[claim]);
  const role = ROLES.findLast((one) => roles[one].some((value) => values.includes(value)));
  const person: RoledOperator | Stranger =
    role === undefined ? { actor, role: 'none' } : { actor, role, local: false, names: [actor] };
  const isMember = (member: string): boolean => member.startsWith(GROUP) && values.includes(member.slice(GROUP.length));
  return asTeam(person, teams, isMember);
}

/** As the person is called, for the person alone to see; cut, as it is kept with the session. */
export function calledIn(claims: Claims): string | undefined {
  const names = [claims['preferred_username'], claims['email'], claims['name']];
  const called = names.find((name) => typeof name === 'string' && name !== '') as string | undefined;
  return called?.slice(0, LONGEST);
}

function valuesOf(claim: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return values.slice(0, MAX_VALUES).filter((value) => typeof value === 'string');
}
