// The newest records of all servers that write to one PostgreSQL, for the pages of one that signs.
import type { CompiledQuery } from 'kysely';
import type { ClosingQuery, ClosingRecord } from '../../../ports/storage/closing-journal.ts';
import type { DecisionRecord, IssuedRecord, JournalQuery } from '../../../ports/storage/issuance-journal.ts';
import type {
  FoundRefused,
  NewestRecords,
  OperationQuery,
  OperationRecord,
  RefusedIn,
} from '../../../ports/storage/operation-journal.ts';
import { decisionFrom, issuedFrom, operationFrom, type Row } from '../records.ts';
import { closingOf, newestClosings } from './reading/closing-statements.ts';
import { issuedBy, newestFirst, refusedBeforeOthers, refusedIn } from './reading/decision-queries.ts';
import { newestOperations, valuesOf } from './reading/tables.ts';
import type { Database } from './shared/database.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class PostgresNewestRecords implements NewestRecords {
  readonly #database: Pick<Database, 'query'>;

  constructor({ database }: { readonly database: Pick<Database, 'query'> }) {
    this.#database = database;
  }

  async list(query: JournalQuery, options: Waits): Promise<readonly DecisionRecord[]> {
    return (await this.#ask(newestFirst(query), options)).map((row) => decisionFrom(valuesOf(row)));
  }

  async refusedIn(question: RefusedIn, options: Waits): Promise<FoundRefused> {
    const [rows, [last]] = await Promise.all([
      this.#ask(refusedIn(question), options),
      this.#ask(refusedBeforeOthers(question), options),
    ]);
    const records = rows.map((row) => decisionFrom(valuesOf(row))).filter((record) => record.outcome === 'refused');
    return { records, sinceMs: Number(last?.['timeMs'] ?? question.sinceMs) };
  }

  async issuedBy(decisionIds: readonly string[], options: Waits): Promise<readonly IssuedRecord[]> {
    return (await this.#ask(issuedBy(decisionIds), options)).map((row) => issuedFrom(valuesOf(row)));
  }

  async closings(query: ClosingQuery, options: Waits): Promise<readonly ClosingRecord[]> {
    const { text, values } = newestClosings(query);
    return (await this.#database.query(text, values, options)).map(closingOf);
  }

  async operations({ sinceMs = 0, limit }: OperationQuery, options: Waits): Promise<readonly OperationRecord[]> {
    return (await this.#ask(newestOperations(sinceMs, limit), options)).map(operationFrom);
  }

  async #ask({ sql, parameters }: CompiledQuery, options: Waits): Promise<readonly Row[]> {
    return this.#database.query(sql, parameters as readonly (string | number)[], options);
  }
}
