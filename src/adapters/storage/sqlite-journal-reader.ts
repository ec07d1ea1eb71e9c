// Reads the journal's file, also while a server writes it. The identity of a query finds what that
// identity got and what it was refused.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { DecisionRecord, IssuanceJournalReader, JournalQuery } from '../../ports/issuance-journal.ts';
import { openForReading } from './journal-file.ts';
import { journalProblem } from './journal-problem.ts';
import { fromRow, SELECT } from './journal-schema.ts';

/** One answer is held in memory whole. */
export const MAX_LISTED = 100_000;

type Condition = Exclude<keyof JournalQuery, 'limit'>;

const CONDITIONS: Readonly<Record<Condition, string>> = {
  outcome: 'outcome = ?',
  decisionId: 'decision_id = ?',
  identity: 'coalesce(identity, caller) = ?',
  sinceMs: 'time_ms >= ?',
};

export class SqliteJournalReader implements IssuanceJournalReader, Disposable {
  readonly #file: string;
  readonly #database: DatabaseSync;

  private constructor(file: string, database: DatabaseSync) {
    this.#file = file;
    this.#database = database;
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
      this.#database
        .prepare(`${SELECT} ${where} ORDER BY time_ms DESC, id DESC LIMIT ?`)
        .all(...values, limit)
        .map(fromRow),
    );
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function conditionsOf(query: JournalQuery): { where: string; values: SQLInputValue[] } {
  const asked = (Object.keys(CONDITIONS) as Condition[]).flatMap((name) => {
    const value = query[name];
    return value === undefined ? [] : [{ condition: CONDITIONS[name], value }];
  });
  const where = asked.length === 0 ? '' : `WHERE ${asked.map(({ condition }) => condition).join(' AND ')}`;
  return { where, values: asked.map(({ value }) => value) };
}

function failingLoudly<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw journalProblem(file, cause).toOpeningError();
  }
}
