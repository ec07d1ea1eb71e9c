// Lists of a journal of ten million decisions, from either store: of every kind of question, the time that 99 of 100 take
// at most, beside the 50 ms that it may be. BENCH_RECORDS makes it smaller; the names of the rows stay.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresJournalReader } from '../../../../src/adapters/storage/postgres/postgres-journal-reader.ts';
import { SqliteJournalReader } from '../../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { IssuanceJournalReader } from '../../../../src/ports/storage/issuance-journal.ts';
import { settingsOf, startJournal } from '../../../peers/postgres/support/journals.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import type { Benchmark } from '../../benchmark.ts';
import { row, type Row } from '../../measurement.ts';
import { insertRecords, questions, type Dialect } from './list-records.ts';

const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 10_000_000);
const MOST_MS = 50;
/** Of each kind of question, in each round. */
const ASKED = 50;
const WAITING = { signal: new AbortController().signal };
const STORES = ['sqlite', 'postgres'] as const;

const SQLITE: Dialect = {
  numbers: (count) =>
    `(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) SELECT i FROM n)`,
  integer: 'INTEGER',
  hex: (number, digits) => `printf('%0${digits}x', ${number})`,
};
const POSTGRES: Dialect = {
  numbers: (count) => `(SELECT generate_series(0, ${count - 1}) AS i)`,
  integer: 'bigint',
  hex: (number, digits) => `lpad(to_hex(${number}), ${digits}, '0')`,
};

export const listBenchmark: Benchmark = {
  rows: STORES.map((store) => `journal.list10M.p99.${store}`),
  needsGo: false,
  run: async ({ rounds }) => [...(await ofSqlite(rounds)), ...(await ofPostgres(rounds))],
};

async function ofSqlite(rounds: number): Promise<readonly Row[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'capstan-list-'));
  try {
    const file = path.join(folder, 'journal.db');
    const writer = new JournalWriter({ file });
    writer.open();
    writer.close();
    fill(file);
    using reader = await SqliteJournalReader.open(file, WAITING);
    return [await measured('sqlite', reader, rounds)];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Indexes are made afterwards, in a fraction of the time. */
function fill(file: string): void {
  using database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000');
  const indexes = database
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    .all();
  for (const { name } of indexes) database.exec(`DROP INDEX ${String(name)}`);
  database.exec(insertRecords(RECORDS, SQLITE));
  for (const { sql } of indexes) database.exec(String(sql));
  database.exec('PRAGMA journal_mode = WAL');
}

/** A missing PostgreSQL is said, not hidden; REQUIRE_PEERS=1 makes it a failure. */
async function ofPostgres(rounds: number): Promise<readonly Row[]> {
  if (findPostgres() === undefined) {
    if (process.env['REQUIRE_PEERS'] === '1') throw new Error('REQUIRE_PEERS=1, but PostgreSQL is absent');
    console.error('skipped: journal.list10M.p99.postgres: PostgreSQL is absent');
    return [];
  }
  await using cluster = await PostgresCluster.start({
    settings: { max_wal_size: '8GB', maintenance_work_mem: '512MB' },
  });
  await (await startJournal(cluster))[Symbol.asyncDispose]();
  const kept = `schemaname = 'public' AND tablename = 'decisions' AND indexdef NOT LIKE '%UNIQUE%'`;
  const indexes = await cluster.query(`SELECT indexname, indexdef FROM pg_indexes WHERE ${kept}`);
  for (const [name] of indexes) await cluster.query(`DROP INDEX ${name}`);
  await cluster.query(insertRecords(RECORDS, POSTGRES));
  for (const [, definition] of indexes) await cluster.query(definition ?? '');
  await cluster.query('VACUUM ANALYZE decisions');
  const settings = settingsOf(cluster, { statementTimeout: 60_000 });
  await using reader = await PostgresJournalReader.open({ clock: new SystemClock() }, settings, WAITING);
  return [await measured('postgres', reader, rounds)];
}

async function measured(store: (typeof STORES)[number], reader: IssuanceJournalReader, rounds: number): Promise<Row> {
  const random = new SeededRandom(1);
  const p99 = [];
  for (let round = 0; round < rounds; round += 1) p99.push(await roundOf(reader, () => random.fraction()));
  return row(`journal.list10M.p99.${store}`, 'ms', p99, { name: 'the 50 ms it may take', values: [MOST_MS] });
}

/** @returns in ms. */
async function roundOf(reader: IssuanceJournalReader, random: () => number): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < ASKED; turn += 1) {
    for (const query of questions(RECORDS, random)) {
      const sinceMs = performance.now();
      await reader.list(query, WAITING);
      times.push(performance.now() - sinceMs);
    }
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
}
