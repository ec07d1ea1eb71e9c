// Reads the journal's file, also while a server writes it. The identity of a query finds what that
// identity got and what it was refused.
import type { SQLInputValue } from 'node:sqlite';
import type { DecisionRecord, IssuanceJournalReader, JournalQuery } from '../../../ports/storage/issuance-journal.ts';
import type {
  OperationJournalReader,
  OperationQuery,
  OperationRecord,
} from '../../../ports/storage/operation-journal.ts';
import { decisionFrom, operationFrom } from '../records.ts';
import { openForReading, type ReadableJournal } from './file/journal-file.ts';
import { journalProblem } from './file/journal-problem.ts';
import { OPERATIONS_SINCE_VERSION, SELECT_OPERATIONS, selectFrom } from './file/journal-schema.ts';

/** One answer is held in memory whole. */
export const MAX_LISTED = 100_000;

type Conditions = Omit<JournalQuery, 'limit'>;

const CONDITIONS: Readonly<Record<keyof Conditions, string>> = {
  outcome: 'outcome = ?',
  decisionId: 'decision_id = ?',
  identity: '(coalesce(identity, caller) = ? OR (identity <> caller AND caller = ?))',
  sinceMs: 'time_ms >= ?',
  validAtMs: 'not_after_ms > ?',
};

export class SqliteJournalReader implements IssuanceJournalReader, OperationJournalReader, Disposable {
  readonly #file: string;
  readonly #journal: ReadableJournal;

  private constructor(file: string, journal: ReadableJournal) {
    this.#file = file;
    this.#journal = journal;
  }

  /** @throws AuthorityError CAP-X03 naming a file that is missing or not a journal; CAP-S04 when it is locked. */
  static open(file: string): SqliteJournalReader {
    return failingLoudly(file, () => new SqliteJournalReader(file, openForReading(file)));
  }

  /** @throws AuthorityError CAP-X03 when the file proves corrupt; CAP-S04 when it is locked. */
  list(query: JournalQuery): readonly DecisionRecord[] {
    const { where, values } = conditionsOf(query);
    const limit = Math.min(query.limit, MAX_LISTED);
    return failingLoudly(this.#file, () =>
      this.#journal.database
        .prepare(`${this.#select} ${where} ORDER BY time_ms DESC, id DESC LIMIT ?`)
        .all(...values, limit)
        .map(decisionFrom),
    );
  }

  /** @throws as `list` does. */
  count(query: Conditions): number {
    const { where, values } = conditionsOf(query);
    return failingLoudly(this.#file, () => {
      const row = this.#journal.database.prepare(`SELECT count(*) AS count FROM decisions ${where}`).get(...values);
      return Number(row?.['count']);
    });
  }

  /** What is appended meanwhile is not seen. @throws as `list` does, at any record. */
  *scan(query: Conditions): Generator<DecisionRecord, void, undefined> {
    const { where, values } = conditionsOf(query);
    try {
      const rows = this.#journal.database.prepare(`${this.#select} ${where} ORDER BY time_ms, id`).iterate(...values);
      for (const row of rows) yield decisionFrom(row);
    } catch (cause) {
      throw journalProblem(this.#file, cause).toOpeningError();
    }
  }

  /** @throws as `list` does. */
  operations({ sinceMs = 0, limit }: OperationQuery): readonly OperationRecord[] {
    const { database, version } = this.#journal;
    if (version < OPERATIONS_SINCE_VERSION) return [];
    return failingLoudly(this.#file, () =>
      database.prepare(SELECT_OPERATIONS).all(sinceMs, Math.min(limit, MAX_LISTED)).map(operationFrom),
    );
  }

  [Symbol.dispose](): void {
    this.#journal.database.close();
  }

  get #select(): string {
    return selectFrom(this.#journal.version);
  }
}

function conditionsOf(query: Conditions): { where: string; values: SQLInputValue[] } {
  const asked = (Object.keys(CONDITIONS) as (keyof Conditions)[]).flatMap((name) => {
    const value = query[name];
    return value === undefined ? [] : [{ condition: CONDITIONS[name], value }];
  });
  const where = asked.length === 0 ? '' : `WHERE ${asked.map(({ condition }) => condition).join(' AND ')}`;
  // A condition may ask for its one value in two places.
  const values = asked.flatMap(({ condition, value }) =>
    Array<SQLInputValue>(condition.split('?').length - 1).fill(value),
  );
  return { where, values };
}

function failingLoudly<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw journalProblem(file, cause).toOpeningError();
  }
}
