// Administration of revocation lists: which are at hand, whole where one is wanted, and whether peers are given them. Lists are
// public; what is missing is not.
import type { CrlDetails, CrlOverview } from '../../../authority/revocation/crl-overview.ts';
import { demandRole, type AdministrationPart } from './administration.ts';

export interface CrlsParts {
  readonly list: () => Promise<CrlOverview>;
  /** @param id as `CrlRow.id`, or its `sha256`. */
  readonly show: (id: string) => Promise<CrlDetails>;
}

export const CRLS = '/crls';

export function administerCrls({ list, show }: CrlsParts): AdministrationPart {
  return (routes) => {
    routes.get(CRLS, demandRole('viewer'), async (c) => c.json(await list()));
    routes.get(`${CRLS}/:id`, demandRole('viewer'), async (c) => c.json(await show(c.req.param('id'))));
  };
}
