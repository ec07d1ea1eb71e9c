// What operators are shown of the inventory.
import type { InventoryParts } from '../../../adapters/http/admin/administer-inventory.ts';
import { inventoryOverview } from '../../../authority/inventory/inventory-overview.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import type { FollowedLedgers } from '../stores/followed-ledgers.ts';

interface Former {
  readonly storage: Pick<Storage, 'inventory'>;
  readonly ledgers: Pick<FollowedLedgers, 'bans'>;
}

export function composeInventoryAdministration(
  { cluster, journal }: Pick<Config, 'cluster' | 'journal'>,
  { clock, running: signal }: Pick<Foundation, 'clock' | 'running'>,
  { storage: { inventory }, ledgers: { bans } }: Former,
): InventoryParts {
  return {
    list: async (request) => {
      if (inventory === undefined) throw absent(journal);
      return inventoryOverview({ inventory, bans, clock }, { cluster: cluster.id }, request, { signal });
    },
  };
}

function absent({ store: { kind } }: Config['journal']): AuthorityError {
  return kind === 'postgres'
    ? new AuthorityError('CAP-O02', { detail: 'a server that records in PostgreSQL keeps no inventory yet' })
    : new AuthorityError('CAP-S07', { detail: 'this process keeps no inventory' });
}
