// What operators are shown of the inventory.
import {
  MAX_DECISIONS,
  MAX_HOLDERS,
  type AskedIdentity,
  type IdentityAnswer,
  type InventoryParts,
  type ShownIdentity,
} from '../../../adapters/http/admin/administer-inventory.ts';
import { chainOf } from '../../../authority/administration/issuer-overview.ts';
import { CountedEnds } from '../../../authority/inventory/ends-ahead.ts';
import { inventoryOverview } from '../../../authority/inventory/inventory-overview.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { namespaceIn } from '../../../domain/revocation/revoked-leaves.ts';
import { certifiedOf, type NamedIssuer } from '../../../ports/issuing/issuers.ts';
import { decidedAbout, type Decided } from '../../../review/explain/decided.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import type { KnownInterruptions } from '../trust/interruptions.ts';
import type { Trust } from '../trust/trust.ts';
import type { FollowedLedgers } from '../stores/followed-ledgers.ts';

interface Former {
  readonly storage: Pick<Storage, 'inventory' | 'newest'>;
  readonly trust: Pick<Trust, 'issuers'>;
  readonly ledgers: Pick<FollowedLedgers, 'bans'>;
  readonly interruptions: KnownInterruptions | undefined;
}

export function composeInventoryAdministration(
  { cluster }: Pick<Config, 'cluster'>,
  { clock, running: signal }: Pick<Foundation, 'clock' | 'running'>,
  { storage: { inventory, newest }, ledgers: { bans }, trust: { issuers }, interruptions }: Former,
): Omit<InventoryParts, 'coverage'> {
  const excused = () => interruptions?.excused() ?? [];
  const counted = inventory && new CountedEnds({ inventory, clock });
  const list: InventoryParts['list'] = async (request) => {
    const parts = { inventory: kept(inventory), bans, clock, excused };
    return inventoryOverview(parts, { cluster: cluster.id }, request, { signal });
  };
  const show = async ({ identity, after, namespaces }: AskedIdentity): Promise<ShownIdentity<Decided>> => {
    const isSeen = (one: string): boolean => namespaces?.includes(namespaceIn(one) ?? '') ?? true;
    if (!isSeen(identity)) throw new AuthorityError('CAP-O01', { detail: 'the identity is of another namespace' });
    const holders = await list({ conditions: { identity }, limit: MAX_HOLDERS, ...(after && { after }) });
    const records = await newest.list({ identity, limit: MAX_DECISIONS }, { signal });
    // A node proxy asks for others too.
    const decisions = records.map(decidedAbout).filter(({ subject }) => subject === identity || isSeen(subject));
    const closings = await newest.closings({ identity, limit: MAX_DECISIONS }, { signal });
    return { ...holders, chains: chainsOf(issuers.all(), holders.rows), decisions, closings };
  };
  return { list, show, ends: async () => kept(counted).ahead({ signal }) };
}

function kept<T>(part: T | undefined): T {
  if (part === undefined) throw new AuthorityError('CAP-S07', { detail: 'this process keeps no inventory' });
  return part;
}

/** Of what signs now, and signed one of these: a former certificate of an issuer is in force no more. */
function chainsOf(issuers: readonly NamedIssuer[], rows: IdentityAnswer['rows']): IdentityAnswer['chains'] {
  const signed = new Set(rows.map(({ issuer }) => issuer));
  const chains = issuers.map((named) => [certifiedOf(named.state)?.id ?? '', chainOf(named)] as const);
  return Object.fromEntries(chains.filter(([id]) => signed.has(id)));
}
