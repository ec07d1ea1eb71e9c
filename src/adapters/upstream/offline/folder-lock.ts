// One ceremony at a time in a folder: of two, the later one would take away what the earlier one has just put in force. The
// kernel drops the lock with the process, however that ends.
import { DatabaseSync } from 'node:sqlite';

/** Stays there, empty. */
const FILE = '..lock';
const SQLITE_BUSY = 5;

/** @returns the lock until it is disposed of; nothing while another process has it. @throws as the file system does. */
export function lockFolder(folder: string): Disposable | undefined {
  const database = new DatabaseSync(`${folder}/${FILE}`, { timeout: 0 });
  try {
    // Nothing is ever written, so the file stays empty; closing it lets the lock go.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return { [Symbol.dispose]: () => database.close() };
  } catch (cause) {
    database.close();
    if ((cause as { readonly errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw cause;
  }
}
