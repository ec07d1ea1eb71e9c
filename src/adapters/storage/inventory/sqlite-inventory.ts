// The inventory of a store of SQLite journals: a thread keeps it, another answers who looks. Each starts with its first question.
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
  NewPairsFound,
  NewPairsQuestion,
  OverdueFound,
  OverdueQuestion,
} from '../../../ports/inventory/inventory.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { AnsweringThread } from '../sqlite/answering-thread.ts';
import { JournalProblem } from '../sqlite/file/journal-problem.ts';
import type { EndsPart } from './entry-ends.ts';
import { inventoryFileOf } from './sqlite/inventory-file.ts';
import type { InventoryAnswer, InventoryAnswers, KeepingRequest, LookingRequest } from './sqlite/inventory-protocol.ts';
import type { InventorySettings } from './sqlite/inventory-store.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** `.ts` when run from source, `.js` when built. */
const KEEPING = new URL(`./sqlite/keeping-worker${extname(import.meta.url)}`, import.meta.url);
const LOOKING = new URL(`./sqlite/looking-worker${extname(import.meta.url)}`, import.meta.url);
/** Questions that wait at once, at each thread. */
const MAX_WAITING = 64;

export class SqliteInventory implements Inventory, InventoryEnds, InventoryKeeping, AsyncDisposable {
  readonly #clock: Clock;
  readonly #keeping: AnsweringThread<KeepingRequest, InventoryAnswer>;
  readonly #looking: AnsweringThread<LookingRequest, InventoryAnswer>;
  readonly #end = new AbortController();
  #watched = false;

  constructor({ clock }: { readonly clock: Clock }, settings: Omit<InventorySettings, 'inventory'>) {
    this.#clock = clock;
    const inventory = inventoryFileOf(settings.file);
    const thread = {
      data: () => ({ ...settings, inventory }) satisfies InventorySettings,
      name: `the inventory ${inventory}`,
      late: `the inventory ${inventory} did not answer`,
      maxWaiting: MAX_WAITING,
    };
    this.#keeping = new AnsweringThread({ ...thread, script: KEEPING });
    this.#looking = new AnsweringThread({ ...thread, script: LOOKING });
  }

  async page(question: InventoryQuestion, options: Waits): Promise<InventoryPage> {
    return this.#look({ kind: 'page', question }, options);
  }

  /** Part by part, so that whoever looks meanwhile waits for one of them alone. */
  async endsIn(question: EndsQuestion, options: Waits): Promise<readonly number[]> {
    const sums = Array.from({ length: question.steps + 1 }, () => 0);
    let upToMs: number | undefined = question.nowMs;
    while (upToMs !== undefined) {
      const part: EndsPart = await this.#look({ kind: 'ends', question: { ...question, nowMs: upToMs } }, options);
      for (const [step, count] of part.counts.entries()) sums[step] = (sums[step] ?? 0) + count;
      upToMs = part.upToMs;
    }
    return sums;
  }

  async follow({ nowMs }: { readonly nowMs: number }, options: Waits): Promise<InventoryProgress> {
    return this.#keep({ kind: 'follow', nowMs }, options);
  }

  async overdue(question: OverdueQuestion, options: Waits): Promise<OverdueFound> {
    return this.#keep({ kind: 'overdue', question }, options);
  }

  async reportedOverdue(entries: readonly InventoryEntry[], options: Waits): Promise<void> {
    await this.#keep({ kind: 'reportedOverdue', entries }, options);
  }

  async newPairs(question: NewPairsQuestion, options: Waits): Promise<NewPairsFound> {
    return this.#keep({ kind: 'newPairs', question }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#keeping, this.#looking].map((thread) => thread.close({ kind: 'close' })));
    this.#end.abort();
  }

  async #keep<Kind extends KeepingRequest['kind']>(
    request: KeepingRequest & { readonly kind: Kind },
    { signal }: Waits,
  ): Promise<InventoryAnswers[Kind]> {
    return (await this.#answer(() => this.#keeping.ask(request), signal)) as InventoryAnswers[Kind];
  }

  async #look<Kind extends LookingRequest['kind']>(
    request: LookingRequest & { readonly kind: Kind },
    { signal }: Waits,
  ): Promise<InventoryAnswers[Kind]> {
    return (await this.#answer(() => this.#looking.ask(request), signal)) as InventoryAnswers[Kind];
  }

  async #answer(ask: () => Promise<InventoryAnswer>, signal: AbortSignal): Promise<InventoryAnswer> {
    signal.throwIfAborted();
    this.#watch();
    try {
      return await orAborted(ask(), signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof JournalProblem)) throw cause;
      throw new AuthorityError('CAP-S04', { detail: cause.message, cause });
    }
  }

  #watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    for (const thread of [this.#keeping, this.#looking]) void thread.watch(this.#clock, { signal: this.#end.signal });
  }
}
