// Reads a store of SQLite journals as one journal, also while a server writes it: for a process that signs nothing, such as
// a command. Records of several journals are merged here and not in the database: ATTACH would bind the queries to the
// number of journals, which SQLite bounds at ten (sqlite.org/limits.html), and to one version of the schema.
import type { AuditHeadReader, KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { ChainReader, ChainSnapshots } from '../../../ports/audit/chain-reader.ts';
import type { ClosingJournalReader, ClosingQuery, ClosingRecord } from '../../../ports/storage/closing-journal.ts';
import type {
  DecisionRecord,
  IssuanceJournalReader,
  JournalConditions,
  JournalQuery,
} from '../../../ports/storage/issuance-journal.ts';
import type {
  OperationJournalReader,
  OperationQuery,
  OperationRecord,
} from '../../../ports/storage/operation-journal.ts';
import { journalProblem } from '../sqlite/file/journal-problem.ts';
import { SqliteJournalReader } from '../sqlite/sqlite-journal-reader.ts';
import { journalsOf } from './journal-slots.ts';
import { newestOf, oldestFirst } from './merge-records.ts';
import { SlotChainReader } from './slot-chain-reader.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class StoreReader
  implements
    IssuanceJournalReader,
    OperationJournalReader,
    ClosingJournalReader,
    ChainSnapshots,
    AuditHeadReader,
    Disposable
{
  readonly #journals: readonly SqliteJournalReader[];

  private constructor(journals: readonly SqliteJournalReader[]) {
    this.#journals = journals;
  }

  /**
   * @param file the store's; one journal of it is read by its own name.
   * @throws AuthorityError CAP-X03 naming a file that is missing, not a journal or no list of journals; CAP-S04 when it is
   *   locked.
   */
  static async open(file: string, options: Waits): Promise<StoreReader> {
    using opened = new DisposableStack();
    const journals: SqliteJournalReader[] = [];
    for (const journal of listed(file)) journals.push(opened.use(await SqliteJournalReader.open(journal, options)));
    opened.move();
    return new StoreReader(journals);
  }

  async list(query: JournalQuery, options: Waits): Promise<readonly DecisionRecord[]> {
    const lists = await Promise.all(this.#journals.map(async (journal) => journal.list(query, options)));
    return newestOf(lists, query.limit);
  }

  async count(conditions: JournalConditions, options: Waits): Promise<number> {
    const counts = await Promise.all(this.#journals.map(async (journal) => journal.count(conditions, options)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Each journal as it is when the first record is asked for. */
  scan(conditions: JournalConditions, options: Waits): AsyncIterable<DecisionRecord> {
    return merged(this.#journals.map((journal) => journal.scan(conditions, options)));
  }

  scanClosings(options: Waits): AsyncIterable<ClosingRecord> {
    return merged(this.#journals.map((journal) => journal.scanClosings(options)));
  }

  async closings(query: ClosingQuery, options: Waits): Promise<readonly ClosingRecord[]> {
    const lists = await Promise.all(this.#journals.map(async (journal) => journal.closings(query, options)));
    return newestOf(lists, query.limit);
  }

  heads(query: { readonly sinceMs?: number }, options: Waits): AsyncIterable<KeptHead> {
    return merged(this.#journals.map((journal) => journal.heads(query, options)));
  }

  async chainsNow(options: Waits): Promise<ChainReader & AsyncDisposable> {
    return SlotChainReader.open(this.#journals, options);
  }

  async operations(query: OperationQuery, options: Waits): Promise<readonly OperationRecord[]> {
    const lists = await Promise.all(this.#journals.map(async (journal) => journal.operations(query, options)));
    return newestOf(lists, query.limit);
  }

  [Symbol.dispose](): void {
    for (const journal of this.#journals) journal[Symbol.dispose]();
  }
}

function merged<T extends { readonly timeMs: number }>(sources: readonly AsyncIterable<T>[]): AsyncIterable<T> {
  const [first, ...others] = sources;
  return first !== undefined && others.length === 0 ? first : oldestFirst(sources);
}

function listed(file: string): readonly string[] {
  try {
    return journalsOf(file);
  } catch (cause) {
    throw journalProblem(file, cause).toOpeningError();
  }
}
