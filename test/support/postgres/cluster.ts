// A PostgreSQL of a test's own: a cluster on a port of the loopback with TLS under a throwaway CA, a role with a
// password, and a standby where one is asked for. It can be crashed, frozen, started again and promoted; it ends with
// the test's process. Skip with `peerOrSkip(this, findPostgres(), 'PostgreSQL')`.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endProcess, startProcess } from '../../peers/support/owned-process.ts';
import { createRoot, issueLeaf } from '../../peers/support/pki.ts';
import { eventually, freePort } from '../eventually.ts';
import { findPostgres } from './binaries.ts';
import { asServer, giveToServer, runAsServer } from './server-user.ts';

export interface ClusterSettings {
  /** Whether a commit waits for the disk; a killed process loses nothing without. No, unless said otherwise. */
  readonly fsync?: boolean;
  /** Whether connections without TLS are refused. No, unless said otherwise. */
  readonly requireTls?: boolean;
  /** Further lines of `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Superuser of every cluster, for what the tests do themselves. */
const SUPERUSER = 'postgres';
/** A busy machine takes long to start one, and longer to recover it. */
const UP_MS = 60_000;
const STOP_MS = 20_000;

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export class PostgresCluster implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly port: number;
  /** A role without privileges, the owner of `database`. */
  readonly user = 'capstan';
  readonly database = 'capstan';
  /** Of both the role and the superuser. */
  readonly password = 'not-a-secret';
  /** Everything of it, in a folder of the temporary folder. */
  readonly #folder: string;
  readonly #binaries: string;
  readonly #data: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#data = path.join(folder, 'data');
    this.#binaries = findPostgres() ?? 'no PostgreSQL here; skip the test with findPostgres()';
    this.port = port;
  }

  /** A new, empty one that takes connections when this resolves. */
  static async start(settings: ClusterSettings = {}): Promise<PostgresCluster> {
    const cluster = new PostgresCluster(newFolder(), await freePort());
    return cluster.#orNone(async () => {
      await cluster.#initialize(settings);
      await cluster.restart();
      await cluster.query(`CREATE ROLE ${cluster.user} LOGIN PASSWORD '${cluster.password}'`, 'postgres');
      await cluster.query(`CREATE DATABASE ${cluster.database} OWNER ${cluster.user}`, 'postgres');
    });
  }

  /** As `journal.store` names it. @param others further clusters that may have the database, after this one. */
  url(others: readonly PostgresCluster[] = []): string {
    const hosts = [this, ...others].map(({ host, port }) => `${host}:${port}`);
    return `postgres://${this.user}@${hosts.join(',')}/${this.database}`;
  }

  /** Mode 0600; for `journal.postgres.passwordFile`. */
  get passwordFile(): string {
    return path.join(this.#folder, 'password');
  }

  /** PEM of the CA under which the server's certificate is, for `127.0.0.1` and `localhost`. */
  get caFile(): string {
    return path.join(this.#folder, 'ca.pem');
  }

  /** What the server has logged. */
  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** A streaming standby of it with the same role, password and CA. With `synchronous` a commit waits for the standby. */
  async standby({ synchronous }: { readonly synchronous: boolean }): Promise<PostgresCluster> {
    const standby = new PostgresCluster(newFolder(), await freePort());
    return standby.#orNone(async () => {
      await standby.#copyOf(this);
      await standby.restart();
      if (!synchronous) return;
      await this.#configureAll({ synchronous_standby_names: '*' });
      await eventually('the standby is synchronous', () => this.#has('sync', 'sync_state FROM pg_stat_replication'), {
        withinMs: UP_MS,
      });
    });
  }

  /** Makes a standby the primary; it takes writes, and waits for no standby, when this resolves. */
  async promote(): Promise<void> {
    await this.#configureAll({ synchronous_standby_names: '' });
    await this.query('SELECT pg_promote()');
    await eventually('the standby is promoted', () => this.#has('f', 'pg_is_in_recovery()'), { withinMs: UP_MS });
  }

  /** SIGKILL of the server and of each of its processes at once, as a machine that loses its power. */
  async kill9(): Promise<void> {
    const server = this.#process!;
    const ended = once(server, 'exit');
    this.#signalAll('SIGSTOP'); // the server first, so that it starts no more of them
    this.#signalAll('SIGKILL');
    await ended;
  }

  /** Stops every process where it stands: connections stay, and nothing answers. */
  freeze(): void {
    this.#signalAll('SIGSTOP');
  }

  thaw(): void {
    this.#signalAll('SIGCONT');
  }

  /** A fast stop: open transactions are rolled back. */
  async stop(): Promise<void> {
    const server = this.#process!;
    const ended = once(server, 'exit');
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGINT');
    await ended;
  }

  /** Starts it on the same port and data; takes connections when this resolves. */
  async restart(): Promise<void> {
    // After a crash its shared memory is in use for a moment longer, and a start meanwhile fails.
    await eventually('PostgreSQL is up', async () => this.#up(), { withinMs: UP_MS }).catch((cause: unknown) => {
      throw new Error(`PostgreSQL did not start: ${this.log.slice(-2_000)}`, { cause });
    });
  }

  /**
   * Asks as the superuser, each column as text. @param database `capstan` unless said otherwise.
   * @throws Error with what the server said.
   */
  async query(sql: string, database = this.database): Promise<readonly (readonly string[])[]> {
    const args = ['--no-psqlrc', '--tuples-only', '--no-align', '--field-separator=\t', '--set=ON_ERROR_STOP=1'];
    const child = startProcess(
      path.join(this.#binaries, 'psql'),
      [...args, `--command=${sql}`],
      { PATH: process.env['PATH'], ...this.#connection(SUPERUSER, database) },
      '/',
    );
    const [out, err] = await Promise.all([textOf(child.stdout!), textOf(child.stderr!), once(child, 'close')]);
    if (child.exitCode !== 0) throw new Error(err);
    return out
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined) {
      this.thaw();
      this.#process.kill('SIGQUIT'); // an immediate stop; nobody reads the data again
      await endProcess(this.#process, STOP_MS);
      // Its last words may still be on their way, and the file for them goes.
      for (const stream of [this.#process.stdout, this.#process.stderr]) stream?.destroy();
    }
    rmSync(this.#folder, { recursive: true, force: true });
    folders.delete(this.#folder);
  }

  /** Nothing is left of a cluster whose making failed. */
  async #orNone(make: () => Promise<void>): Promise<this> {
    try {
      await make();
      return this;
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #initialize({ fsync = false, requireTls = false, settings = {} }: ClusterSettings): Promise<void> {
    this.#write('password', this.password);
    this.#write('postgresql.log', '');
    const ca = await createRoot('PostgreSQL CA');
    const { chainPem, keyPem } = await issueLeaf(ca, { dns: 'localhost', ip: this.host });
    this.#write('ca.pem', ca.certificatePem);
    this.#write('server.pem', chainPem);
    this.#write('server-key.pem', keyPem);
    giveToServer(this.#folder);
    const options = ['--no-sync', '--no-locale', '--encoding=UTF8', '--auth=scram-sha-256', `--username=${SUPERUSER}`];
    runAsServer(this.#program('initdb'), [...options, `--pwfile=${this.passwordFile}`, `--pgdata=${this.#data}`]);
    this.#allow(requireTls ? 'hostssl' : 'host');
    this.#configure({ fsync: fsync ? 'on' : 'off', ...settings });
  }

  async #copyOf(primary: PostgresCluster): Promise<void> {
    for (const name of ['password', 'ca.pem', 'server.pem', 'server-key.pem']) {
      this.#write(name, readFileSync(path.join(primary.#folder, name), 'utf8'));
    }
    this.#write('postgresql.log', '');
    giveToServer(this.#folder);
    const options = ['--checkpoint=fast', '--no-sync', '--wal-method=stream', '--write-recovery-conf'];
    const connection = primary.#connection(SUPERUSER, 'postgres');
    runAsServer(this.#program('pg_basebackup'), [...options, `--pgdata=${this.#data}`], connection);
    // A primary that is back is asked at once, not after 5 s: meanwhile every commit waits.
    this.#configure({ wal_retrieve_retry_interval: '200ms' });
  }

  /** Small, and with what changes from cluster to cluster last, where it counts. */
  #configure(settings: Readonly<Record<string, string>>): void {
    const all = {
      listen_addresses: this.host,
      port: String(this.port),
      unix_socket_directories: this.#folder,
      ssl: 'on',
      ssl_cert_file: path.join(this.#folder, 'server.pem'),
      ssl_key_file: path.join(this.#folder, 'server-key.pem'),
      ...settings,
    };
    const lines = Object.entries(all).map(([key, value]) => `${key} = '${value}'\n`);
    appendFileSync(path.join(this.#data, 'postgresql.conf'), lines.join(''));
  }

  #allow(kind: 'host' | 'hostssl'): void {
    const rules = ['all', 'replication'].map((what) => `${kind} ${what} all ${this.host}/32 scram-sha-256\n`);
    const own = `host all ${SUPERUSER} ${this.host}/32 scram-sha-256\nlocal all all scram-sha-256\n`;
    writeFileSync(path.join(this.#data, 'pg_hba.conf'), own + rules.join(''));
  }

  async #configureAll(settings: Readonly<Record<string, string>>): Promise<void> {
    for (const [key, value] of Object.entries(settings)) await this.query(`ALTER SYSTEM SET ${key} = '${value}'`);
    await this.query('SELECT pg_reload_conf()');
  }

  async #up(): Promise<boolean> {
    if (this.#process?.exitCode !== null || this.#process.signalCode !== null) {
      const [command, args] = asServer(this.#program('postgres'), ['-D', this.#data]);
      const server = startProcess(command, args, process.env, '/');
      for (const stream of [server.stdout, server.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => appendFileSync(this.#logFile, text));
      }
      this.#process = server;
    }
    await this.query('SELECT 1', 'postgres');
    return true;
  }

  async #has(value: string, expression: string): Promise<boolean> {
    return (await this.query(`SELECT ${expression}`)).some(([found]) => found === value);
  }

  #connection(user: string, database: string): NodeJS.ProcessEnv {
    const [PGHOST, PGPORT] = [this.host, String(this.port)];
    return { PGHOST, PGPORT, PGUSER: user, PGDATABASE: database, PGPASSWORD: this.password, PGCONNECT_TIMEOUT: '5' };
  }

  #signalAll(signal: NodeJS.Signals): void {
    const server = this.#process?.pid;
    if (server === undefined || this.#process?.exitCode !== null || this.#process.signalCode !== null) return;
    for (const pid of [server, ...childrenOf(server)]) signalIfThere(pid, signal);
  }

  #write(name: string, text: string): void {
    writeFileSync(path.join(this.#folder, name), text, { mode: 0o600 });
  }

  #program(name: string): string {
    return path.join(this.#binaries, name);
  }

  get #logFile(): string {
    return path.join(this.#folder, 'postgresql.log');
  }
}

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'capstan-pg-'));
  folders.add(folder);
  return folder;
}

/** Each connection is a process of its own, and in a session of its own, so that no process group has them all. */
function childrenOf(parent: number): readonly number[] {
  const { stdout } = spawnSync('pgrep', ['--parent', String(parent)], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has just ended by itself, which is as good
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk);
  return text;
}
