// The whole server on a PostgreSQL, as its clients and its operator see it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { RunningServer } from '../../app/support/running-server.ts';
import { nested, ServerFiles } from '../../app/support/server-files.ts';
import { eventually, unstalledMs } from '../../support/eventually.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { lockTable } from '../../support/postgres/table-lock.ts';
import { peerOrSkip } from '../support/presence.ts';

/** `listen.requestTimeout` as it is by default. */
const REQUEST_TIMEOUT_MS = 5_000;
const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');

describe('A server on PostgreSQL', function () {
  this.timeout(120_000);
  let cluster: PostgresCluster | undefined;
  let files: ServerFiles | undefined;
  let server: RunningServer | undefined;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start({ requireTls: true });
    files = await ServerFiles.create();
    server = await RunningServer.start({ files, settings: settingsOf(cluster, files) });
    files.write('capstan.yaml', JSON.stringify(nested({ ...files.settings, ...settingsOf(cluster, files) })));
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    files?.[Symbol.dispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  /** The command itself, with an empty environment. */
  async function run(...words: readonly string[]): Promise<Ran> {
    const config = words.includes('--config') ? [] : ['--config', files!.path('capstan.yaml')];
    const args = [MAIN, ...words, ...config];
    const failed = (cause: unknown) =>
      cause as { readonly stdout: string; readonly stderr: string; readonly code: number };
    const done = await promisify(execFile)(process.execPath, args, { env: {} }).catch(failed);
    return { out: done.stdout, error: done.stderr, code: 'code' in done ? done.code : 0 };
  }
  interface Ran {
    readonly out: string;
    readonly error: string;
    readonly code: number;
  }

  async function listed(...words: readonly string[]): Promise<readonly { readonly identity?: string }[]> {
    return JSON.parse((await run('journal', 'list', '--output', 'json', ...words)).out) as { identity?: string }[];
  }

  it('issues, and the journal has it', async () => {
    assert.equal((await server!.ask('default', 'demo')).code, status.OK);
    const [record] = await listed('--identity', 'spiffe://cluster.local/ns/default/sa/demo');
    assert.equal(record?.identity, 'spiffe://cluster.local/ns/default/sa/demo');
  });

  it('refuses with UNAVAILABLE in time while the database is away, says so, and goes on by itself', async () => {
    const { httpAddress } = server!.report;
    const ready = async (): Promise<Response> => fetch(`http://${httpAddress}/readyz`);
    await cluster!.stop();
    const tookMs = await unstalledMs(async () => {
      const refused = await server!.ask('default', 'demo');
      assert.equal(refused.code, status.UNAVAILABLE);
      assert.match(refused.details, /^CAP-S04 .*: the decision could not be recorded/);
    });
    assert.ok(tookMs < REQUEST_TIMEOUT_MS, `${tookMs} ms`);
    const { error } = await run('inventory');
    assert.match(error, /CAP-S04 the issuance journal cannot be read or written/);
    assert.doesNotMatch(error, /recorded/);
    await eventually('it is not ready', async () => (await ready()).status === 503, { withinMs: 30_000 });
    assert.match(await (await ready()).text(), /"journal","why":"PostgreSQL at 127\.0\.0\.1:\d+ /);
    await cluster!.restart();
    await eventually('it is ready', async () => (await ready()).ok, { withinMs: 60_000 });
    assert.equal((await server!.ask('default', 'demo')).code, status.OK);
    // One alarm for all that was refused meanwhile.
    const alarms = (): readonly string[] =>
      [...files!.logText.matchAll(/"event":"(journalFailing|journalRecovered)"/g)].map(([, event = '']) => event);
    await eventually('both are logged', () => alarms().includes('journalRecovered'), { withinMs: 30_000 });
    assert.deepEqual(alarms().slice(0, 2), ['journalFailing', 'journalRecovered']);
    assert.doesNotMatch(files!.logText, new RegExp(cluster!.password));
  });

  it('issues nothing while its table is locked, and leaves nobody waiting', async () => {
    await using locked = await lockTable(cluster!, 'decisions');
    const outcomes = await Promise.all(Array.from({ length: 20 }, async () => server!.ask('default', 'demo')));
    assert.deepEqual([...new Set(outcomes.map(({ code }) => code))], [status.UNAVAILABLE]);
    await locked.release();
    await eventually('it issues', async () => (await server!.ask('default', 'demo')).code === status.OK, {
      withinMs: 60_000,
    });
  });

  it('has its database judged by `config check`', async () => {
    const checked = async (): Promise<string> => (await run('config', 'check')).error;
    // The clusters of tests do not wait for the disk.
    assert.match(
      await checked(),
      /journal\.store: fsync is off in PostgreSQL: a crash of its machine can lose records/,
    );
    await cluster!.query("ALTER SYSTEM SET fsync = 'on'");
    await cluster!.query('SELECT pg_reload_conf()');
    await eventually('all is well', async () => !(await checked()).includes('PostgreSQL'), { withinMs: 30_000 });
    await cluster!.query('UPDATE schema_version SET version = 99, usable_from = 99');
    assert.match(await checked(), /journal\.store: the database .*99/);
    await cluster!.query('UPDATE schema_version SET version = 1, usable_from = 1');
    await cluster!.query('ALTER TABLE decisions OWNER TO postgres');
    assert.match(await checked(), /journal\.store: the database has tables that another user owns/);
    await cluster!.query('ALTER TABLE decisions OWNER TO capstan');
    await cluster!.query('CREATE DATABASE foreign_one');
    const settings = {
      ...settingsOf(cluster!, files!),
      'journal.store': cluster!.url().replace(/[^/]+$/, 'foreign_one'),
    };
    files!.write('foreign.yaml', JSON.stringify(nested({ ...files!.settings, ...settings })));
    const { error } = await run('config', 'check', '--config', files!.path('foreign.yaml'));
    assert.match(error, /journal\.store: the database has no schema in which this user may make the tables/);
    await cluster!.stop();
    const away = await run('config', 'check');
    assert.match(away.error, /journal\.store: could not be asked, so what a crash could lose is not known/);
    assert.equal(away.code, 69);
    await cluster!.restart();
  });
});

function settingsOf(
  { caFile, passwordFile, ...cluster }: PostgresCluster,
  files: ServerFiles,
): Record<string, unknown> {
  return {
    'journal.store': `postgres://capstan@${cluster.host}:${cluster.port}/${cluster.database}`,
    'journal.postgres.caFile': caFile,
    'journal.postgres.passwordFile': passwordFile,
    'listen.administration.socket': files.path('admin.sock'),
  };
}
