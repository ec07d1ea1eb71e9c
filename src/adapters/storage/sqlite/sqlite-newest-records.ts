// The newest records of the journal, for pages of a server that signs: read in a thread of its own, which starts with the first
// question.
import type { Clock } from '../../../ports/platform/clock.ts';
import type { ClosingQuery, ClosingRecord } from '../../../ports/storage/closing-journal.ts';
import type { DecisionRecord, IssuedRecord, JournalQuery } from '../../../ports/storage/issuance-journal.ts';
import type {
  FoundRefused,
  NewestRecords,
  OperationQuery,
  OperationRecord,
  RefusedIn,
} from '../../../ports/storage/operation-journal.ts';
import { issuedFrom } from '../records.ts';
import { ReadThread } from './reading/read-thread.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class SqliteNewestRecords implements NewestRecords, AsyncDisposable {
  readonly #thread: ReadThread;

  /** @param file the journal's. */
  constructor(parts: { readonly clock: Clock }, file: string) {
    this.#thread = new ReadThread(parts, file);
  }

  async list(query: JournalQuery, options: Waits): Promise<readonly DecisionRecord[]> {
    return this.#thread.ask('decisions', query, options);
  }

  async refusedIn(question: RefusedIn, options: Waits): Promise<FoundRefused> {
    return this.#thread.ask('refusedIn', question, options);
  }

  async issuedBy(decisionIds: readonly string[], options: Waits): Promise<readonly IssuedRecord[]> {
    return (await this.#thread.ask('issuedBy', decisionIds, options)).map(issuedFrom);
  }

  async closings(query: ClosingQuery, options: Waits): Promise<readonly ClosingRecord[]> {
    return this.#thread.ask('closings', query, options);
  }

  async operations(query: OperationQuery, options: Waits): Promise<readonly OperationRecord[]> {
    return this.#thread.ask('operations', query, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }
}
