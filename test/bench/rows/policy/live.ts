// How fast live certificates are put to the policies of today, from either store, beside what 500,000 need to be judged in a quarter of an
// hour; and how much of the server's event loop that takes, of which issuing needs the rest. BENCH_LIVE makes the stores larger.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresInventory } from '../../../../src/adapters/storage/inventory/postgres-inventory.ts';
import { SqliteInventory } from '../../../../src/adapters/storage/inventory/sqlite-inventory.ts';
import { PostgresPool } from '../../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { InventoryKeeping } from '../../../../src/ports/inventory/inventory.ts';
import { settingsOf, startJournal } from '../../../peers/postgres/support/journals.ts';
import { INVENTORY_SETTINGS } from '../../../support/contracts/inventory.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import type { Benchmark, Context } from '../../benchmark.ts';
import { row, type Row } from '../../measurement.ts';
import { runForJson, SERVER_CORE } from '../../processes.ts';
import { liveRecord } from './live-records.ts';

interface Judged {
  readonly perSecond: number;
  readonly loopPercent: number;
  readonly rssMiB: number;
}

const NAME = 'policy.live';
const LOOP = path.join(import.meta.dirname, 'live-loop.ts');
const LIVE = Number(process.env['BENCH_LIVE'] ?? 100_000);
const BATCH = 1_000;
const NEEDED_PER_SECOND = 500_000 / 900;
const MOST_PERCENT = 10;
/** Of the seconds of other rows: it rests ten times as long as it works. */
const LONGER = 5;
const FILLED_WITHIN_MS = 600_000;
const STORES = ['sqlite', 'postgres'] as const;
const NEVER = { signal: new AbortController().signal };

export const liveBenchmark: Benchmark = {
  rows: STORES.flatMap((store) => [`${NAME}.${store}`, `${NAME}.${store}.loop`]),
  needsGo: false,
  run: async (context) => [...(await ofSqlite(context)), ...(await ofPostgres(context))],
};

async function ofSqlite(context: Context): Promise<readonly Row[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'capstan-live-'));
  try {
    const file = path.join(folder, 'journal.db');
    const writer = new JournalWriter({ file });
    for (const records of batches()) writer.append(records);
    writer.close();
    {
      await using inventory = new SqliteInventory({ clock: new SystemClock() }, { file, ...INVENTORY_SETTINGS });
      await untilCurrent(inventory);
    }
    return await measured('sqlite', file, context);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A missing PostgreSQL is said, not hidden; REQUIRE_PEERS=1 makes it a failure. */
async function ofPostgres(context: Context): Promise<readonly Row[]> {
  if (findPostgres() === undefined) {
    if (process.env['REQUIRE_PEERS'] === '1') throw new Error('REQUIRE_PEERS=1, but PostgreSQL is absent');
    console.error(`skipped: ${NAME}.postgres: PostgreSQL is absent`);
    return [];
  }
  await using cluster = await PostgresCluster.start();
  {
    await using started = await startJournal(cluster);
    for (const records of batches()) {
      await Promise.all(records.map(async (record) => started.journal.append(record, NEVER)));
    }
    const clock = new SystemClock();
    await using pool = new PostgresPool({ clock }, settings(cluster));
    await untilCurrent(new PostgresInventory({ pool, clock }, INVENTORY_SETTINGS));
  }
  await cluster.query('VACUUM ANALYZE');
  return await measured('postgres', JSON.stringify(settings(cluster)), context);
}

function settings(cluster: PostgresCluster) {
  return settingsOf(cluster, { statementTimeout: 60_000 });
}

function* batches() {
  const nowMs = Date.now();
  for (let first = 0; first < LIVE; first += BATCH) {
    yield Array.from({ length: Math.min(BATCH, LIVE - first) }, (_, index) => liveRecord(first + index, nowMs));
  }
}

/** A machine that is busy for a moment may be late with an answer. */
async function untilCurrent(inventory: InventoryKeeping): Promise<void> {
  const isCurrent = async (): Promise<boolean> =>
    inventory.follow({ nowMs: Date.now() }, NEVER).then(
      (progress) => progress.isCurrent,
      () => false,
    );
  const deadlineMs = performance.now() + FILLED_WITHIN_MS;
  while (!(await isCurrent())) {
    if (performance.now() > deadlineMs) throw new Error('the inventory was not taken in');
    await sleep(1);
  }
}

async function measured(
  store: (typeof STORES)[number],
  place: string,
  { rounds, seconds }: Context,
): Promise<readonly Row[]> {
  const all: Judged[] = [];
  for (let round = 0; round < rounds; round += 1) {
    all.push(await runForJson<Judged>(SERVER_CORE, process.execPath, [LOOP, String(LONGER * seconds), place]));
  }
  const rss = Math.max(...all.map(({ rssMiB }) => rssMiB));
  console.error(`${NAME}.${store}: ${Math.round(rss)} MiB at most, of ${LIVE} live certificates`);
  const [rates, shares] = [all.map(({ perSecond }) => perSecond), all.map(({ loopPercent }) => loopPercent)];
  const needed = { name: '500,000 in a quarter of an hour', values: [NEEDED_PER_SECOND] };
  return [
    row(`${NAME}.${store}`, 'judged/s', rates, needed),
    row(`${NAME}.${store}.loop`, '% of the event loop', shares, { name: 'at most', values: [MOST_PERCENT] }),
  ];
}
