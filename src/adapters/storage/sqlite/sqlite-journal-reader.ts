// Lists and goes through the journal, also while a server writes it, in a thread of its own.
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
import { decisionFrom } from '../records.ts';
import { journalProblem } from './file/journal-problem.ts';
import { ReadThread } from './reading/read-thread.ts';
import { BATCH, type ReadKind, type Reads } from './reading/read-protocol.ts';
import { NEVER } from '../../../live/abortable.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class SqliteJournalReader implements IssuanceJournalReader, OperationJournalReader, AsyncDisposable {
  readonly #file: string;
  readonly #thread: ReadThread;

  private constructor(file: string) {
    this.#file = file;
    this.#thread = new ReadThread(file);
  }

  /**
   * A query may take as long as it takes: the signal ends the wait.
   * @throws AuthorityError CAP-X03 naming a file that is missing or not a journal; CAP-S04 when it is locked.
   */
  static async open(file: string, options: Waits): Promise<SqliteJournalReader> {
    const reader = new SqliteJournalReader(file);
    try {
      await reader.#read('open', undefined, options);
      return reader;
    } catch (cause) {
      await reader[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async list(query: JournalQuery, options: Waits): Promise<readonly DecisionRecord[]> {
    return (await this.#read('list', query, options)).map(decisionFrom);
  }

  async count(conditions: JournalConditions, options: Waits): Promise<number> {
    return this.#read('count', conditions, options);
  }

  async *scan(conditions: JournalConditions, options: Waits): AsyncGenerator<DecisionRecord, void, undefined> {
    const scan = await this.#read('scan', conditions, options);
    // The thread reads the next records while these are looked at.
    let batch = this.#read('next', { scan }, options);
    try {
      for (;;) {
        const records = await batch;
        const isLast = records.length < BATCH;
        if (!isLast) batch = this.#read('next', { scan }, options);
        // It may fail before anybody waits for it.
        batch.catch(() => undefined);
        for (const values of records) yield decisionFrom(values);
        if (isLast) return;
      }
    } finally {
      // Also when the signal has aborted.
      await this.#thread.ask('stop', { scan }, { signal: NEVER }).catch(() => undefined);
    }
  }

  async operations(query: OperationQuery, options: Waits): Promise<readonly OperationRecord[]> {
    return this.#read('operations', query, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.close();
  }

  async #read<Kind extends ReadKind>(
    kind: Kind,
    question: Reads[Kind]['question'],
    options: Waits,
  ): Promise<Reads[Kind]['answer']> {
    try {
      return await this.#thread.ask(kind, question, options);
    } catch (cause) {
      options.signal.throwIfAborted();
      throw journalProblem(this.#file, cause).toOpeningError();
    }
  }
}
