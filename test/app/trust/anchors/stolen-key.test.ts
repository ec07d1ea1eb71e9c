// The runbook for a stolen key of the CA, as docs/trust.md has it, at a real server: what the thief makes with the key of an
// intermediate, who takes it, and from when on nobody does.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { leafUnder, type TestLeaf } from '../../../adapters/grpc/leaves.ts';
import { buildCsr } from '../../../support/certificates.ts';
import { AnchorDrill } from '../../support/anchor-drill.ts';
import { csrClient, RunningServer, type Showing } from '../../support/running-server.ts';

const VICTIM = 'spiffe://corp.example/ns/default/sa/web';

describe('A stolen key of an intermediate', function () {
  this.timeout(240_000);
  let drill: AnchorDrill;
  let server: RunningServer;
  let settings: Readonly<Record<string, unknown>>;
  beforeEach(async () => {
    drill = await AnchorDrill.create();
    settings = drill.settingsIn('issuer');
    server = await RunningServer.start({ files: drill.files, settings });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    drill[Symbol.dispose]();
  });

  async function request(showing: Showing = {}, headers: Readonly<Record<string, string>> = {}) {
    const { pki } = drill.files;
    using client = csrClient(server.tlsPort, pki.root.certificatePem + drill.next.root.certificatePem, showing);
    return await client.call({ csr: (await buildCsr()).pem, headers });
  }
  /** The trust bundle that a workload is given now, PEM. */
  async function bundle(): Promise<string> {
    const headers = { authorization: `Bearer ${await drill.files.mint.tokenIn('default', 'api')}` };
    const { code, details, response } = await request({}, headers);
    assert.equal(code, status.OK, details);
    return response?.certChain.at(-1) ?? '';
  }
  /** Whether a peer with these anchors takes the thief's leaf, as OpenSSL judges. */
  function isTaken({ chainPem }: TestLeaf, anchorsPem: string): boolean {
    const { files } = drill;
    files.write('anchors.pem', anchorsPem);
    files.write('thief.pem', chainPem);
    const chain = ['-CAfile', files.path('anchors.pem'), '-untrusted', files.path('thief.pem')];
    try {
      execFileSync('openssl', ['verify', '-no-CApath', ...chain, files.path('thief.pem')], { stdio: 'pipe' });
      return true;
    } catch {
      return false;
    }
  }

  it('makes leaves that peers take after it is tainted, and no more when the rotation of its anchor is done', async () => {
    const { files } = drill;
    const forged = await leafUnder(files.pki.intermediate, { uris: [VICTIM] });
    await drill.ask(server.tlsPort);
    assert.ok(isTaken(forged, await bundle()));
    await drill.start();
    files.setAnchors(files.pki.root.certificatePem + drill.next.root.certificatePem);
    await drill.untilAll(server.tlsPort, { anchors: 'old,new' });
    const imported = await drill.importNext(settings);
    assert.equal(imported.code, 0, imported.error);
    await drill.untilAll(server.tlsPort, { anchors: 'old,new' }, 'api');
    await drill.stepDone('advance');
    await drill.untilAll(server.tlsPort, { below: 'new' }, 'api');
    const stolen = new X509Certificate(files.pki.intermediate.certificatePem);
    const id = stolen.fingerprint256.replaceAll(':', '').toLowerCase().slice(0, 16);
    const taint = ['taint', 'default', '--id', id, '--reason', 'the key leaked', '--data-dir', files.directory];
    const tainted = await drill.run('issuer', ...taint);
    assert.equal(tainted.code, 0, tainted.error);
    await drill.untilAll(server.tlsPort, { below: 'new', anchors: 'old,new' });
    await drill.untilAll(server.tlsPort, { below: 'new', anchors: 'old,new' }, 'api');
    assert.ok(isTaken(forged, await bundle()), 'a taint takes nothing from the thief');
    const { code, details } = await request(forged);
    assert.equal(code, status.UNAUTHENTICATED, details);
    assert.match(details, /^CAP-A/);

    await drill.stepDone('retire');
    for (const name of ['web', 'api']) await drill.untilAll(server.tlsPort, { below: 'new', anchors: 'new' }, name);
    await drill.untilPhase('done');
    const left = await bundle();
    assert.ok(!isTaken(forged, left));
    assert.ok(isTaken(await leafUnder(drill.next.intermediate, { uris: [VICTIM] }), left), 'only for its anchor');
  });
});
