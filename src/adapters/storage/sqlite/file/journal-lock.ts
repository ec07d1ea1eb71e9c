// One server per journal, and what it must remember of the journal outside of it: whether there is one, and whether it
// was closed in order. A file of its own, so that the command line can read a journal that a server is writing. The
// kernel drops the lock with the process, however that ends.
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { codeOf } from '../../../../domain/text/system-error.ts';
import { journalProblem, JournalProblem } from './journal-problem.ts';

/** A predecessor that is just ending gets this long; a start waits with it. */
const BUSY_TIMEOUT_MS = 500;

/** What is remembered of the journal, as the `user_version` of the lock's file. */
const STATES = { none: 0, open: 1, closed: 2 } as const;
type JournalState = keyof typeof STATES;

export class JournalLock implements Disposable {
  readonly #database: DatabaseSync;
  /** `open`: the last server did not close it. */
  readonly found: JournalState;

  private constructor(database: DatabaseSync, found: JournalState) {
    this.#database = database;
    this.found = found;
  }

  /** @throws JournalProblem when another server has it. */
  static take(journal: string): JournalLock {
    const file = lockFileOf(journal);
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
    const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    try {
      // EXCLUSIVE keeps the lock between transactions. What changes fits one sector, so no rollback journal is needed.
      database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; COMMIT');
      const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
      const found = (Object.keys(STATES) as JournalState[]).find((state) => STATES[state] === version);
      return new JournalLock(database, found ?? 'open');
    } catch (cause) {
      database.close();
      throw cause;
    }
  }

  /** Durable when it returns. */
  remember(state: JournalState): void {
    this.#database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${STATES[state]}; COMMIT`);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** Beside the journal. */
export function lockFileOf(journal: string): string {
  return `${journal}.lock`;
}

/** Never opened and closed again otherwise: a closed handle drops the locks of the whole process (fcntl(2)). */
function createIfMissing(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause;
  }
}

function lockProblem(journal: string, cause: unknown): JournalProblem {
  const file = lockFileOf(journal);
  const code = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : 0;
  if (code === 5) {
    const busy = `the journal ${journal} is in use by another Capstan, which holds ${file}`;
    return new JournalProblem('file', `${busy}; stop it, or set another journal.file`, { cause });
  }
  if (code !== 11 && code !== 26) return journalProblem(file, cause);
  const damaged = `${file} is damaged; if no other Capstan uses the journal, remove it`;
  return new JournalProblem('file', damaged, { cause });
}
