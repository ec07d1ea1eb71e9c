// The inventory of who has a certificate, kept by one process for all that share the store.
import { KeptInventory } from '../../../authority/chores/keep-inventory.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import type { KnownInterruptions } from '../trust/interruptions.ts';

interface Former {
  readonly storage: Pick<Storage, 'inventory' | 'lease'>;
  readonly interruptions: KnownInterruptions | undefined;
}

/** Does nothing where another process of this server keeps it. */
export function composeInventory(
  { clock, events, telemetry, health, startUp, running: signal }: Foundation,
  { storage: { inventory, lease }, interruptions }: Former,
): void {
  if (inventory === undefined || interruptions === undefined) return;
  const { excused } = interruptions;
  const kept = new KeptInventory({ inventory, lease, clock, events, excused });
  telemetry.observeInventory(kept);
  health.report('inventory', () => degradedBy(kept.problem));
  startUp.at('listen', () => {
    void kept.run({ signal }).catch((cause: unknown) => events.unexpected({ where: 'inventory', cause }));
  });
}
