// The thread of a journal's check: SQLite's own quick_check, which reads every page and compares rows with the schema
// (sqlite.org/pragma.html#pragma_quick_check).
import { parentPort, workerData } from 'node:worker_threads';
import type { CheckResult } from './journal-check.ts';
import { openForReading } from './journal-file.ts';
import { journalProblem } from './journal-problem.ts';

const file = workerData as string;

parentPort?.postMessage(check());

function check(): CheckResult {
  try {
    const { database } = openForReading(file);
    const found = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    database.close();
    if (found === 'ok') return { kind: 'sound' };
    return { kind: 'damaged', problem: `the journal ${file} is corrupt (${String(found)})` };
  } catch (cause) {
    const { kind, message } = journalProblem(file, cause);
    return { kind: kind === 'file' ? 'damaged' : 'failed', problem: message };
  }
}
