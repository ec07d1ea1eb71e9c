// The rotation of a trust anchor at a real server, by its commands and by hand in the file, with clients of the CSR API and of SDS.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { status } from '@grpc/grpc-js';
import type { RotationStatus } from '../../../../src/authority/administration/anchor-acts.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { NODE, pemOf, secretsOf } from '../../../support/clients/sds-client.ts';
import { eventually } from '../../../support/eventually.ts';
import { csrClient, RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

const SETTINGS = { 'sds.rotationSpread': '0s' };
const WITHIN = { withinMs: 60_000 };
const PATIENTLY = { ...WITHIN, everyMs: 1_000 };

describe('A rotation of the trust anchor', function () {
  this.timeout(240_000);
  let next: TestAuthority;
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    next = await testAuthority();
  });
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('new.pem', next.root.certificatePem);
    server = await RunningServer.start({ files, settings: SETTINGS });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function anchor(...argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const command = ['anchor', ...argv, '--data-dir', files.directory];
    const code = await runCli(command, { terminal, environment: {}, signal: AbortSignal.timeout(60_000) });
    return { code, output: out(), error: error() };
  }
  async function known(): Promise<RotationStatus> {
    const { output } = await anchor('status', '--output', 'json');
    return JSON.parse(output) as RotationStatus;
  }
  const phase = async (): Promise<string | undefined> => (await known()).rotation?.phase;
  const step = async (act: string): Promise<string> => (await anchor(act, '--reason', 'a drill')).error;
  /** Tries again as an operator does, no more often than one may: what a proxy acknowledged is known a moment later. */
  async function stepDone(act: string): Promise<void> {
    await eventually(`${act} is accepted`, async () => (await step(act)) === '' || undefined, PATIENTLY);
  }
  /** Below which root the leaf is, and which anchors came with it. */
  async function ask(name = 'web'): Promise<{ readonly below: string; readonly anchors: readonly string[] }> {
    using client = csrClient(server.tlsPort, files.pki.root.certificatePem + next.root.certificatePem);
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', name)}` };
    const { code, details, response } = await client.call({ csr: (await buildCsr()).pem, headers });
    assert.equal(code, status.OK, details);
    const chain = response?.certChain ?? [];
    const issuer = new X509Certificate(chain[1] ?? '');
    return {
      below: issuer.verify(new X509Certificate(next.root.certificatePem).publicKey) ? 'new' : 'old',
      anchors: blocks(chain.at(-1) ?? '').map(nameOf),
    };
  }
  /** Below which root the certificate is that the server shows. */
  async function servedBelow(): Promise<string> {
    const ca = files.pki.root.certificatePem + next.root.certificatePem;
    const socket = connect({ port: server.tlsPort, host: '127.0.0.1', ca, servername: 'istiod.istio-system.svc' });
    await once(socket, 'secureConnect');
    const root = socket.getPeerCertificate(true).issuerCertificate.issuerCertificate;
    socket.destroy();
    return nameOf(new X509Certificate(root.raw).toString());
  }
  const blocks = (pem: string): readonly string[] => pem.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? [];
  function nameOf(pem: string): string {
    const { fingerprint256 } = new X509Certificate(pem);
    return fingerprint256 === new X509Certificate(next.root.certificatePem).fingerprint256 ? 'new' : 'old';
  }
  const degraded = async (): Promise<string> => (await server.get('/readyz')).text();

  it('goes from phase to phase as those who hang on it follow, and refuses each step before, naming who does not', async () => {
    await ask();
    assert.match(
      (await anchor('start', '--new', files.path('new.pem'), '--reason', 'it ends')).output,
      /in phase publish/,
    );
    await eventually('both go out', async () => (await ask('api')).anchors.length === 2 || undefined, WITHIN);
    const refused = await anchor('advance', '--reason', 'too early');
    assert.notEqual(refused.code, 0);
    assert.match(refused.error, /CAP-O03 .*live workload.* not known to have the new trust anchor.*default\/sa\/web/s);

    await eventually(
      'who is in the way is counted',
      async () => {
        const page = await (await server.get('/metrics')).text();
        return page.includes('capstan_anchor_rotation_laggards{phase="publish"} 1\n');
      },
      PATIENTLY,
    );

    files.useIssuer(next);
    await eventually(
      'it is held back',
      async () => /put the former files back/.test(await degraded()) || undefined,
      WITHIN,
    );
    assert.equal((await ask('api')).below, 'old');
    files.useIssuer(files.pki);
    await ask('web');
    await stepDone('advance');

    files.useIssuer(next);
    await eventually('the new one signs', async () => (await ask('api')).below === 'new' || undefined, WITHIN);
    assert.equal(await servedBelow(), 'old', 'our own certificate moves last');
    assert.match(
      await step('retire'),
      /CAP-O03 .*1 live workload is below the old trust anchor: .*default\/sa\/web \(pod web-0\) has certificate/,
    );
    await ask('web');
    await stepDone('retire');
    assert.equal(await servedBelow(), 'new');
    for (const name of ['web', 'api'])
      await eventually(
        'the old one is out',
        async () => (await ask(name)).anchors.join() === 'new' || undefined,
        WITHIN,
      );
    assert.match(await degraded(), /is retired since .*: take it out of the file/);
    await eventually('it is done', async () => (await phase()) === 'done' || undefined, PATIENTLY);
    files.setAnchors(next.root.certificatePem);
    await eventually('all is well', async () => (await degraded()) === '{"ready":true}' || undefined, WITHIN);
  });

  it('reminds of the file also where leaves hang on an anchor that was retired all the same', async () => {
    await ask('web');
    await anchor('start', '--new', files.path('new.pem'), '--reason', 'a drill');
    await anchor('advance', '--reason', 'a drill', '--override');
    files.useIssuer(next);
    await eventually('the new one signs', async () => (await ask('api')).below === 'new' || undefined, WITHIN);
    assert.equal((await anchor('retire', '--reason', 'a drill', '--override')).code, 0);
    const both = /leads to no trust anchor any more: .*; .* is retired since .*: take it out of the file/;
    await eventually('both are said', async () => both.test(await degraded()) || undefined, PATIENTLY);
  });

  it('is known to a proxy that acknowledged the new bundle over SDS, and to none that did not', async () => {
    using envoy = server.envoy();
    const stream = envoy.sotw();
    const names = ['default', 'ROOTCA'];
    stream.send({ node: NODE, resourceNames: names });
    const first = await stream.next();
    stream.send({ resourceNames: names, versionInfo: first.versionInfo, responseNonce: first.nonce });
    await anchor('start', '--new', files.path('new.pem'), '--reason', 'it ends');
    const both = await eventually(
      'the new bundle is sent',
      async () => {
        const response = await stream.next();
        const root = secretsOf(response).find(({ name }) => name === 'ROOTCA');
        if (root !== undefined && blocks(pemOf(root)).length === 2) return response;
        stream.send({ resourceNames: names, versionInfo: response.versionInfo, responseNonce: response.nonce });
        return undefined;
      },
      WITHIN,
    );
    await eventually(
      'it is named',
      async () => /default\/sa\/demo.* in proxy sidecar/.test(await step('advance')) || undefined,
      PATIENTLY,
    );
    stream.send({ resourceNames: names, versionInfo: both.versionInfo, responseNonce: both.nonce });
    await stepDone('advance');
    const { review } = await known();
    assert.equal(review?.progress.all.acknowledged, 1);
    stream.cancel();
  });

  it('meets the same gate by hand in the file: an anchor goes out until the last below it is gone, who is named', async () => {
    await ask();
    files.setAnchors(files.pki.root.certificatePem + next.root.certificatePem);
    await eventually('both go out', async () => (await ask('api')).anchors.length === 2 || undefined, WITHIN);
    files.useIssuer(next);
    await eventually('the new one signs', async () => (await ask('api')).below === 'new' || undefined, WITHIN);
    files.setAnchors(next.root.certificatePem);
    const why = await eventually(
      'it says who hangs on it',
      async () => {
        const text = await degraded();
        return /taken out of the file and goes out all the same: 1 live workload/.test(text) ? text : undefined;
      },
      WITHIN,
    );
    assert.match(why, /spiffe:\/\/cluster\.local\/ns\/default\/sa\/web \(pod web-0\)/);
    assert.deepEqual((await ask('api')).anchors, ['new', 'old']);
    await ask('web');
    await eventually(
      'the old one is out',
      async () => (await ask('api')).anchors.join() === 'new' || undefined,
      WITHIN,
    );
    await eventually('all is well', async () => (await degraded()) === '{"ready":true}' || undefined, WITHIN);
  });

  it('goes on after a restart in any phase, and is taken back by an abort', async () => {
    await anchor('start', '--new', files.path('new.pem'), '--reason', 'it ends');
    await server.stop();
    server = await RunningServer.start({ files, settings: SETTINGS });
    assert.equal(await phase(), 'publish');
    assert.deepEqual((await ask()).anchors, ['old', 'new']);
    assert.match((await anchor('abort', '--reason', 'a drill')).output, /in phase aborted/);
    await eventually('the new one is out', async () => (await ask()).anchors.join() === 'old' || undefined, WITHIN);
  });
});
