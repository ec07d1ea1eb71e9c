// The thread that reads the journal: its disk waits and long queries happen here and never on the server's event loop.
// It answers each request in turn.
import { parentPort, workerData } from 'node:worker_threads';
import type { JournalConditions } from '../../../../ports/storage/issuance-journal.ts';
import type { DecisionValues } from '../../records.ts';
import type { ThreadAnswer } from '../answering-thread.ts';
import { journalProblem, JournalProblem } from '../file/journal-problem.ts';
import { JournalQueries } from './journal-queries.ts';
import { BATCH, MAX_SCANS, type ReadRequest } from './read-protocol.ts';

interface Scan {
  /** Of its own: on one handle every other question would see the journal as it was when the scan began. */
  readonly queries: JournalQueries;
  readonly records: Iterator<DecisionValues, void>;
}

const file = workerData as string;
const queries = new JournalQueries(file);
const scans = new Map<number, Scan>();
let lastScan = 0;

parentPort?.on('message', (request: ReadRequest) => parentPort?.postMessage(answer(request)));

function answer(request: ReadRequest): ThreadAnswer<unknown> {
  try {
    return { ok: true, value: perform(request) };
  } catch (cause) {
    const { kind, message } = journalProblem(file, cause);
    return { ok: false, kind, problem: message };
  }
}

function perform({ kind, question }: ReadRequest): unknown {
  switch (kind) {
    case 'open':
      queries.open();
      return undefined;
    case 'current':
      return queries.currentCertificateOf(question.identity, question.nowMs);
    case 'leaf':
      return queries.recordOf(question);
    case 'issuers':
      return queries.issuersAt(question.nowMs);
    case 'list':
      return queries.list(question);
    case 'count':
      return queries.count(question);
    case 'operations':
      return queries.operations(question);
    case 'scan':
      return begin(question);
    case 'next':
      return next(question.scan);
    case 'stop':
      stop(question.scan);
      return undefined;
    case 'close':
      for (const scan of scans.keys()) stop(scan);
      queries[Symbol.dispose]();
      parentPort?.close();
      return undefined;
  }
}

function begin(conditions: JournalConditions): number {
  if (scans.size >= MAX_SCANS) throw new JournalProblem('place', `${MAX_SCANS} others go through the journal already`);
  const own = new JournalQueries(file);
  lastScan += 1;
  scans.set(lastScan, { queries: own, records: own.scan(conditions) });
  return lastScan;
}

/** A scan that cannot go on, or is at its end, is over. */
function next(number: number): readonly DecisionValues[] {
  const batch: DecisionValues[] = [];
  try {
    const records = scans.get(number)?.records;
    for (let read = records?.next(); read?.done === false; read = records?.next()) {
      if (batch.push(read.value) === BATCH) break;
    }
  } catch (cause) {
    stop(number);
    throw cause;
  }
  if (batch.length < BATCH) stop(number);
  return batch;
}

function stop(number: number): void {
  const scan = scans.get(number);
  scans.delete(number);
  scan?.records.return?.();
  scan?.queries[Symbol.dispose]();
}
