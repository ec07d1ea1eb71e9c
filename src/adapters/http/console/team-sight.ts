// What somebody who has no role sees as one of a team: what is of the team's namespaces.
import type { RoledOperator } from '../../../authority/administration/roles.ts';
import type { Stranger } from '../admin/administration.ts';

/** Who is of it, and what it sees. */
export interface Team {
  readonly member: string;
  readonly namespaces: readonly string[];
}

/**
 * @param isMember whether the person is whom a team names.
 * @returns a viewer of the namespaces of all of the person's teams; the stranger as before where there is none.
 */
export function asTeam(
  person: RoledOperator | Stranger,
  teams: readonly Team[],
  isMember: (member: string) => boolean,
): RoledOperator | Stranger {
  if (person.role !== 'none') return person;
  const own = teams.filter(({ member }) => isMember(member));
  if (own.length === 0) return person;
  const namespaces = [...new Set(own.flatMap((team) => team.namespaces))].sort();
  return { actor: person.actor, role: 'viewer', local: false, namespaces };
}
