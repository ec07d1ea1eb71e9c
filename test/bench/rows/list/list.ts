// Lists of a journal of ten million decisions, from either store: of every kind of question, the time that 99 of 100 take
// at most, beside the 50 ms that it may be. BENCH_RECORDS makes it smaller; the names of the rows stay.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
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
import { fillPostgres, fillSqlite, POSTGRES, SQLITE } from './bulk.ts';
import { insertRecords, questions } from './list-records.ts';

const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 10_000_000);
const MOST_MS = 50;
/** Of each kind of question, in each round. */
const ASKED = 50;
const WAITING = { signal: new AbortController().signal };
const STORES = ['sqlite', 'postgres'] as const;

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
    fillSqlite(file, [insertRecords(RECORDS, SQLITE)]);
    using reader = await SqliteJournalReader.open(file, WAITING);
    return [await measured('sqlite', reader, rounds)];
  } finally {
    await rm(folder, { recursive: true });
  }
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
  await fillPostgres(cluster, ['decisions'], [insertRecords(RECORDS, POSTGRES)]);
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
