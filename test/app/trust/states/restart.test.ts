// A server that is started while operators do not let its issuers sign: it comes up, says why it is not ready, lets operators in by
// every way, and is well again without another start.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { createRoot, issueLeaf, type TestAuthority as Peer } from '../../../peers/support/pki.ts';
import { buildCsr, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { pemOf, secretsOf } from '../../../support/clients/sds-client.ts';
import { eventually, freePort } from '../../../support/eventually.ts';
import { csrClient, RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

/** On connections of their own, so that the kernel spreads them over the processes. */
const MANY = 12;
const IN_TIME = { withinMs: 60_000 };

describe('A server that is started while its issuers may not sign', function () {
  this.timeout(120_000);
  let people: Peer;
  let gold: TestAuthority;
  let files: ServerFiles;
  let server: RunningServer;
  let port: number;
  before(async () => {
    people = await createRoot('People of the Corporation');
    gold = await testAuthority();
  });
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.setAnchors(files.pki.root.certificatePem + gold.root.certificatePem);
    files.write('gold-key.pem', gold.intermediate.keyPem);
    files.write('gold-chain.pem', gold.intermediate.certificatePem);
    const alice = await issueLeaf(people, { dns: 'alice.example' });
    files.write('people.pem', people.certificatePem);
    files.write('alice.pem', alice.chainPem);
    files.write('alice-key.pem', alice.keyPem);
    files.write('roots.pem', anchors());
    port = await freePort();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const anchors = (): string => files.pki.root.certificatePem + gold.root.certificatePem;

  async function start({ withGold = false, settings = {} } = {}): Promise<void> {
    const entry = { name: 'gold', chainFile: files.path('gold-chain.pem'), keyFile: files.path('gold-key.pem') };
    const listeners = {
      'listen.administration.address': `127.0.0.1:${port}`,
      'listen.administration.clientCaFile': files.path('people.pem'),
      'listen.administration.roles.security': ['DNS:alice.example'],
      'trustAnchors.endpoint.address': '127.0.0.1:0',
      'trustAnchors.endpoint.profile': 'https_spiffe',
    };
    const all = { ...listeners, ...(withGold && { additionalIssuers: [entry] }), ...settings };
    server = await RunningServer.start({ files, settings: all });
  }
  async function restart(options: Parameters<typeof start>[0] = {}): Promise<void> {
    await server.stop();
    await start(options);
  }
  async function run(argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
    return { code, output: out(), error: error() };
  }
  /** By the server's own socket. */
  async function issuer(...argv: readonly string[]): Promise<string> {
    const { code, output, error } = await run(['issuer', ...argv, '--data-dir', files.directory]);
    assert.equal(code, 0, error);
    return output;
  }
  /** By TLS, with the certificate of a person. */
  async function asAlice(...argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const shown = ['--client-cert', files.path('alice.pem'), '--client-key', files.path('alice-key.pem')];
    const where = ['--server', `https://localhost:${port}`, '--ca', files.path('roots.pem')];
    return run(['issuer', ...argv, ...where, ...shown]);
  }
  /** Who signed the leaf, or the refusal. */
  async function ask(): Promise<string> {
    using client = csrClient(server.tlsPort, anchors());
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
    const { code, details, response } = await client.call({ csr: (await buildCsr()).pem, headers });
    if (code !== status.OK) return `${status[code]} ${details}`;
    const goldKey = new X509Certificate(gold.intermediate.certificatePem).publicKey;
    return new X509Certificate(response?.certChain[0] ?? '').verify(goldKey) ? 'gold' : 'default';
  }
  function signerOfShown(shown: X509Certificate): string {
    return shown.verify(new X509Certificate(gold.intermediate.certificatePem).publicKey) ? 'gold' : 'default';
  }
  async function shownAt(tlsPort: number): Promise<X509Certificate> {
    const socket = connect({
      host: '127.0.0.1',
      port: tlsPort,
      servername: 'localhost',
      ca: anchors(),
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    try {
      await once(socket, 'secureConnect', { signal: AbortSignal.timeout(10_000) });
      return socket.getPeerX509Certificate()!;
    } finally {
      socket.destroy();
    }
  }
  const bundlePort = (): number => Number(server.report.bundleAddress?.split(':').at(-1));
  /** Below the same root, with a key of its own. */
  async function anotherIssuer(): Promise<void> {
    const { intermediate } = await testAuthority({ root: files.pki.root });
    files.write('issuer-key.pem', intermediate.keyPem);
    files.write('issuer-chain.pem', intermediate.certificatePem);
  }
  async function readiness(): Promise<{ code: number; text: string }> {
    const answer = await server.get('/readyz');
    return { code: answer.status, text: await answer.text() };
  }

  it('whose only issuer is suspended is up and not ready, refuses as before, lets operators in over TLS, and signs when it is resumed', async () => {
    await start();
    await issuer('suspend', 'default', '--reason', 'under review');
    const before = await readiness();
    await restart();
    const ready = await readiness();
    assert.deepEqual([before.code, ready.code], [503, 503], ready.text);
    assert.match(ready.text, /"issuer states".*issuer default is suspended since/);
    assert.match(await ask(), /^UNAVAILABLE CAP-S14 the issuer may not sign: issuer default is suspended since/);
    assert.match(
      await (await server.get('/metrics')).text(),
      /^capstan_issuer_state\{issuer="default",state="suspended"\} 1$/m,
    );
    const { code, error } = await asAlice('resume', 'default', '--reason', 'reviewed');
    assert.equal(code, 0, error);
    assert.equal(await ask(), 'default');
    assert.equal((await readiness()).code, 200);
  });

  it('gives a proxy that waits its certificate as soon as the issuer is resumed', async () => {
    await start();
    await issuer('suspend', 'default', '--reason', 'under review');
    await restart({ settings: { 'sds.rotationSpread': '0s' } });
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('default');
    const refused = /^capstan_issuer_decisions_total\{issuer="default",outcome="refused"\} [1-9]/m;
    const page = async (): Promise<string> => (await server.get('/metrics')).text();
    await eventually('it is refused', async () => refused.test(await page()), IN_TIME);
    await issuer('resume', 'default', '--reason', 'reviewed');
    assert.equal(signerOfShown(new X509Certificate(pemOf(secretsOf(await stream.accept())[0]!))), 'default');
  });

  it('whose only issuer is tainted is up and not ready, gives proxies the trust bundle, and is well with another certificate', async () => {
    await start();
    await issuer('taint', 'default', '--reason', 'the key leaked', '--force');
    await restart();
    const ready = await readiness();
    assert.equal(ready.code, 503);
    assert.match(ready.text, /there is no serving certificate yet/);
    assert.match(ready.text, /"issuer states".*issuer default is tainted since/);
    assert.match(await issuer('list'), /^default \(default\) +tainted /m);
    assert.match(await ask(), /^UNAVAILABLE /);
    assert.notEqual((await asAlice('list')).code, 0, 'nobody is met by a certificate of a tainted issuer');
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('ROOTCA');
    assert.deepEqual(
      secretsOf(await stream.accept()).map(({ name }) => name),
      ['ROOTCA'],
    );

    await anotherIssuer();
    await eventually('it signs', async () => (await ask()) === 'default', IN_TIME);
    assert.equal((await readiness()).code, 200);
    assert.equal((await asAlice('list')).code, 0);
  });

  it('whose only issuer is retired is up and not ready, and does not come back by that certificate', async () => {
    await start();
    await issuer('retire', 'default', '--reason', 'over', '--override');
    await restart();
    assert.equal((await readiness()).code, 503);
    assert.match(await issuer('list'), /^default \(default\) +retired /m);
    const { code, error } = await run(['issuer', 'resume', 'default', '--reason', 'no', '--data-dir', files.directory]);
    assert.deepEqual([code, /CAP-O03 .*is retired/.test(error)], [77, true], error);
    assert.match(await ask(), /^UNAVAILABLE /);
  });

  it('is met by the certificate of the issuer that may sign, whatever the others are', async () => {
    await start({ withGold: true });
    await issuer('suspend', 'gold', '--reason', 'under review');
    await restart({ withGold: true });
    assert.equal(await ask(), 'default');
    assert.equal(signerOfShown(await shownAt(server.tlsPort)), 'default');
    await issuer('resume', 'gold', '--reason', 'reviewed');
    await issuer('taint', 'default', '--reason', 'the key leaked');
    await restart({ withGold: true });
    assert.equal(await ask(), 'gold');
    assert.equal(signerOfShown(await shownAt(server.tlsPort)), 'gold');
  });

  it('is met by that of a suspended one where the others are tainted or broken, and never by that of a tainted one', async () => {
    await start({ withGold: true });
    await issuer('taint', 'default', '--reason', 'the key leaked');
    await issuer('suspend', 'gold', '--reason', 'under review');
    await restart({ withGold: true });
    assert.equal(signerOfShown(await shownAt(server.tlsPort)), 'gold');
    assert.match(await ask(), /^UNAVAILABLE CAP-S14 /);
    assert.equal((await asAlice('resume', 'gold', '--reason', 'reviewed')).code, 0);
    assert.equal(await ask(), 'gold');
    assert.equal((await readiness()).code, 200);
  });

  it('is met by that of a suspended one where the other has no certificate in force', async () => {
    files.write('gold-chain.pem', 'no certificate');
    await start({ withGold: true });
    await issuer('suspend', 'default', '--reason', 'under review');
    await restart({ withGold: true });
    assert.equal(signerOfShown(await shownAt(server.tlsPort)), 'default');
    assert.equal((await asAlice('resume', 'default', '--reason', 'reviewed')).code, 0);
    assert.equal(await ask(), 'default');
  });

  it('serves the trust bundle to other trust domains, and with several processes is well again in each of them', async () => {
    await start({ settings: { processes: 2 } });
    await issuer('suspend', 'default', '--reason', 'under review');
    await restart({ settings: { processes: 2 } });
    assert.equal((await readiness()).code, 503);
    assert.equal(signerOfShown(await shownAt(bundlePort())), 'default');
    assert.equal((await asAlice('resume', 'default', '--reason', 'reviewed')).code, 0);
    const asked = await Promise.all(Array.from({ length: MANY }, ask));
    assert.deepEqual([...new Set(asked)], ['default']);
  });

  it('comes up with several processes too where its only issuer is tainted, and each of them is well with another certificate', async () => {
    await start({ settings: { processes: 2 } });
    await issuer('taint', 'default', '--reason', 'the key leaked', '--force');
    await restart({ settings: { processes: 2 } });
    const ready = await readiness();
    assert.equal(ready.code, 503);
    assert.match(ready.text, /there is no serving certificate yet/);
    assert.match(await issuer('list'), /^default \(default\) +tainted /m);
    await anotherIssuer();
    const ofAll = async (): Promise<string> =>
      [...new Set(await Promise.all(Array.from({ length: MANY }, ask)))].join();
    await eventually('each of them signs', async () => (await ofAll()) === 'default', IN_TIME);
    assert.equal((await readiness()).code, 200);
  });
});
