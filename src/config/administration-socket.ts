// Where a server's administration socket is: its commands find it from the same configuration.
import path from 'node:path';
import { folderOf } from './shapes/journal-store.ts';
import type { Config } from './schema.ts';

/** Of the file, in the data directory. */
export const ADMINISTRATION_SOCKET = 'admin.sock';

/** @returns the path; beside the journal's file unless the configuration says otherwise, as it must when there is none. */
export function administrationSocketOf({ listen, journal }: Pick<Config, 'listen' | 'journal'>): string {
  return listen.administration.socket ?? path.join(folderOf(journal.store) ?? '', ADMINISTRATION_SOCKET);
}
