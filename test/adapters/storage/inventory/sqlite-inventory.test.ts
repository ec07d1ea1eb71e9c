import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SqliteInventory } from '../../../../src/adapters/storage/inventory/sqlite-inventory.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { INVENTORY_SETTINGS, inventoryContract, type InventoriedStore } from '../../../support/contracts/inventory.ts';

describe('The inventory of a SQLite journal', () => {
  inventoryContract(async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'capstan-inventory-'));
    const file = path.join(directory, 'journal.sqlite');
    const writer = new JournalWriter({ file });
    writer.open();
    const inventory = new SqliteInventory({ clock: new SystemClock() }, { file, ...INVENTORY_SETTINGS });
    const write: InventoriedStore['write'] = async ({ decisions = [], closings = [], proxies = [] }) => {
      if (decisions.length > 0) writer.append(decisions);
      if (closings.length > 0) writer.recordClosings(closings, undefined);
      if (proxies.length > 0) writer.recordEvidence({ bundles: [], proxies });
      return Promise.resolve();
    };
    return {
      inventory,
      write,
      [Symbol.asyncDispose]: async () => {
        await inventory[Symbol.asyncDispose]();
        writer.close();
        await rm(directory, { recursive: true });
      },
    };
  });
});
