// Bans at two servers on one database: whoever is revoked at one of them is refused by the other from the same moment on, also by one
// that cannot hear of it, and when that is back.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { RunningServer, type Showing } from '../../../app/support/running-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr } from '../../../support/certificates.ts';
import type { SdsClient } from '../../../support/clients/sds-client.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { ConnectionGate } from '../../../support/postgres/connection-gate.ts';
import { peerOrSkip } from '../../support/presence.ts';

const SOON = { withinMs: 30_000 };
const SAID =
  /refused with CAP-R01, .* from now on, and on all of its database$[^]* end at once, on the others of its database within 5s, and/m;
const idOf = (account: string): string => `spiffe://cluster.local/ns/default/sa/${account}`;

describe('Whom two servers on one database have revoked', function () {
  this.timeout(180_000);
  let files: ServerFiles;
  let cluster: PostgresCluster;
  /** Before the database of `other`. */
  let gate: ConnectionGate;
  let one: RunningServer;
  let other: RunningServer;
  const ending = new AsyncDisposableStack();
  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = ending.use(await PostgresCluster.start());
    gate = ending.use(await ConnectionGate.before(cluster.port));
    files = ending.use(await ServerFiles.create());
    one = ending.use(await start('one', cluster.port));
    other = ending.use(await start('other', gate.port));
  });
  after(async () => ending.disposeAsync());

  async function start(name: string, port: number): Promise<RunningServer> {
    mkdirSync(files.path(name));
    const settings = {
      'journal.store': `postgres://${cluster.user}@${cluster.host}:${port}/${cluster.database}`,
      'journal.postgres.caFile': cluster.caFile,
      'journal.postgres.passwordFile': cluster.passwordFile,
      'listen.administration.socket': files.path(`${name}/admin.sock`),
      'sds.sockets': [],
    };
    return RunningServer.start({ files, settings });
  }
  async function revoke(server: 'one' | 'other', ...argv: readonly string[]): Promise<string> {
    const { terminal, out, error } = recordTerminal();
    const where = ['--reason', 'a drill', '--data-dir', files.path(server)];
    const options = { terminal, environment: {}, signal: AbortSignal.timeout(30_000) };
    assert.equal(await runCli(['revoke', ...argv, ...where], options), 0, error());
    assert.match(out(), argv[0] === 'lift' ? /given again .* on the others of its database within 5s/ : SAID);
    return /[0-9a-f]{16}/.exec(out())?.[0] ?? assert.fail(out());
  }
  const tokenOf = async (account: string): Promise<string> => files.mint.tokenIn('default', account);
  /** Renews, or by a token comes for the first time. */
  async function ask(server: RunningServer, account: string, showing?: Showing) {
    using client = server.client(showing ?? {});
    const { pem: csr, privateKeyPem: keyPem } = await buildCsr();
    const headers = showing ? {} : { authorization: `Bearer ${await tokenOf(account)}` };
    const { code, details, response } = await client.call({ csr, headers });
    const chainPem = response?.certChain.slice(0, -1).join('') ?? '';
    return { said: `${status[code]} ${details.slice(0, 7)}`.trim(), shown: { chainPem, keyPem } };
  }
  async function certified(account: string): Promise<Showing> {
    const { said, shown } = await ask(one, account);
    assert.equal(said, 'OK');
    return shown;
  }
  async function subscribed(showing: Showing) {
    const client: SdsClient = ending.use(other.sdsClient(showing));
    const stream = client.sotw();
    stream.subscribe('default');
    await stream.accept();
    return { stream, fetch: async () => client.fetch({ resourceNames: ['default'] }) };
  }
  const certificatesOf = async (account: string): Promise<number> => {
    const issued = `SELECT count(*) FROM decisions WHERE identity = '${idOf(account)}' AND outcome = 'issued'`;
    return Number((await cluster.query(issued)).flat()[0]);
  };

  it('are refused a renewal by either when the command returns, over CSR and over SDS, and have their streams ended', async () => {
    const shown = await certified('demo');
    const { stream, fetch } = await subscribed(shown);
    const before = await certificatesOf('demo');
    const id = await revoke('one', '--identity', idOf('demo'));
    assert.equal((await ask(other, 'demo', shown)).said, 'PERMISSION_DENIED CAP-R01');
    await assert.rejects(fetch(), { code: status.PERMISSION_DENIED });
    assert.equal((await stream.ended).code, status.PERMISSION_DENIED);
    assert.equal((await ask(one, 'demo', shown)).said, 'PERMISSION_DENIED CAP-R01');
    assert.equal(await certificatesOf('demo'), before);

    await revoke('other', 'lift', id);
    await eventually('it is lifted', async () => (await ask(one, 'demo', shown)).said === 'OK', SOON);
  });

  it('are refused by token at the other server when the command returns, each time', async () => {
    for (let round = 0; round < 20; round += 1) {
      const account = `batch-${round}`;
      await revoke(round % 2 === 0 ? 'one' : 'other', '--identity', idOf(account));
      assert.equal((await ask(round % 2 === 0 ? other : one, account)).said, 'PERMISSION_DENIED CAP-R01', account);
    }
  });

  it('are given nothing by one that is cut off from the database, and are refused by it from the moment that it is back', async () => {
    const shown = await certified('web');
    const { stream, fetch } = await subscribed(shown);
    const before = await certificatesOf('web');
    gate.hold();
    await revoke('one', '--identity', idOf('web'));
    assert.equal((await ask(other, 'web', shown)).said, 'UNAVAILABLE CAP-S04');
    assert.equal((await ask(one, 'web', shown)).said, 'PERMISSION_DENIED CAP-R01');
    gate.release();
    const seen: string[] = [];
    await eventually(
      'the other one answers again',
      async () => {
        const { said } = await ask(other, 'web', shown);
        seen.push(said);
        return !said.startsWith('UNAVAILABLE');
      },
      SOON,
    );
    assert.deepEqual(seen.at(-1), 'PERMISSION_DENIED CAP-R01');
    await assert.rejects(fetch(), { code: status.PERMISSION_DENIED });
    assert.equal((await stream.ended).code, status.PERMISSION_DENIED);
    assert.equal(await certificatesOf('web'), before);
  });
});
