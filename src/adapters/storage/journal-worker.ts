// The writing thread of the journal: one batch, one transaction, one answer. `synchronous=FULL` makes
// COMMIT wait for the disk, so what was answered survives kill -9 and a power cut. Waiting happens
// here, off the event loop that serves clients.
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { INSERT, migrate, type Cell } from './journal-schema.ts';
import type { JournalAnswer, JournalTask, JournalWorkerData } from './journal-protocol.ts';

/** A lock held longer than this is an outage, and the caller hears of it. */
const BUSY_TIMEOUT_MS = 1_000;
/** Rows deleted in one transaction, so that pruning never blocks a commit for long. */
const PRUNE_ROWS = 5_000;

const { file } = workerData as JournalWorkerData;
let open: { readonly database: DatabaseSync; readonly insert: StatementSync } | undefined;

function connection(): NonNullable<typeof open> {
  if (open !== undefined) return open;
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    migrate(database);
    open = { database, insert: database.prepare(INSERT) };
    return open;
  } catch (error) {
    database.close();
    throw error;
  }
}

function append(rows: readonly (readonly Cell[])[]): void {
  const { database, insert } = connection();
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const row of rows) insert.run(...row);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function prune(beforeMs: number): void {
  const { database } = connection();
  const statement = database.prepare(
    `DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE timeMs < ? ORDER BY timeMs LIMIT ${PRUNE_ROWS})`,
  );
  while (Number(statement.run(beforeMs).changes) === PRUNE_ROWS);
}

function perform(task: JournalTask): void {
  if (task.kind === 'open') connection();
  else if (task.kind === 'append') append(task.rows);
  else if (task.kind === 'prune') prune(task.beforeMs);
  else {
    open?.database.close();
    open = undefined;
    parentPort?.close();
  }
}

parentPort?.on('message', (task: JournalTask) => {
  let answer: JournalAnswer = { ok: true };
  try {
    perform(task);
  } catch (error) {
    answer = { ok: false, problem: error instanceof Error ? error.message : 'unknown failure' };
  }
  parentPort?.postMessage(answer);
});
