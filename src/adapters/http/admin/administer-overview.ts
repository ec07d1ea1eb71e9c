// How the server fares, on one page: what is not as it should be, the numbers of now, and those of the past hour.
import type { RecentDecisions, ServerFigures } from '../../../authority/chores/server-figures.ts';
import type { PartHealth, TroubledPart } from '../../../ports/platform/health.ts';
import type { PolicyInForce } from '../observation/routes.ts';
import { demandRole, type AdministrationPart } from './administration.ts';

export interface OverviewParts {
  readonly trustDomain: string;
  readonly nowMs: () => number;
  readonly health: () => readonly PartHealth[] | Promise<readonly PartHealth[]>;
  readonly figures: () => Promise<ServerFigures>;
  readonly lately: () => RecentDecisions;
  readonly policy: () => PolicyInForce | undefined | Promise<PolicyInForce | undefined>;
}

/** The answer; moments in ms since the epoch. */
export interface Overview {
  readonly asOfMs: number;
  readonly trustDomain: string;
  /** Parts that are not as they should be. */
  readonly troubled: readonly TroubledPart[];
  readonly figures: ServerFigures;
  readonly lately: RecentDecisions;
}

export const OVERVIEW = '/overview';
export const POLICIES = '/policies';

export function administerOverview(parts: OverviewParts): AdministrationPart {
  const { trustDomain, nowMs, health, figures, lately, policy } = parts;
  return (routes) => {
    routes.get(OVERVIEW, demandRole('viewer'), async (c) => {
      const troubled = (await health()).flatMap((one) => (one.state === 'ready' ? [] : [one]));
      const overview: Overview = {
        asOfMs: nowMs(),
        trustDomain,
        troubled,
        figures: await figures(),
        lately: lately(),
      };
      return c.json(overview);
    });
    routes.get(POLICIES, demandRole('viewer'), async (c) => c.json({ asOfMs: nowMs(), inForce: await policy() }));
  };
}
