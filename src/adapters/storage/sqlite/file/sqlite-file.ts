// What the journal's file and that of its lock have in common.
import { closeSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { codeOf } from '../../../../domain/text/system-error.ts';

/**
 * Makes an empty file that only its owner may read. One that is there is not opened: to close a handle of a file drops
 * every lock that this process has on it (fcntl(2)).
 */
export function createIfMissing(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause;
  }
}

/** @param name of a pragma with a number. */
export function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
