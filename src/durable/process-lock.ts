// A file that one process at a time has. The kernel drops the lock with the process, however that ends: a lock of SQLite's, for Node
// has none of its own.
import { DatabaseSync } from 'node:sqlite';

/** sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/**
 * For who keeps something in the file besides.
 * @param settings.waitMs for a process that is just ending; it blocks.
 * @returns the open file, which others have after it is closed. @throws what `isBusy` tells of, or as SQLite does.
 */
export function lockedDatabase(file: string, { waitMs }: { readonly waitMs: number }): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: waitMs });
  try {
    // EXCLUSIVE keeps the lock between transactions. What changes fits one sector, so no rollback journal is needed.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; COMMIT');
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** @returns the lock until it is disposed of, in a file that stays there; nothing while another process has it. @throws as SQLite does; ENOSPC, as of any file, where it cannot be made. */
export function lockFile(file: string): Disposable | undefined {
  try {
    const database = lockedDatabase(file, { waitMs: 0 });
    return { [Symbol.dispose]: () => database.close() };
  } catch (cause) {
    if (isBusy(cause)) return undefined;
    if (resultOf(cause) !== SQLITE_FULL) throw cause;
    throw Object.assign(new Error('the disk is full', { cause }), { code: 'ENOSPC' });
  }
}

/** Whether another process has it. */
export function isBusy(cause: unknown): boolean {
  return resultOf(cause) === SQLITE_BUSY;
}

/** @returns SQLite's primary result code; 0 when the cause has none. */
export function resultOf(cause: unknown): number {
  return cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : 0;
}
