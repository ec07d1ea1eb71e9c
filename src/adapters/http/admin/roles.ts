// Who may do what over the administration listeners. Each role may do all that the ones before it may.
import type { Operator } from '../../../authority/administration/issuer-acts.ts';

/** `viewer` reads; `operator` also suspends and resumes; `security` does everything. */
export const ROLES = ['viewer', 'operator', 'security'] as const;
export type Role = (typeof ROLES)[number];

export interface RoledOperator extends Operator {
  readonly role: Role;
}

/** Who has the server's own Unix socket: it could do all that with the server's files too. */
export const LOCAL_OPERATOR: RoledOperator = { actor: 'local', role: 'security', local: true };

export function roleIncludes(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}
