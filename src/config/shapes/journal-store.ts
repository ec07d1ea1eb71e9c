// Where the journal is: a file of this machine, or a PostgreSQL that several servers share. One text names it, in the
// configuration and on the command line.
import path from 'node:path';
import { isLoopback, parsed, type HostPort } from './shapes.ts';

export type JournalStore =
  | { readonly kind: 'sqlite'; readonly file: string }
  | {
      readonly kind: 'postgres';
      readonly user: string;
      /** Asked in this order for the one that takes writes. A host that begins with `/` is the folder of its Unix socket. */
      readonly hosts: readonly HostPort[];
      readonly database: string;
    };

interface Problem {
  readonly problem: string;
}

const WORDS = '`sqlite:` and a file path, or `postgres://user@host[:port][,host[:port]]/database`';
const POSTGRES_PORT = 5432;
/** More hosts than a primary has standbys that may take its place. */
const MAX_HOSTS = 8;

export const journalStore = parsed<JournalStore>(WORDS, readJournalStore);

/**
 * A path alone is an SQLite file too. Nothing of a URL is quoted in a problem: a password may stand in it.
 * @returns the store that the text names. The URL is libpq's, without its parameters
 *   (postgresql.org/docs/current/libpq-connect.html, 34.1.1.2): a folder of a socket is percent-encoded.
 */
export function readJournalStore(text: string): JournalStore | Problem {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1];
  if (scheme === 'postgres' || scheme === 'postgresql') return readPostgres(text.slice(scheme.length + 1));
  if (scheme !== undefined && scheme !== 'sqlite') return { problem: `must be ${WORDS.replaceAll('`', '')}` };
  const file = scheme === undefined ? text : text.slice('sqlite:'.length);
  // A URL after a space or a letter too many: taken for a file it would be quoted, with the password in it.
  if (file.includes('://')) return { problem: `must be ${WORDS.replaceAll('`', '')}` };
  return file === '' || file.includes('\0')
    ? { problem: 'must name a file, such as sqlite:journal.db' }
    : { kind: 'sqlite', file };
}

/** @returns how people and messages call it: the path of a file, or the URL. */
export function storeName(store: JournalStore): string {
  if (store.kind === 'sqlite') return store.file;
  const { user, hosts, database } = store;
  const places = hosts.map(({ host, port }) => `${hostInUrl(host)}:${port}`).join(',');
  return `postgres://${encodeURIComponent(user)}@${places}/${encodeURIComponent(database)}`;
}

/** @returns whether what is said to it never leaves this machine. */
export function isOnThisMachine({ hosts }: { readonly hosts: readonly HostPort[] }): boolean {
  return hosts.every(({ host }) => host.startsWith('/') || isLoopback(host));
}

/** @returns the folder that the journal's file is in; nothing when it is a database. */
export function folderOf(store: JournalStore): string | undefined {
  return store.kind === 'sqlite' ? path.dirname(store.file) : undefined;
}

function readPostgres(rest: string): JournalStore | Problem {
  const match = /^\/\/([^@/?#]*)@([^@/?#]+)\/([^@/?#]+)$/.exec(rest);
  if (match === null) return { problem: `must be postgres://user@host[:port]/database, without parameters` };
  const [, user = '', places = '', database = ''] = match.map(decoded);
  if (match[1]?.includes(':')) return { problem: 'must not carry a password: put it in journal.postgres.passwordFile' };
  const hosts = (match[2] ?? '').split(',').map(readHost);
  const wrong = hosts.find((host) => 'problem' in host);
  if (wrong !== undefined) return wrong;
  if (user === '' || database.includes('\0') || user.includes('\0') || places === '')
    return { problem: 'must name a user and a database' };
  if (hosts.length > MAX_HOSTS) return { problem: `must name at most ${MAX_HOSTS} hosts` };
  return { kind: 'postgres', user, hosts: hosts as HostPort[], database };
}

function readHost(text: string): HostPort | Problem {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? decoded(match?.[2] ?? '');
  const port = Number(match?.[3] ?? POSTGRES_PORT);
  return host === '' || host.includes('\0') || port < 1 || port > 65_535
    ? {
        problem:
          'has a host that is not host or host:port; a folder of a socket is written percent-encoded: %2Frun%2Fpostgresql',
      }
    : { host, port };
}

/** @returns the text itself when it is not percent-encoding: it is refused, or found not to exist, as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : encodeURIComponent(host);
}
