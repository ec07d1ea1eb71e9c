// CAs that should not be there, as the server's own look found them last. It says where private keys lie and who uses what across
// namespaces, so that viewers and teams are not among those who read it.
import type { RogueStatus } from '../../../../authority/estate/rogue-watch.ts';
import { demandRole, type AdministrationPart } from '../administration.ts';

/** @typeParam Findings as `review` tells them: handed through. */
export type RogueAnswer<Findings = unknown> =
  | ({ readonly configured: true } & RogueStatus<Findings>)
  /** Nothing is looked through. */
  | { readonly configured: false; readonly nowMs: number };

export interface RogueParts {
  readonly found: () => Promise<RogueAnswer>;
}

export const ROGUES = '/rogue';

export function administerRogues({ found }: RogueParts): AdministrationPart {
  return (routes) => {
    routes.get(ROGUES, demandRole('operator'), async (c) => c.json(await found()));
  };
}
