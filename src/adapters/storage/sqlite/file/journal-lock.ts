// One server per journal, and what it must remember of the journal outside of it: whether there is one, and whether it
// was closed in order. A file of its own, so that the command line can read a journal that a server is writing. The
// kernel drops the lock with the process, however that ends.
import { realpathSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { isBusy, lockedDatabase, resultOf } from '../../../../durable/process-lock.ts';
import { journalProblem, JournalProblem } from './journal-problem.ts';
import { createIfMissing, pragma } from './sqlite-file.ts';

/** A predecessor that is just ending gets this long; a start waits with it. */
const BUSY_TIMEOUT_MS = 500;

/** What is remembered of the journal, as the `user_version` of the lock's file. */
const STATES = { none: 0, open: 1, closed: 2 } as const;
type JournalState = keyof typeof STATES;
/** A number of 32 bits in the file's header that is for its owner to use: one for each start. */
const EPOCH = 'application_id';

export class JournalLock implements Disposable {
  readonly #database: DatabaseSync;
  /** `open`: the last server did not close it. */
  readonly found: JournalState;
  /** Higher than that of every server which had the journal before. */
  readonly epoch: number;

  private constructor(database: DatabaseSync, found: JournalState, epoch: number) {
    this.#database = database;
    this.found = found;
    this.epoch = epoch;
  }

  /** @throws JournalProblem when another server has it. */
  static take(journal: string): JournalLock {
    const file = lockFileOf(realFile(journal));
    try {
      createIfMissing(file);
    } catch (cause) {
      throw journalProblem(journal, cause);
    }
    try {
      return JournalLock.#locked(file);
    } catch (cause) {
      throw lockProblem(journal, cause);
    }
  }

  static #locked(file: string): JournalLock {
    const database = lockedDatabase(file, { waitMs: BUSY_TIMEOUT_MS });
    try {
      const version = pragma(database, 'user_version');
      const found = (Object.keys(STATES) as JournalState[]).find((state) => STATES[state] === version);
      return new JournalLock(database, found ?? 'open', pragma(database, EPOCH) + 1);
    } catch (cause) {
      database.close();
      throw cause;
    }
  }

  /** That the journal is open, under a new epoch. Durable when it returns. */
  begin(): void {
    this.#database.exec(
      `BEGIN IMMEDIATE; PRAGMA ${EPOCH} = ${this.epoch}; PRAGMA user_version = ${STATES.open}; COMMIT`,
    );
  }

  /** That the journal was closed in order. Durable when it returns. */
  end(): void {
    this.#database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${STATES.closed}; COMMIT`);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** Beside the journal. */
export function lockFileOf(journal: string): string {
  return `${journal}.lock`;
}

/** SQLite's WAL lies beside the file that a symbolic link leads to, so the lock has to. */
export function realFile(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/** Whether the lock could not be taken because another process has it. */
export function isHeld(problem: unknown): boolean {
  return problem instanceof JournalProblem && isBusy(problem.cause);
}

function lockProblem(journal: string, cause: unknown): JournalProblem {
  const file = lockFileOf(journal);
  if (isBusy(cause)) {
    const busy = `the journal ${journal} is in use by another Capstan, which holds ${file}`;
    return new JournalProblem('file', `${busy}; stop it, or set another journal.store`, { cause });
  }
  const code = resultOf(cause);
  if (code !== 11 && code !== 26) return journalProblem(file, cause);
  const damaged = `${file} is damaged; if no other Capstan uses the journal, remove it`;
  return new JournalProblem('file', damaged, { cause });
}
