// A pooler between server and database: PgBouncer refuses a connection that opens with a setting it does not track.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresConnection } from '../../../../src/adapters/storage/postgres/connection/postgres-connection.ts';
import { issued, NEVER } from '../../../adapters/storage/sqlite/records.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { settingsOf, startJournal, STATEMENT_TIMEOUT_MS } from '../support/journals.ts';

/** What PgBouncer takes unless `ignore_startup_parameters` has more (pgbouncer.org/config.html, and its source). */
const TAKEN = ['user', 'database', 'application_name', 'client_encoding', 'DateStyle', 'TimeZone'];
const SETTINGS = ['statement_timeout', 'lock_timeout', 'default_transaction_isolation', 'synchronous_commit'];

describe('A PostgreSQL behind a pooler of sessions', function () {
  this.timeout(120_000);
  let cluster: PostgresCluster | undefined;
  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
    await cluster.query("ALTER ROLE capstan SET default_transaction_isolation = 'serializable'");
    await cluster.query('ALTER ROLE capstan SET synchronous_commit = off');
    process.env['PGOPTIONS'] = '-c statement_timeout=7';
  });
  after(async () => {
    delete process.env['PGOPTIONS'];
    await cluster?.[Symbol.asyncDispose]();
  });

  it('records, and its sessions are as we set them, whatever role and environment say', async () => {
    await using pooler = await startPooler(cluster!);
    const changes = { hosts: [pooler.host], caFile: undefined };
    await using started = await startJournal(cluster!, changes, AbortSignal.timeout(30_000));
    await started.journal.append(issued('a'), { signal: NEVER });
    assert.deepEqual(await cluster!.query('SELECT decision_id FROM decisions'), [['a']]);
    const parts = { clock: new SystemClock() };
    const connection = await PostgresConnection.open(parts, settingsOf(cluster!, changes), pooler.host);
    const names = SETTINGS.map((name) => `current_setting('${name}') AS ${name}`).join(', ');
    const rows = await connection.query({ text: `SELECT ${names}` });
    connection.destroy();
    const [statement_timeout, lock_timeout] = [`${STATEMENT_TIMEOUT_MS / 1_000}s`, `${STATEMENT_TIMEOUT_MS * 0.75}ms`];
    const ours = { default_transaction_isolation: 'read committed', synchronous_commit: 'on' };
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [{ statement_timeout, lock_timeout, ...ours }],
    );
  });
});

interface Pooler extends AsyncDisposable {
  readonly host: { readonly host: string; readonly port: number };
}

/** Hands each connection on that opens as PgBouncer takes it, and ends every other. */
async function startPooler({ host, port }: PostgresCluster): Promise<Pooler> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client.on('error', () => client.destroy()));
    client.once('data', (startup: Buffer) => {
      if (!parametersOf(startup).every((name) => TAKEN.includes(name))) return void client.destroy();
      const database = connect(port, host).on('error', () => client.destroy());
      database.write(startup);
      client.pipe(database).pipe(client);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dispose = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  const own = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  return { host: own, [Symbol.asyncDispose]: dispose };
}

/** Names in a StartupMessage: length, version, then names and values (postgresql.org/docs/current/protocol-message-formats.html). */
function parametersOf(startup: Buffer): readonly string[] {
  return startup
    .toString('utf8', 8)
    .split('\0')
    .filter((text, n) => n % 2 === 0 && text !== '');
}
