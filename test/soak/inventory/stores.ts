// Stores with an inventory of millions, made in bulk in the tables that Capstan itself has made, and what is asked of them: by the port, as
// a server asks, and over the administration socket of a server.
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { PostgresInventory } from '../../../src/adapters/storage/inventory/postgres-inventory.ts';
import { SqliteInventory } from '../../../src/adapters/storage/inventory/sqlite-inventory.ts';
import { inventoryFileOf, openInventory } from '../../../src/adapters/storage/inventory/sqlite/inventory-file.ts';
import { PostgresPool } from '../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { Inventory, InventoryKeeping } from '../../../src/ports/inventory/inventory.ts';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { fillPostgres, fillSqlite, POSTGRES, SQLITE } from '../../bench/rows/list/bulk.ts';
import { settingsOf, startJournal } from '../../peers/postgres/support/journals.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { HOUR_MS, insertEntries, proxiesOf, type Sizes } from './entries.ts';

export interface InventoriedStore extends AsyncDisposable {
  /** Of the configuration of a server on it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Opened anew; whoever opens it closes it. */
  open(): OpenedInventory;
}

export type OpenedInventory = Inventory & InventoryKeeping & AsyncDisposable;
export type MakeStore = (files: ServerFiles, sizes: Sizes, nowMs: number) => Promise<InventoriedStore>;

const OWN = 'east';
const KEPT = { cluster: OWN, sdsRenewAt: 0.5, retentionMs: 90 * 24 * HOUR_MS };
/** As of a database that somebody looks after: a quarter of 4 GiB. */
const POSTGRES_SETTINGS = { shared_buffers: '1GB', maintenance_work_mem: '512MB', max_wal_size: '8GB' };

export const sqliteStore: MakeStore = async (files, sizes, nowMs) => {
  const file = files.path('journal.db');
  const writer = new JournalWriter({ file });
  writer.open();
  writer.close();
  const inventory = inventoryFileOf(file);
  openInventory(inventory).close();
  fillSqlite(inventory, insertEntries(sizes, nowMs, SQLITE));
  fillSqlite(file, [
    `ATTACH '${inventory}' AS inventory`,
    `INSERT INTO proxies ${proxiesOf('inventory.inventory_entries', nowMs)}`,
    'DETACH inventory',
  ]);
  return {
    settings: { 'cluster.id': OWN, 'journal.store': file },
    open: () => new SqliteInventory({ clock: new SystemClock() }, { file, ...KEPT }),
    [Symbol.asyncDispose]: async () => undefined,
  };
};

export const postgresStore: MakeStore = async (files, sizes, nowMs) => {
  const cluster = await PostgresCluster.start({ settings: POSTGRES_SETTINGS });
  await (await startJournal(cluster))[Symbol.asyncDispose]();
  await fillPostgres(cluster, ['inventory_entries', 'inventory_certificates'], insertEntries(sizes, nowMs, POSTGRES));
  await fillPostgres(cluster, ['proxies'], [`INSERT INTO proxies ${proxiesOf('inventory_entries', nowMs)}`]);
  return {
    settings: {
      'cluster.id': OWN,
      'journal.store': cluster.url(),
      'journal.postgres.passwordFile': cluster.passwordFile,
      'journal.postgres.caFile': cluster.caFile,
      'listen.administration.socket': files.path('admin.sock'),
    },
    open: () => {
      const clock = new SystemClock();
      const pool = new PostgresPool({ clock }, settingsOf(cluster));
      const inventory = new PostgresInventory({ pool, clock }, KEPT);
      return Object.assign(inventory, { [Symbol.asyncDispose]: async () => pool[Symbol.asyncDispose]() });
    },
    [Symbol.asyncDispose]: async () => cluster[Symbol.asyncDispose](),
  };
};
