// What operators are shown of revocation lists.
import type { CrlsParts } from '../../../adapters/http/admin/administer-crls.ts';
import { crlDetails, crlOverview } from '../../../authority/revocation/crl-overview.ts';
import type { CrlsInForce } from '../../../authority/revocation/crls-in-force.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Foundation } from '../foundation.ts';
import type { Revocation } from '../trust/revocation.ts';

export function composeCrlAdministration(
  { clock }: Pick<Foundation, 'clock'>,
  { revocation }: { readonly revocation: Revocation | undefined },
): CrlsParts {
  const lists = (): CrlsInForce => {
    if (revocation !== undefined) return revocation.inForce;
    const keys = 'crl.address, sds.crl or cluster.kubernetes.publish.crlConfigMap';
    throw new AuthorityError('CAP-O02', { detail: `this server makes no revocation lists: set ${keys}` });
  };
  return {
    list: async () => crlOverview({ inForce: lists(), clock }),
    show: async (id) => crlDetails({ inForce: lists(), clock }, id),
  };
}
