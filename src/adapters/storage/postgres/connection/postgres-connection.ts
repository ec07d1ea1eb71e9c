// One connection to one host, by the npm package pg. Every statement has a bound on this side too: a host that falls
// silent answers no statement_timeout. A connection that failed otherwise than by an answer is not used again.
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import pg from 'pg';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { fileProblem } from '../../../../domain/text/system-error.ts';
import type { Row } from '../../records.ts';
import { PostgresProblem, postgresProblem } from './postgres-problem.ts';
import { GRACE_MS, type PostgresHost, type PostgresSettings } from './settings.ts';

export type Value = string | number | boolean | null | Uint8Array;

export interface Statement {
  readonly text: string;
  readonly values?: readonly Value[];
  /** Prepared under this name, once for each connection; for what is asked often. */
  readonly name?: string;
  /** How many rows it has to write; what a trigger, a rule or a row policy leaves out is not recorded. */
  readonly writes?: number;
}

/** How a connection says of itself what it is, in pg_stat_activity. */
const APPLICATION = 'capstan';

/** Object id of the type bigint: no number here is beyond 2^53, so none has to be text. */
const INT8 = 20;
const parserOf: (oid: number, format?: 'text') => unknown = pg.types.getTypeParser;
const TYPES = {
  getTypeParser: (oid: number, format?: 'text') => (oid === INT8 ? Number : parserOf(oid, format)),
} as pg.CustomTypesConfig;

/**
 * Whatever the database or the user says: a commit waits for the disk, and for standbys where there are synchronous ones,
 * what conflicts is decided row by row, and of the schemas in `search_path` the one that has the tables counts alone. Then
 * whether this host takes writes. Nothing of it is said when the connection is opened: a pooler refuses what it does not
 * know there (pgbouncer.org/config.html, ignore_startup_parameters).
 */
const BEGIN_SESSION = `SELECT set_config('synchronous_commit',
    CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
  set_config('idle_in_transaction_session_timeout', $1, false), set_config('statement_timeout', $2, false),
  set_config('lock_timeout', $3, false), set_config('default_transaction_isolation', 'read committed', false),
  set_config('search_path', coalesce(
    (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('schema_version')),
    quote_ident(current_schema()), ''), false),
  pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only')::boolean AS "readOnly",
  current_setting('server_encoding') AS encoding`;

/** Frontend message CancelRequest (postgresql.org/docs/current/protocol-message-formats.html). */
const CANCEL_REQUEST = 80_877_102;

/** What pg knows of its connection and does not declare: what it says first, the key to cancel what runs there, the socket. */
interface Inside {
  readonly connectionParameters: { options: string | undefined };
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly connection: { readonly stream: { destroy(): void } };
}

/** Of the time for a statement. */
const LOCK_SHARE = 0.75;

interface Parts {
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>;
}

export class PostgresConnection {
  readonly host: PostgresHost;
  readonly #parts: Parts;
  readonly #client: pg.Client;
  readonly #withinMs: number;
  #usable = true;
  #warnings = 0;
  /** Called once when it breaks off while nobody asks anything. */
  onEnd: () => void = () => undefined;

