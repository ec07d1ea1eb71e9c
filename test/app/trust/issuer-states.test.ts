// What operators do to the issuers of a running server, by its commands: what it changes for those who ask for certificates, and
// that a restart forgets none of it.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { X509Certificate } from 'node:crypto';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { buildCsr, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { csrClient, RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

describe('The issuers of a running server', () => {
  let gold: TestAuthority;
  let files: ServerFiles;
  let server: RunningServer;
  beforeEach(async () => {
    gold = await testAuthority();
    files = await ServerFiles.create();
    files.setAnchors(files.pki.root.certificatePem + gold.root.certificatePem);
    files.write('gold-key.pem', gold.intermediate.keyPem);
    files.write('gold-chain.pem', gold.intermediate.certificatePem);
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function start({ withGold }: { readonly withGold: boolean }): Promise<void> {
    const entry = { name: 'gold', chainFile: files.path('gold-chain.pem'), keyFile: files.path('gold-key.pem') };
    const settings = { ...(withGold && { additionalIssuers: [entry] }), 'sds.rotationSpread': '0s' };
    server = await RunningServer.start({ files, settings });
  }
  async function run(...argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const where = ['--data-dir', files.directory];
    const code = await runCli([...argv, ...where], { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
    return { code, output: out(), error: error() };
  }
  async function issuer(...argv: readonly string[]): Promise<string> {
    const { code, output, error } = await run('issuer', ...argv);
    assert.equal(code, 0, error);
    return output;
  }
  /** Who signed the leaf, or the refusal. */
  async function ask(): Promise<string> {
    using client = csrClient(server.tlsPort, files.pki.root.certificatePem + gold.root.certificatePem);
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
    const { code, details, response } = await client.call({ csr: (await buildCsr()).pem, headers });
    if (code !== status.OK) return `${status[code]} ${details}`;
    const leaf = new X509Certificate(response?.certChain[0] ?? '');
    return leaf.verify(new X509Certificate(gold.intermediate.certificatePem).publicKey) ? 'gold' : 'default';
  }

  it('are listed with their states', async () => {
    await start({ withGold: true });
    const lines = (await issuer('list')).trim().split('\n');
    assert.match(lines[0] ?? '', /^NAME +STATE +SINCE +ID +ENDS +SUBJECT$/);
    assert.match(lines[1] ?? '', new RegExp(`^default \\(default\\) +active +- +${files.pki.issuer.id} `));
    assert.match(lines[2] ?? '', new RegExp(`^gold +active +- +${gold.issuer.id} `));
  });

  it('sign nothing while they are suspended, over a restart too, and the next one that policy allows signs instead', async () => {
    await start({ withGold: true });
    assert.equal(await ask(), 'default');
    assert.match(
      await issuer('suspend', 'default', '--reason', 'under review'),
      new RegExp(`^Issuer default \\(${files.pki.issuer.id}\\) is suspended; before it was active.\n$`),
    );
    assert.equal(await ask(), 'gold');
    await server.stop();
    await start({ withGold: true });
    assert.equal(await ask(), 'gold');
    await issuer('resume', 'default', '--reason', 'reviewed');
    assert.equal(await ask(), 'default');
  });
});
