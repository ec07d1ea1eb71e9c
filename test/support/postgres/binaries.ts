// PostgreSQL's own programs, as Debian installs them: beside the version, and not on the path.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Debian's folder for the programs of all versions. */
const VERSIONS = '/usr/lib/postgresql';

/** @returns the folder with `postgres`, `initdb` and the others of the newest version; nothing when there is none. */
export function findPostgres(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined;
  const newestFirst = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a));
  return newestFirst
    .map((version) => path.join(VERSIONS, version, 'bin'))
    .find((folder) => existsSync(path.join(folder, 'postgres')));
}
