// Lists and goes through the journal, also while a server writes it. For a process that signs nothing, such as a command:
// it reads on its own event loop, which costs less than to have a thread read and hand over.
import { setImmediate } from 'node:timers/promises';
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
import { closingFrom } from '../closing-records.ts';
import { decisionFrom } from '../records.ts';
import { journalProblem } from './file/journal-problem.ts';
import { JournalQueries } from './reading/journal-queries.ts';
import { SqliteChainReader } from './sqlite-chain-reader.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Records between two turns of the event loop, in which an interruption is heard: some ten milliseconds. */
const TURN = 500;

export class SqliteJournalReader
  implements
    IssuanceJournalReader,
    OperationJournalReader,
    ClosingJournalReader,
    ChainSnapshots,
    AuditHeadReader,
    Disposable
{
  readonly #file: string;
  readonly #queries: JournalQueries;

  private constructor(file: string) {
    this.#file = file;
    this.#queries = new JournalQueries(file);
  }

  /** @throws AuthorityError CAP-X03 naming a file that is missing or not a journal; CAP-S04 when it is locked. */
  static async open(file: string, options: Waits): Promise<SqliteJournalReader> {
    const reader = new SqliteJournalReader(file);
    await reader.#read((queries) => queries.open(), options);
    return reader;
  }

  async list(query: JournalQuery, options: Waits): Promise<readonly DecisionRecord[]> {
    return this.#read((queries) => queries.list(query).map(decisionFrom), options);
  }

  async count(conditions: JournalConditions, options: Waits): Promise<number> {
    return this.#read((queries) => queries.count(conditions), options);
  }

  scan(conditions: JournalConditions, options: Waits): AsyncGenerator<DecisionRecord, void, undefined> {
    return this.#scan((queries) => queries.scan(conditions), decisionFrom, options);
  }

  scanClosings(options: Waits): AsyncGenerator<ClosingRecord, void, undefined> {
    return this.#scan((queries) => queries.scanClosings(), closingFrom, options);
  }

  async closings(query: ClosingQuery, options: Waits): Promise<readonly ClosingRecord[]> {
    return this.#read((queries) => queries.closings(query).map(closingFrom), options);
  }

  heads({ sinceMs = 0 }: { readonly sinceMs?: number }, options: Waits): AsyncGenerator<KeptHead, void, undefined> {
    return this.#scan(
      (queries) => queries.heads.since(sinceMs),
      (head) => head,
      options,
    );
  }

  async chainsNow({ signal }: Waits): Promise<ChainReader & AsyncDisposable> {
    signal.throwIfAborted();
    return SqliteChainReader.open(this.#file);
  }

  async *#scan<Values, Found>(
    begin: (queries: JournalQueries) => Iterable<Values>,
    from: (values: Values) => Found,
    { signal }: Waits,
  ): AsyncGenerator<Found, void, undefined> {
    // Of its own: on one handle every other question would see the journal as it was when the scan began.
    using queries = new JournalQueries(this.#file);
    let read = 0;
    try {
      signal.throwIfAborted();
      for (const values of begin(queries)) {
        yield from(values);
        read += 1;
        if (read % TURN === 0) await setImmediate(undefined, { signal });
      }
    } catch (cause) {
      signal.throwIfAborted();
      throw journalProblem(this.#file, cause).toOpeningError();
    }
  }

  async operations(query: OperationQuery, options: Waits): Promise<readonly OperationRecord[]> {
    return this.#read((queries) => queries.operations(query), options);
  }

  [Symbol.dispose](): void {
    this.#queries[Symbol.dispose]();
  }

  async #read<T>(question: (queries: JournalQueries) => T, { signal }: Waits): Promise<T> {
    signal.throwIfAborted();
    try {
      return question(this.#queries);
    } catch (cause) {
      throw journalProblem(this.#file, cause).toOpeningError();
    }
  }
}
