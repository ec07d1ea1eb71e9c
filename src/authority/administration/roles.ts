// Who may do what to a running server. Each role may do all that the ones before it may.
import { AuthorityError } from '../../domain/errors.ts';
import type { IssuerAct } from '../../domain/trust/issuer-state.ts';
import type { RotationAct } from '../../domain/trust/rotation/rotation.ts';
import type { Operator } from './issuer-acts.ts';

/** `viewer` reads; `operator` also suspends and resumes; `security` does everything. */
export const ROLES = ['viewer', 'operator', 'security'] as const;
export type Role = (typeof ROLES)[number];

export interface RoledOperator extends Operator {
  readonly role: Role;
  /** Of a team, which sees what is of its namespaces and nothing else; absent, all. */
  readonly namespaces?: readonly string[];
}

/** Who has the server's own Unix socket: it could do all that with the server's files too. */
export const LOCAL_OPERATOR: RoledOperator = { actor: 'local', role: 'security', local: true };

/** `operator` may do what can be undone. Who approves an act needs the role of who asks for it. */
export const ROLE_OF_ACT: Readonly<Record<IssuerAct, Role>> = {
  suspend: 'operator',
  resume: 'operator',
  taint: 'security',
  retire: 'security',
};

/** What changes whom a mesh trusts is for `security`; to take that back before anything is lost, for `operator` too. */
export const ROLE_OF_ANCHOR_ACT: Readonly<Record<RotationAct, Role>> = {
  start: 'security',
  advance: 'security',
  retire: 'security',
  abort: 'operator',
  bridge: 'security',
  unbridge: 'security',
};

/**
 * The second person is somebody else, and somebody whose name is known: who has the Unix socket may be anybody.
 * @throws AuthorityError CAP-O04
 */
export function demandAnother(asked: Pick<Operator, 'actor' | 'names'>, { actor, local, names = [] }: Operator): void {
  if (local)
    throw new AuthorityError('CAP-O04', { detail: 'who approves shows a client certificate, not the Unix socket' });
  const asking = new Set([asked.actor, ...(asked.names ?? [])]);
  const shared = [actor, ...names].find((name) => asking.has(name));
  if (shared !== undefined) throw new AuthorityError('CAP-O04', { detail: `${shared} asked for it` });
}

/** @param role what came from elsewhere and is no role includes none. @throws AuthorityError CAP-O01 */
export function demandRoleOf({ role }: Pick<Operator, 'role'>, least: Role): void {
  if (ROLES.findIndex((one) => one === role) >= ROLES.indexOf(least)) return;
  throw new AuthorityError('CAP-O01', { detail: `it needs the role ${least}, and the caller's is ${role}` });
}
