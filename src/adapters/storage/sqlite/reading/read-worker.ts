// The thread that reads the journal for a server: its disk waits happen here and never on the server's event loop.
// It answers each request in turn, out of all journals of the store.
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadAnswer } from '../answering-thread.ts';
import { journalProblem } from '../file/journal-problem.ts';
import { SlotQueries } from '../../slots/slot-queries.ts';
import type { ReadRequest } from './read-protocol.ts';

const file = workerData as string;
const queries = new SlotQueries(file);

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
    case 'current':
      return queries.currentCertificateOf(question.identity, question.nowMs);
    case 'leaf':
      return queries.recordOf(question);
    case 'issuers':
      return queries.issuersAt(question.nowMs);
    case 'issuedTo':
      return queries.issuedTo(question);
    case 'issuedBetween':
      return queries.issuedBetween(question);
    case 'closedPods':
      return queries.closedPods(question);
    case 'followedUntil':
      return queries.followedUntil(question.remoteCluster);
    case 'leaves':
      return queries.liveLeavesOf(question.id, question.window);
    case 'figures':
      return queries.figuresOf(question.name, question.window);
    case 'revoked':
      return queries.revokedBy(question.bans, question.window);
    case 'leafOf':
      return queries.leafOf(question.serial, question.window);
    case 'decisions':
      return queries.decisions(question);
    case 'refusedIn':
      return queries.refusedIn(question);
    case 'issuedBy':
      return queries.issuedBy(question);
    case 'closings':
      return queries.closings(question);
    case 'operations':
      return queries.operations(question);
    case 'chains':
      return queries.chains();
    case 'chainPoint':
      return queries.chainPoint(question.chain, question.sequence);
    case 'lastHeads':
      return queries.lastHeads(question);
    case 'close':
      queries[Symbol.dispose]();
      parentPort?.close();
      return undefined;
  }
}
