// The thread that keeps the inventory and answers what is asked of it: neither requests nor the server's event loop wait for it, and
// between two steps of following there is room for a page.
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadAnswer } from '../../sqlite/answering-thread.ts';
import { JournalProblem } from '../../sqlite/file/journal-problem.ts';
import type { InventoryAnswer, InventoryRequest } from './inventory-protocol.ts';
import { InventoryStore, type InventorySettings } from './inventory-store.ts';

/** What a step of following takes, but for its last batch. */
const STEP_MS = 20;
/** SQLITE_CORRUPT and SQLITE_NOTADB (sqlite.org/rescode.html). */
const OF_NO_USE = [11, 26];

// Of this thread alone, on Linux (setpriority(2), "C library/kernel differences"): where processors are scarce, issuing goes first.
if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);

const settings = workerData as InventorySettings;
const store = new InventoryStore(settings);

parentPort?.on('message', (request: InventoryRequest) => parentPort?.postMessage(answer(request)));

function answer(request: InventoryRequest): ThreadAnswer<InventoryAnswer> {
  try {
    return { ok: true, value: perform(request) };
  } catch (cause) {
    if (cause instanceof JournalProblem) return { ok: false, kind: cause.kind, problem: cause.message };
    const code = (cause as { readonly errcode?: number }).errcode ?? 0;
    if (OF_NO_USE.includes(code & 0xff)) store.startAnew();
    const problem = cause instanceof Error ? cause.message : 'failed';
    return { ok: false, kind: 'place', problem: `the inventory ${settings.inventory} cannot be used: ${problem}` };
  }
}

function perform(request: InventoryRequest): InventoryAnswer {
  switch (request.kind) {
    case 'follow': {
      const untilMs = performance.now() + STEP_MS;
      return store.follow(request, () => performance.now() >= untilMs);
    }
    case 'page':
      return store.page(request.question);
    case 'ends':
      return store.endsIn(request.question);
    case 'overdue':
      return store.overdue(request.question);
    case 'reportedOverdue':
      store.reportedOverdue(request.entries);
      return null;
    case 'close':
      store[Symbol.dispose]();
      parentPort?.close();
      return null;
  }
}
