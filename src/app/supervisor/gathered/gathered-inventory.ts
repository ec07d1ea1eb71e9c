// What operators ask of the inventory where there are several workers: the first of them keeps it for all.
import type { InventoryParts } from '../../../adapters/http/admin/administer-inventory.ts';
import { INVENTORY_TOPIC } from '../../worker/topics.ts';
import type { ServingWorkers } from './ask-each.ts';
import { askFirst } from './ask-first.ts';

export function gatheredInventory(
  workers: ServingWorkers,
  { signal }: { readonly signal: AbortSignal },
): InventoryParts {
  const inFirstSlot = ['list', 'show', 'coverage', 'ends'] as const;
  const ask = askFirst<InventoryParts>(workers, INVENTORY_TOPIC, { signal, acts: [], inFirstSlot });
  return {
    list: async (request) => ask('list', request),
    show: async (asked) => ask('show', asked),
    coverage: async (asked) => ask('coverage', asked),
    ends: async () => ask('ends'),
  };
}
