import assert from 'node:assert/strict';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SqliteInventory } from '../../../../src/adapters/storage/inventory/sqlite-inventory.ts';
import { openInventory } from '../../../../src/adapters/storage/inventory/sqlite/inventory-file.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { INVENTORY_SETTINGS, inventoryContract, type InventoriedStore } from '../../../support/contracts/inventory.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { fillSqlite, SQLITE } from '../../../bench/rows/list/bulk.ts';
import { insertEntries } from '../../../soak/inventory/entries.ts';
import { issued, NEVER } from '../sqlite/records.ts';

const WEB = 'spiffe://cluster.local/ns/shop/sa/web';
const PAGE_BYTES = 4_096;
const WAITING = { signal: NEVER };

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

  it('counts the ends of many part by part: who looks meanwhile does not wait for all of it', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'capstan-inventory-'));
    const file = path.join(directory, 'journal.sqlite');
    const writer = new JournalWriter({ file });
    writer.open();
    writer.close();
    openInventory(`${file}.inventory`).close();
    const nowMs = NOON_MS;
    const live = 60_000;
    fillSqlite(`${file}.inventory`, insertEntries({ ended: 10, live }, nowMs, SQLITE));
    const inventory = new SqliteInventory({ clock: new SystemClock() }, { file, ...INVENTORY_SETTINGS });
    try {
      const order: string[] = [];
      const question = { nowMs, fromMs: nowMs, stepMs: 3_600_000, steps: 24 };
      const counting = inventory.endsIn(question, WAITING).finally(() => order.push('counted'));
      const looking = inventory
        .page({ conditions: {}, limit: 1, nowMs, excused: [] }, WAITING)
        .finally(() => order.push('looked'));
      const [counts] = await Promise.all([counting, looking]);
      assert.equal(counts.length, 25);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        live,
      );
      assert.deepEqual(order, ['looked', 'counted']);
    } finally {
      await inventory[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    }
  }).timeout(20_000);

  describe('whose file goes while it is looked into', () => {
    let directory: string;
    let file: string;
    let inventory: SqliteInventory;

    beforeEach(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'capstan-inventory-'));
      file = path.join(directory, 'journal.sqlite');
      const writer = new JournalWriter({ file });
      writer.append([issued('one', { caller: WEB, identity: WEB, notAfterMs: NOON_MS + 3_600_000 })]);
      writer.close();
      inventory = new SqliteInventory({ clock: new SystemClock() }, { file, ...INVENTORY_SETTINGS });
      await followed();
    });
    afterEach(async () => {
      await inventory[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    });

    async function followed(): Promise<void> {
      while (!(await inventory.follow({ nowMs: NOON_MS }, WAITING)).isCurrent);
    }

    async function listed(): Promise<readonly string[]> {
      const question = { conditions: {}, limit: 10, nowMs: NOON_MS, excused: [] };
      const { entries } = await inventory.page(question, WAITING);
      return entries.map(({ identity }) => identity);
    }

    it('answers out of the one that was made again', async () => {
      assert.deepEqual(await listed(), [WEB]);
      for (const suffix of ['', '-wal', '-shm']) await rm(`${file}.inventory${suffix}`, { force: true });
      assert.deepEqual(await listed(), []);
      await followed();
      assert.deepEqual(await listed(), [WEB]);
    });

    it('has the one made again that a look finds to be of no use', async () => {
      await inventory[Symbol.asyncDispose]();
      const page = rootOf('inventory_live', `${file}.inventory`);
      const damaged = await open(`${file}.inventory`, 'r+');
      await damaged.write(Buffer.alloc(PAGE_BYTES, 0xff), 0, PAGE_BYTES, (page - 1) * PAGE_BYTES);
      await damaged.close();
      inventory = new SqliteInventory({ clock: new SystemClock() }, { file, ...INVENTORY_SETTINGS });
      await assert.rejects(listed(), /cannot be used/);
      await followed();
      assert.deepEqual(await listed(), [WEB]);
    });
  });
});

/** @returns the number of the page in which an index begins, from 1. */
function rootOf(index: string, file: string): number {
  const database = new DatabaseSync(file);
  try {
    return Number(database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(index)?.['rootpage']);
  } finally {
    database.close();
  }
}
