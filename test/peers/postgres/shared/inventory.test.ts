// The inventory of all servers of a shared store, against a real database.
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresInventory } from '../../../../src/adapters/storage/inventory/postgres-inventory.ts';
import { PostgresClosings } from '../../../../src/adapters/storage/postgres/shared/postgres-closings.ts';
import { PostgresEvidenceRecords } from '../../../../src/adapters/storage/postgres/shared/postgres-evidence-records.ts';
import { PostgresLease } from '../../../../src/adapters/storage/postgres/shared/postgres-lease.ts';
import { NEVER } from '../../../adapters/storage/sqlite/records.ts';
import { INVENTORY_SETTINGS, inventoryContract, type InventoriedStore } from '../../../support/contracts/inventory.ts';
import { SharedStore } from './shared-store.ts';

const WAITING = { signal: NEVER };
const LEASE = 'journal';

describe('The inventory of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();

  function opened(): PostgresInventory {
    const parts = { database: store.database, clock: new SystemClock() };
    return new PostgresInventory(parts, { ...INVENTORY_SETTINGS, connection: store.settings });
  }

  const write: InventoriedStore['write'] = async ({ decisions = [], closings = [], proxies = [] }) => {
    const { database } = store;
    for (const record of decisions) await store.journal(LEASE).append(record, WAITING);
    if (closings.length > 0) {
      await using lease = new PostgresLease({ database, clock: new SystemClock() }, { name: LEASE, holder: 'a test' });
      const { epoch } = await lease.acquire(WAITING);
      await new PostgresClosings({ database }, { leaseName: LEASE }).recordClosings(closings, undefined, { epoch, ...WAITING });
    }
    await new PostgresEvidenceRecords({ database }).recordEvidence({ bundles: [], proxies }, WAITING);
  };

  inventoryContract(async () => {
    const inventory = opened();
    return Promise.resolve({ inventory, write, [Symbol.asyncDispose]: async () => inventory[Symbol.asyncDispose]() });
  });
});
