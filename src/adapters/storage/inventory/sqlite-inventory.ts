// The inventory of a store of SQLite journals, in a thread of its own that starts with the first question.
import { extname } from 'node:path';
import { AuthorityError } from '../../../domain/errors.ts';
import type { InventoryEntry } from '../../../domain/inventory/entry.ts';
import { orAborted } from '../../../live/abortable.ts';
import type {
  EndsQuestion,
  Inventory,
  InventoryEnds,
  InventoryKeeping,
  InventoryPage,
  InventoryProgress,
  InventoryQuestion,
  OverdueFound,
  OverdueQuestion,
} from '../../../ports/inventory/inventory.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { AnsweringThread } from '../sqlite/answering-thread.ts';
import { JournalProblem } from '../sqlite/file/journal-problem.ts';
import { inventoryFileOf } from './sqlite/inventory-file.ts';
import type { InventoryAnswer, InventoryAnswers, InventoryRequest } from './sqlite/inventory-protocol.ts';
import type { InventorySettings } from './sqlite/inventory-store.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** `.ts` when run from source, `.js` when built. */
const WORKER = new URL(`./sqlite/inventory-worker${extname(import.meta.url)}`, import.meta.url);
/** Questions that wait at once, that of who keeps it among them. */
const MAX_WAITING = 64;

export class SqliteInventory implements Inventory, InventoryEnds, InventoryKeeping, AsyncDisposable {
  readonly #clock: Clock;
  readonly #thread: AnsweringThread<InventoryRequest, InventoryAnswer>;
  readonly #end = new AbortController();
  #watched = false;

  constructor({ clock }: { readonly clock: Clock }, settings: Omit<InventorySettings, 'inventory'>) {
    this.#clock = clock;
    const inventory = inventoryFileOf(settings.file);
    this.#thread = new AnsweringThread({
      script: WORKER,
      data: () => ({ ...settings, inventory }) satisfies InventorySettings,
      name: `the inventory ${inventory}`,
      late: `the inventory ${inventory} did not answer`,
      maxWaiting: MAX_WAITING,
    });
  }

  async page(question: InventoryQuestion, options: Waits): Promise<InventoryPage> {
    return this.#ask({ kind: 'page', question }, options);
  }

  async follow({ nowMs }: { readonly nowMs: number }, options: Waits): Promise<InventoryProgress> {
    return this.#ask({ kind: 'follow', nowMs }, options);
  }

  async endsIn(question: EndsQuestion, options: Waits): Promise<readonly number[]> {
    return this.#ask({ kind: 'ends', question }, options);
  }

  async overdue(question: OverdueQuestion, options: Waits): Promise<OverdueFound> {
    return this.#ask({ kind: 'overdue', question }, options);
  }

  async reportedOverdue(entries: readonly InventoryEntry[], options: Waits): Promise<void> {
    await this.#ask({ kind: 'reportedOverdue', entries }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.close({ kind: 'close' });
    this.#end.abort();
  }

  async #ask<Kind extends keyof InventoryAnswers>(
    request: InventoryRequest & { readonly kind: Kind },
    { signal }: Waits,
  ): Promise<InventoryAnswers[Kind]> {
    signal.throwIfAborted();
    if (!this.#watched) void this.#thread.watch(this.#clock, { signal: this.#end.signal });
    this.#watched = true;
    try {
      return (await orAborted(this.#thread.ask(request), signal)) as InventoryAnswers[Kind];
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof JournalProblem)) throw cause;
      throw new AuthorityError('CAP-S04', { detail: cause.message, cause });
    }
  }
}
