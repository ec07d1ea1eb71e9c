// The inventory of who has a certificate, kept by one process for all that share the store.
import { KeptInventory } from '../../../authority/chores/keep-inventory.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';

/** Does nothing where another process of this server keeps it. */
export function composeInventory(
  { clock, events, telemetry, health, startUp, running: signal }: Foundation,
  { inventory, lease }: Pick<Storage, 'inventory' | 'lease'>,
): void {
  if (inventory === undefined) return;
  const kept = new KeptInventory({ inventory, lease, clock, events });
  telemetry.observeInventory(kept);
  health.report('inventory', () => degradedBy(kept.problem));
  startUp.at('listen', () => {
    void kept.run({ signal }).catch((cause: unknown) => events.unexpected({ where: 'inventory', cause }));
  });
}
