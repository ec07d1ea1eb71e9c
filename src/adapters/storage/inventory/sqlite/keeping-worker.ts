// The thread that keeps the inventory: neither requests nor the server's event loop wait for it.
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { answered } from './inventory-answering.ts';
import type { InventoryAnswer, KeepingRequest } from './inventory-protocol.ts';
import { InventoryStore, type InventorySettings } from './inventory-store.ts';

/** What a step of following takes, but for its last batch. */
const STEP_MS = 20;

// Of this thread alone, on Linux (setpriority(2), "C library/kernel differences"): where processors are scarce, issuing goes first.
if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);

const settings = workerData as InventorySettings;
const store = new InventoryStore(settings);
const { inventory } = settings;
const startAnew = (): void => store.startAnew();

parentPort?.on('message', (request: KeepingRequest) => {
  parentPort?.postMessage(answered({ inventory, startAnew }, () => perform(request)));
});

function perform(request: KeepingRequest): InventoryAnswer {
  switch (request.kind) {
    case 'follow': {
      const untilMs = performance.now() + STEP_MS;
      return store.follow(request, () => performance.now() >= untilMs);
    }
    case 'overdue':
      return store.overdue(request.question);
    case 'reportedOverdue':
      store.reportedOverdue(request.entries);
      return null;
    case 'newPairs':
      return store.newPairs(request.question);
    case 'close':
      store[Symbol.dispose]();
      parentPort?.close();
      return null;
  }
}
