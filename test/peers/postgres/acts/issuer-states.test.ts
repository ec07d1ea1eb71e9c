// Issuers of two servers on one database: what an operator tells one of them counts in the other, and while the database is away
// both go on by what they know.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { csrClient, RunningServer } from '../../../app/support/running-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';

const SOON = { withinMs: 30_000 };

describe('The issuers of two servers on one database', function () {
  this.timeout(120_000);
  let gold: TestAuthority;
  let files: ServerFiles;
  let cluster: PostgresCluster | undefined;
  const ending = new DisposableStack();
  const servers: RunningServer[] = [];
  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
    gold = await testAuthority();
    files = ending.use(await ServerFiles.create());
    files.setAnchors(files.pki.root.certificatePem + gold.root.certificatePem);
    files.write('gold-key.pem', gold.intermediate.keyPem);
    files.write('gold-chain.pem', gold.intermediate.certificatePem);
    for (const name of ['one', 'other']) servers.push(await start(name));
  });
  after(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
    ending.dispose();
    await cluster?.[Symbol.asyncDispose]();
  });

  async function start(name: string): Promise<RunningServer> {
    const entry = { name: 'gold', chainFile: files.path('gold-chain.pem'), keyFile: files.path('gold-key.pem') };
    const { host, port, database, passwordFile, caFile } = cluster!;
    mkdirSync(files.path(name));
    const settings = {
      'journal.store': `postgres://capstan@${host}:${port}/${database}`,
      'journal.postgres.caFile': caFile,
      'journal.postgres.passwordFile': passwordFile,
      'listen.administration.socket': files.path(`${name}/admin.sock`),
      'sds.sockets': [],
      additionalIssuers: [entry],
    };
    return RunningServer.start({ files, settings });
  }
  async function issuer(
    server: string,
    ...argv: readonly string[]
  ): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const where = ['--data-dir', files.path(server)];
    const code = await runCli(['issuer', ...argv, ...where], {
      terminal,
      environment: {},
      signal: AbortSignal.timeout(20_000),
    });
    return { code, output: out(), error: error() };
  }
  async function ask(server: RunningServer): Promise<string> {
    using client = csrClient(server.tlsPort, files.pki.root.certificatePem + gold.root.certificatePem);
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
    const { code, details, response } = await client.call({ csr: (await buildCsr()).pem, headers });
    if (code !== status.OK) return details;
    const goldKey = new X509Certificate(gold.intermediate.certificatePem).publicKey;
    return new X509Certificate(response?.certChain[0] ?? '').verify(goldKey) ? 'gold' : 'default';
  }

  it('are suspended in both within seconds, by one record', async () => {
    const [one, other] = servers as [RunningServer, RunningServer];
    assert.deepEqual(await Promise.all([ask(one), ask(other)]), ['default', 'default']);
    const { code, error } = await issuer('one', 'suspend', 'default', '--reason', 'a drill');
    assert.equal(code, 0, error);
    assert.equal(await ask(one), 'gold');
    await eventually('the other knows', async () => (await ask(other)) === 'gold', SOON);
    assert.deepEqual(await cluster!.query('SELECT operation, was, became FROM operations'), [
      ['issuer suspend', 'active', 'suspended'],
    ]);
  });

  it('stay suspended while the database is away and after it is back, and are not changed meanwhile', async () => {
    const [one, other] = servers as [RunningServer, RunningServer];
    await cluster!.stop();
    const refused = await issuer('other', 'resume', 'default', '--reason', 'too early');
    assert.equal(refused.code, 69, refused.error);
    assert.match(refused.error, /CAP-S04 /);
    await cluster!.restart();
    const signers = async (): Promise<readonly string[]> => Promise.all([ask(one), ask(other)]);
    const seen = await eventually(
      'both sign again',
      async () => {
        const found = await signers();
        return found.every((signer) => !signer.startsWith('CAP-')) && found;
      },
      SOON,
    );
    assert.deepEqual(seen, ['gold', 'gold']);
    const show = await eventually(
      'the journal is read',
      async () => {
        const { code, output } = await issuer('other', 'show', 'gold');
        return code === 0 && output;
      },
      SOON,
    );
    assert.match(show, /^default +\d+ +\d+$/m);
    assert.match(
      (await issuer('one', 'retire', 'default', '--reason', 'done')).error,
      /CAP-O03 .* leaves of certificate/,
    );
  });

  it('are changed once where an operator of each does the same at once, and the other is told the state', async () => {
    for (const [act, state] of [
      ['taint', 'tainted'],
      ['retire', 'retired'],
    ] as const) {
      const argv = [act, 'default', '--reason', 'a drill', act === 'taint' ? '--force' : '--override'] as const;
      const ran = await Promise.all(['one', 'other'].map(async (server) => issuer(server, ...argv)));
      const [other] = ran.filter(({ code }) => code !== 0);
      assert.deepEqual(ran.map(({ code }) => code).sort(), [0, 77], JSON.stringify(ran));
      assert.match(other?.error ?? '', new RegExp(`CAP-O03 .*issuer default is ${state} already`));
    }
    assert.deepEqual(await cluster!.query("SELECT operation, was, became FROM operations WHERE became <> 'refused'"), [
      ['issuer suspend', 'active', 'suspended'],
      ['issuer taint', 'suspended', 'tainted'],
      ['issuer retire', 'tainted', 'retired'],
    ]);
  });

  it('sign nothing with a stolen key in either within seconds, whichever is told that it is tainted', async () => {
    const [one, other] = servers as [RunningServer, RunningServer];
    assert.deepEqual(await Promise.all([ask(one), ask(other)]), ['gold', 'gold']);
    const { code, error } = await issuer('other', 'taint', 'gold', '--reason', 'the key leaked', '--force');
    assert.equal(code, 0, error);
    assert.match(await ask(other), /^CAP-S14 /);
    await eventually('the one knows', async () => (await ask(one)).startsWith('CAP-S14 '), SOON);
  });
});
