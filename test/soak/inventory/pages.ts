// One page of an inventory, and how long it took.
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InventoryAnswer } from '../../../src/adapters/http/admin/administer-inventory.ts';
import { inventoryOverview } from '../../../src/authority/inventory/inventory-overview.ts';
import type { InventoryPlace } from '../../../src/domain/inventory/question.ts';
import { NO_BANS } from '../../../src/domain/revocation/ban-ledger.ts';
import type { Inventory } from '../../../src/ports/inventory/inventory.ts';
import type { Asked } from './questions.ts';

export interface Page {
  readonly tookMs: number;
  readonly entries: number;
  readonly next: InventoryPlace | undefined;
}

/** As many as commands ask for. */
const LIMIT = 100;
const WAITING = { signal: new AbortController().signal };
/** Until an operator who asked too often may ask again. */
const LATER_MS = 500;

/** As the parts of a server ask it, with the states of what is found. */
export function askPort(inventory: Inventory): (asked: Asked) => Promise<Page> {
  const parts = { inventory, bans: { current: () => NO_BANS }, clock: { nowMs: () => Date.now() }, excused: () => [] };
  return async (asked) => {
    const sinceMs = performance.now();
    const { rows, next } = await inventoryOverview(parts, { cluster: 'east' }, { ...asked, limit: LIMIT }, WAITING);
    return { tookMs: performance.now() - sinceMs, entries: rows.length, next };
  };
}

/** A server, asked over its administration socket on one connection. */
export class AskedServer implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async ask({ conditions, after }: Asked): Promise<Page> {
    const parameters = new URLSearchParams({ limit: String(LIMIT) });
    for (const [name, value] of Object.entries(conditions)) parameters.set(name, String(value));
    if (after !== undefined) parameters.set('cursor', Buffer.from(JSON.stringify(after)).toString('base64url'));
    for (;;) {
      const sinceMs = performance.now();
      const [status, body] = await this.#get(`/inventory?${parameters.toString()}`);
      const tookMs = performance.now() - sinceMs;
      if (status === 429) await sleep(LATER_MS);
      else if (status !== 200) throw new Error(`${status}: ${body}`);
      else return { tookMs, ...pageIn(body) };
    }
  }

  async #get(path: string): Promise<readonly [number | undefined, string]> {
    const asking = request({ socketPath: this.#socketPath, path, agent: this.#agent, headers: { host: 'localhost' } });
    asking.end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    return [response.statusCode, await text(response)];
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function pageIn(body: string): Pick<Page, 'entries' | 'next'> {
  const { rows, cursor } = JSON.parse(body) as InventoryAnswer;
  const next =
    cursor === undefined ? undefined : (JSON.parse(Buffer.from(cursor, 'base64url').toString()) as InventoryPlace);
  return { entries: rows.length, next };
}
