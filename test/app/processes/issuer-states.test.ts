// What an operator does to the issuers of a server of several processes: it counts in all of them at once, also in one that starts
// later, and is one record.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../src/cli/program.ts';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { createRoot, issueLeaf } from '../../peers/support/pki.ts';
import { buildCsr, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { freePort } from '../../support/eventually.ts';
import { csrClient, RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { kill9, untilServing, workersOf } from '../support/several-processes.ts';

/** On connections of their own, so that the kernel spreads them over the processes. */
const MANY = 24;

describe('The issuers of a server of several processes', function () {
  this.timeout(120_000);
  let gold: TestAuthority;
  let files: ServerFiles;
  let server: RunningServer;
  let port: number;
  before(async () => {
    gold = await testAuthority();
    files = await ServerFiles.create();
    files.setAnchors(files.pki.root.certificatePem + gold.root.certificatePem);
    files.write('gold-key.pem', gold.intermediate.keyPem);
    files.write('gold-chain.pem', gold.intermediate.certificatePem);
    const people = await createRoot('People of the Corporation');
    const alice = await issueLeaf(people, { dns: 'alice.example' });
    files.write('people.pem', people.certificatePem);
    files.write('alice.pem', alice.chainPem);
    files.write('alice-key.pem', alice.keyPem);
    port = await freePort();
    const entry = { name: 'gold', chainFile: files.path('gold-chain.pem'), keyFile: files.path('gold-key.pem') };
    const listener = {
      'listen.administration.address': `127.0.0.1:${port}`,
      'listen.administration.clientCaFile': files.path('people.pem'),
      'listen.administration.roles.security': ['DNS:alice.example'],
    };
    server = await RunningServer.start({ files, settings: { processes: 2, additionalIssuers: [entry], ...listener } });
    await untilServing(files, 2);
    assert.equal(server.report.administrationAddress, `127.0.0.1:${port}`);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function run(...argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(20_000) });
    return { code, output: out(), error: error() };
  }
  const here = async (...argv: readonly string[]) => run('issuer', ...argv, '--data-dir', files.directory);
  async function asAlice(...argv: readonly string[]) {
    const { pki } = files;
    files.write('roots.pem', pki.root.certificatePem + gold.root.certificatePem);
    const shown = ['--client-cert', files.path('alice.pem'), '--client-key', files.path('alice-key.pem')];
    return run('issuer', ...argv, '--server', `https://localhost:${port}`, '--ca', files.path('roots.pem'), ...shown);
  }
  async function ask(): Promise<string> {
    using client = csrClient(server.tlsPort, files.pki.root.certificatePem + gold.root.certificatePem);
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
    const { code, details, response } = await client.call({ csr: (await buildCsr()).pem, headers });
    if (code !== status.OK) return details;
    const goldKey = new X509Certificate(gold.intermediate.certificatePem).publicKey;
    return new X509Certificate(response?.certChain[0] ?? '').verify(goldKey) ? 'gold' : 'default';
  }
  async function signers(): Promise<readonly string[]> {
    return [...new Set(await Promise.all(Array.from({ length: MANY }, ask)))];
  }

  it('are suspended in all of them when the command returns, in one that starts later too, with one record', async () => {
    assert.deepEqual(await signers(), ['default']);
    const { code, error } = await here('suspend', 'default', '--reason', 'a drill');
    assert.equal(code, 0, error);
    assert.deepEqual(await signers(), ['gold']);
    const [first] = workersOf(files);
    await kill9(first?.pid ?? 0);
    await untilServing(files, 2);
    assert.deepEqual(await signers(), ['gold']);
    const { output } = await run('journal', 'operations', '--data-dir', files.directory, '--output', 'json');
    const operations = JSON.parse(output) as OperationRecord[];
    assert.deepEqual(
      operations.map(({ operation, was, is, details }) => [operation, was, is, details?.actor]),
      [['issuer suspend', 'active', 'suspended', 'local']],
    );
  });

  it('answer somebody with a client certificate as whichever process takes the connection', async () => {
    const shown = await Promise.all(Array.from({ length: 6 }, async () => asAlice('list')));
    for (const { code, output, error } of shown) {
      assert.equal(code, 0, error);
      assert.match(output, /^default \(default\) +suspended /m);
    }
    assert.equal((await asAlice('resume', 'default', '--reason', 'it is over')).code, 0);
    assert.deepEqual(await signers(), ['default']);
  });

  it('sign nothing with a stolen key in any of them when the command that taints it returns, nor in one that starts later', async () => {
    assert.deepEqual(await signers(), ['default']);
    const { code, error } = await here('taint', 'default', '--reason', 'the key leaked');
    assert.equal(code, 0, error);
    assert.deepEqual(await signers(), ['gold']);
    const [first] = workersOf(files);
    await kill9(first?.pid ?? 0);
    await untilServing(files, 2);
    assert.deepEqual(await signers(), ['gold']);
  });
});
