// The thread that answers who looks into the inventory. Its priority is that of the server: a page is quick, and somebody waits for it.
import { parentPort, workerData } from 'node:worker_threads';
import { answered } from './inventory-answering.ts';
import { InventoryPages } from './inventory-pages.ts';
import type { InventoryAnswer, LookingRequest } from './inventory-protocol.ts';
import type { InventorySettings } from './inventory-store.ts';

const settings = workerData as InventorySettings;
const pages = new InventoryPages(settings);
const { inventory } = settings;
const startAnew = (): void => pages.startAnew();

parentPort?.on('message', (request: LookingRequest) => {
  parentPort?.postMessage(answered({ inventory, startAnew }, () => perform(request)));
});

function perform(request: LookingRequest): InventoryAnswer {
  switch (request.kind) {
    case 'page':
      return pages.page(request.question);
    case 'ends':
      return pages.endsIn(request.question);
    case 'close':
      pages[Symbol.dispose]();
      parentPort?.close();
      return null;
  }
}