  private constructor(parts: Parts, settings: PostgresSettings, host: PostgresHost, client: pg.Client) {
    this.#parts = parts;
    this.host = host;
    this.#client = client;
    this.#withinMs = settings.statementTimeout + GRACE_MS;
    client.on('error', () => this.#ended());
    client.on('end', () => this.#ended());
    client.on('notice', ({ severity, file }) => {
      if (severity === 'WARNING' && file?.endsWith('syncrep.c') !== false) this.#warnings += 1;
    });
  }

  /**
   * Opens one to a host that takes writes, within `statementTimeout`.
   * @throws PostgresProblem
   */
  static async open(parts: Parts, settings: PostgresSettings, host: PostgresHost): Promise<PostgresConnection> {
    const name = nameOf(host);
    const endMs = parts.clock.monotonicMs() + settings.statementTimeout;
    const client = new pg.Client({
      ...host,
      user: settings.user,
      database: settings.database,
      password: await passwordOf(settings),
      ssl: await tlsOf(settings),
      types: TYPES,
      application_name: APPLICATION,
      connectionTimeoutMillis: settings.statementTimeout,
      keepAlive: true,
    });
    (client as unknown as Inside).connectionParameters.options = undefined; // PGOPTIONS: of the environment nothing counts
    const connection = new PostgresConnection(parts, settings, host, client);
    try {
      await client.connect();
      const { statementTimeout } = settings;
      // A lock is waited for less long than the statement may take, so that the lock is what is complained of.
      const values = [2 * statementTimeout, statementTimeout, Math.floor(statementTimeout * LOCK_SHARE)].map(String);
      const [row] = await connection.query({ text: BEGIN_SESSION, values }, endMs - parts.clock.monotonicMs());
      demandUsable(name, row);
      return connection;
    } catch (cause) {
      connection.destroy();
      const problem = postgresProblem(name, cause, { sent: false });
      // What was said so far changed nothing.
      throw problem.kind === 'lost' ? new PostgresProblem('unreachable', problem.message, { cause }) : problem;
    }
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** @throws PostgresProblem */
  async query({ text, values = [], name, writes }: Statement, withinMs = this.#withinMs): Promise<readonly Row[]> {
    const prepared = name === undefined ? {} : { name };
    const asked = this.#client.query<Row>({ text, values: [...values], ...prepared });
    const { rows, rowCount } = await this.#bounded(withinMs, asked);
    if (writes === undefined || rowCount === writes) return rows;
    throw tooFewKept(this.host, rowCount ?? 0, writes);
  }

  /** Several statements in one text, without values; what they return is left. @throws PostgresProblem */
  async run(text: string, withinMs = this.#withinMs): Promise<void> {
    await this.#bounded(withinMs, this.#client.query(text));
  }

  /**
   * As `query`, for what must be durable when it resolves. A wait for a synchronous standby that somebody cancels ends with
   * a commit, durable here alone, and a warning (PostgreSQL's src/backend/replication/syncrep.c, SyncRepWaitForLSN). One
   * from elsewhere, such as that a VACUUM is due, says nothing of the commit.
   * @throws PostgresProblem `lost` also then.
   */
  async commit(statement: Statement, withinMs?: number): Promise<readonly Row[]> {
    const before = this.#warnings;
    const rows = await this.query(statement, withinMs);
    if (this.#warnings === before) return rows;
    this.destroy();
    throw new PostgresProblem('lost', `PostgreSQL at ${nameOf(this.host)} did not wait for its standby`);
  }

  /** Closes it in order; at most for the moment that takes. */
  async close(): Promise<void> {
    this.#usable = false;
    const late = this.#parts.clock.after(GRACE_MS, () => this.destroy());
    await this.#client.end().catch(() => undefined);
    late();
  }

  /** Closes it at once, whatever it is doing. */
  destroy(): void {
    this.#usable = false;
    (this.#client as unknown as Inside).connection.stream.destroy();
  }

  async #bounded<T>(withinMs: number, answer: Promise<T>): Promise<T> {
    const bound = { passed: false };
    const done = this.#parts.clock.after(Math.max(1, withinMs), () => {
      bound.passed = true;
      this.#cancel();
      this.destroy();
    });
    try {
      return await answer;
    } catch (cause) {
      const name = nameOf(this.host);
      const problem = bound.passed
        ? new PostgresProblem('lost', `PostgreSQL at ${name} did not answer within ${withinMs} ms`, { cause })
        : postgresProblem(name, cause, { sent: true });
      if (problem.kind !== 'refused' && problem.kind !== 'misconfigured') this.destroy();
      throw problem;
    } finally {
      done();
    }
  }

  /**
   * A session that waits for a standby does not notice that nobody listens any more, and would keep one of the server's
   * connections for as long as the standby is away. Only an attempt: a server that is gone has no sessions.
   */
  #cancel(): void {
    const { processID, secretKey } = this.#client as unknown as Inside;
    if (processID === null || secretKey === null) return;
    const { host, port } = this.host;
    const message = Buffer.alloc(16);
    for (const [index, word] of [message.length, CANCEL_REQUEST, processID, secretKey].entries()) {
      message.writeInt32BE(word | 0, index * 4);
    }
    const socket = host.startsWith('/') ? createConnection(`${host}/.s.PGSQL.${port}`) : createConnection(port, host);
    socket.on('error', () => socket.destroy()).setTimeout(this.#withinMs, () => socket.destroy());
    socket.end(message);
  }

  #ended(): void {
    if (!this.#usable) return;
    this.#usable = false;
    this.onEnd();
  }
}

/** @param row what BEGIN_SESSION gave. @throws PostgresProblem when nothing can be recorded there. */
function demandUsable(name: string, row: Row | undefined): void {
  if (row?.['standby'] === true) {
    throw new PostgresProblem('read-only', `PostgreSQL at ${name} takes no writes: it is a standby`);
  }
  if (row?.['readOnly'] === true) {
    const where = 'for the server, the database or the user';
    throw new PostgresProblem(
      'read-only',
      `PostgreSQL at ${name} takes no writes: default_transaction_read_only is on ${where}`,
    );
  }
  // Else a letter that the encoding lacks, in what one caller sent, would break the group of others.
  if (row?.['encoding'] === 'UTF8') return;
  const has = `the database at ${name} has the encoding ${String(row?.['encoding'])}`;
  throw new PostgresProblem('misconfigured', `${has}: make one with ENCODING 'UTF8'`);
}

/** What a trigger, a rule or a row policy has left out. */
export function tooFewKept(host: PostgresHost, kept: number, of: number): PostgresProblem {
  const what = `PostgreSQL at ${nameOf(host)} kept ${kept} of ${of} records`;
  return new PostgresProblem('misconfigured', `${what}: take the triggers, rules and row policies off its tables`);
}

/** @returns how messages call a host. */
export function nameOf({ host, port }: PostgresHost): string {
  return `${host}:${port}`;
}

/** Asked for by the server only where its rules say so; pg looks for one elsewhere when it is given none. */
async function passwordOf({ passwordFile }: PostgresSettings): Promise<() => string> {
  const password = passwordFile === undefined ? '' : (await read(passwordFile, 'passwordFile')).replace(/\r?\n$/, '');
  return () => password;
}

async function tlsOf({ caFile }: PostgresSettings): Promise<pg.ClientConfig['ssl']> {
  if (caFile === undefined) return false;
  const ca = await read(caFile, 'caFile');
  // An empty one would be none at all for Node, which then trusts the authorities of the web.
  if (!ca.includes('-----BEGIN CERTIFICATE-----')) {
    throw new PostgresProblem('misconfigured', `journal.postgres.caFile ${caFile} has no certificate`);
  }
  return { ca, minVersion: 'TLSv1.2', rejectUnauthorized: true };
}

async function read(file: string, key: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new PostgresProblem('misconfigured', `journal.postgres.${key} ${file} ${fileProblem(cause)}`, { cause });
  }
}
