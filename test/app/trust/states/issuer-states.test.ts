// What operators do to the issuers of a running server, by its commands: what it changes for those who ask for certificates, and
// that a restart forgets none of it.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { pemOf, secretsOf } from '../../../support/clients/sds-client.ts';
import { leafUnder } from '../../../adapters/grpc/leaves.ts';
import { csrClient, RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

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
    return signerOf(response?.certChain[0] ?? '');
  }
  function signerOf(leafPem: string): string {
    const goldKey = new X509Certificate(gold.intermediate.certificatePem).publicKey;
    return new X509Certificate(leafPem).verify(goldKey) ? 'gold' : 'default';
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
    const ready = await server.get('/readyz');
    assert.equal(ready.status, 200);
    assert.match(await ready.text(), /"issuer states".*issuer default is suspended since/);
    const page = await (await server.get('/metrics')).text();
    assert.match(page, /^capstan_issuer_state\{issuer="default",state="suspended"\} 1$/m);
    assert.match(page, /^capstan_issuer_decisions_total\{issuer="gold",outcome="issued"\} 1$/m);
    assert.match(page, /^capstan_issuer_moves_total\{issuer="default",state="suspended"\} 1$/m);
    await server.stop();
    await start({ withGold: true });
    assert.equal(await ask(), 'gold');
    await issuer('resume', 'default', '--reason', 'reviewed');
    assert.equal(await ask(), 'default');
  });

  it('refuse with the time and the contact, as unavailable, where no other may sign, and say so when they are suspended', async () => {
    await start({ withGold: false });
    assert.match(
      await issuer('suspend', 'default', '--reason', 'a secret of ours'),
      /\nNote: no other issuer can sign: requests are refused with CAP-S14, /,
    );
    assert.match(
      await ask(),
      /^UNAVAILABLE CAP-S14 the issuer may not sign: issuer default is suspended since \S+ \S+ UTC; ask #pki id=/,
    );
    assert.doesNotMatch(await ask(), /secret of ours/);
    const ready = await server.get('/readyz');
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /"issuer states".*issuer default is suspended since/);
  });

  it('that are tainted have every leaf of them over SDS replaced by another issuer, at once and for good', async () => {
    await start({ withGold: true });
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('default');
    const first = signerOf(pemOf(secretsOf(await stream.accept())[0]!));
    assert.equal(first, 'default');
    await issuer('taint', 'default', '--reason', 'the key leaked');
    assert.equal(signerOf(pemOf(secretsOf(await stream.accept())[0]!)), 'gold');
    assert.equal(await ask(), 'gold');
    await server.stop();
    await start({ withGold: true });
    assert.equal(await ask(), 'gold');
    const { code, error } = await run('issuer', 'resume', 'default', '--reason', 'never mind');
    assert.deepEqual([code, /CAP-O03 .*is tainted: only a suspended issuer resumes/.test(error)], [77, true], error);
  });

  it('that are tainted prove nobody any more: what is on record of their leaves a thief of the key can copy, and a token still renews', async () => {
    await start({ withGold: true });
    using client = csrClient(server.tlsPort, files.pki.root.certificatePem + gold.root.certificatePem);
    const { pem: csr, privateKeyPem: keyPem } = await buildCsr();
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
    const chainPem = (await client.call({ csr, headers })).response?.certChain.slice(0, -1).join('') ?? '';
    using owner = csrClient(server.tlsPort, files.pki.root.certificatePem + gold.root.certificatePem, {
      chainPem,
      keyPem,
    });
    assert.equal((await owner.call({ csr })).code, status.OK);
    const own = new X509Certificate(chainPem);
    const forged = await leafUnder(files.pki.intermediate, {
      uris: [/URI:([^,]+)/.exec(own.subjectAltName ?? '')?.[1] ?? ''],
      serial: own.serialNumber.toLowerCase(),
      notAfterMs: own.validToDate.getTime(),
    });
    using thief = csrClient(server.tlsPort, files.pki.root.certificatePem + gold.root.certificatePem, forged);
    await issuer('taint', 'default', '--reason', 'the key leaked');
    for (const renewing of [owner, thief]) {
      const { code, details } = await renewing.call({ csr });
      assert.equal(code, status.UNAUTHENTICATED);
      assert.match(details, /^CAP-A09 .*: its issuer is tainted, and proves nobody any more/);
    }
    const { code, response } = await owner.call({ csr, headers });
    assert.equal(code, status.OK);
    assert.equal(signerOf(response?.certChain[0] ?? ''), 'gold');
  });

  it('are not tainted where nobody else could sign, unless it is forced', async () => {
    await start({ withGold: false });
    const { code, error } = await run('issuer', 'taint', 'default', '--reason', 'leaked');
    assert.equal(code, 77);
    assert.match(error, /CAP-O03 .*no other issuer can sign: .*\(--force does it all the same\)/);
    assert.equal(await ask(), 'default');
    await issuer('taint', 'default', '--reason', 'leaked', '--force');
    assert.match(await ask(), /^UNAVAILABLE CAP-S14 .*issuer default is tainted since/);
  });

  it('are not retired while leaves of them live, which are counted, unless that is overridden and on record', async () => {
    await start({ withGold: true });
    for (let leaf = 0; leaf < 3; leaf += 1) assert.equal(await ask(), 'default');
    const { code, error } = await run('issuer', 'retire', 'default', '--reason', 'done');
    assert.equal(code, 77);
    // With the CA's own serving certificate.
    assert.match(error, /CAP-O03 .*4 leaves of certificate [0-9a-f]{16} live, the last until 20\d\d-.* \(--override /);
    await issuer('retire', 'default', '--reason', 'done', '--override');
    assert.equal(await ask(), 'gold');
    const { output } = await run('journal', 'operations');
    assert.match(output, /issuer retire +active +retired +local \(security\) +issuer default [0-9a-f]{16} +done/);
    const shown = await issuer('show', 'default');
    assert.match(shown, /^Issuer default \(default\) is retired since .*, by local: done\.$/m);
    assert.match(shown, /it issued 4 and refused 0; 4 live, the last until /);
    assert.match(shown, /^NAMESPACE +ISSUED +LIVE\ndefault +3 +3$/m);
    assert.match(shown, /^TIME +ID +FROM +TO +BY +REASON\n.* active +retired +local +done$/m);
  });

  it('are not judged by a file that lost its shape: the server does not start', async () => {
    await start({ withGold: true });
    await issuer('taint', 'default', '--reason', 'leaked');
    await server.stop();
    const kept = readFileSync(files.path('journal.db.issuers'), 'utf8');
    files.write('journal.db.issuers', kept.slice(0, 100));
    await assert.rejects(start({ withGold: true }), {
      reason: 'CAP-X03',
      message: /journal\.db\.issuers is not the ledger/,
    });
    files.write('journal.db.issuers', kept);
    await start({ withGold: true });
    assert.equal(await ask(), 'gold');
  });
});
