// The journal's own thread: disk waits happen here and never on the server's event loop. It
// answers each request in turn and ends after a request to close.
import { parentPort, workerData } from 'node:worker_threads';
import type { ClosingRecord } from '../../../../ports/storage/closing-journal.ts';
import type { OperationRecord } from '../../../../ports/storage/operation-journal.ts';
import type { DecisionRecord } from '../../../../ports/storage/issuance-journal.ts';
import { journalProblem } from '../file/journal-problem.ts';
import type { ThreadAnswer } from '../answering-thread.ts';
import type { WriterRequest, Written } from './writer-protocol.ts';
import { JournalWriter, type WriterSettings } from './journal-writer.ts';

const settings = workerData as WriterSettings;
const writer = new JournalWriter(settings);

parentPort?.on('message', (request: WriterRequest) => parentPort?.postMessage(answer(request)));

function answer(request: WriterRequest): ThreadAnswer<Written> {
  try {
    return { ok: true, value: { removed: perform(request), inode: writer.inode } };
  } catch (cause) {
    const { kind, message } = journalProblem(settings.file, cause);
    return { ok: false, kind, problem: message };
  }
}

function perform(request: WriterRequest): number {
  switch (request.kind) {
    case 'open':
      writer.open({ known: request.known });
      return 0;
    case 'append':
      writer.append(JSON.parse(request.records) as DecisionRecord[]);
      return 0;
    case 'look':
      writer.look();
      return 0;
    case 'probe':
      writer.probe();
      return 0;
    case 'delete-before':
      return writer.deleteBefore(request.beforeMs, request.limit, request.nowMs);
    case 'keep-issuers':
      writer.keepIssuers(request.issuers, request.nowMs);
      return 0;
    case 'record-operation':
      for (const operation of JSON.parse(request.operation) as OperationRecord[]) writer.recordOperation(operation);
      return 0;
    case 'record-closings':
      writer.recordClosings(JSON.parse(request.closings) as ClosingRecord[], request.followed);
      return 0;
    case 'record-evidence':
      writer.recordEvidence(request);
      return 0;
    case 'keep-head':
      writer.keepHeads([request.head]);
      return 0;
    case 'close':
      writer.close();
      parentPort?.close();
      return 0;
  }
}
