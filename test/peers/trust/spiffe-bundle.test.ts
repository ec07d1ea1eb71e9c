// The bundle endpoint, judged by go-spiffe: what SPIRE and others in Go fetch the bundles of other trust domains with.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { testAuthority } from '../../support/certificates.ts';
import { findProgram } from '../programs/programs.ts';
import { peerOrSkip } from '../support/presence.ts';
import { createRoot, issueLeaf, type TestAuthority as Web } from '../support/pki.ts';

const run = promisify(execFile);

interface Fetched {
  readonly trustDomain: string;
  readonly subjects: readonly string[];
  readonly sequence: number;
  readonly refresh: number;
}

describe('The trust bundle, fetched by go-spiffe,', function () {
  this.timeout(60_000);
  const ended = new AsyncDisposableStack();
  let program: string;
  let files: ServerFiles;
  let web: Web;
  before(async function () {
    program = peerOrSkip(this, findProgram('spiffe-bundle'), 'go-spiffe');
    web = await createRoot('Web Root');
    files = ended.use(await ServerFiles.create());
    const other = await testAuthority({ keyType: 'rsa-2048' });
    files.setAnchors(files.pki.root.certificatePem + other.root.certificatePem);
    const { chainPem, keyPem } = await issueLeaf(web, { dns: 'localhost' });
    files.write('web.pem', chainPem);
    files.write('web-key.pem', keyPem);
    files.write('web-roots.pem', web.certificatePem);
  });
  after(async () => ended.disposeAsync());

  async function fetched(
    profile: 'web' | 'spiffe',
    { report }: RunningServer,
    ...more: readonly string[]
  ): Promise<Fetched> {
    const args = [profile, `https://localhost:${report.bundleAddress?.split(':').at(-1)}/`, 'cluster.local', ...more];
    const { stdout } = await run(program, args, { timeout: 30_000 });
    return JSON.parse(stdout) as Fetched;
  }

  const started = async (settings: Readonly<Record<string, unknown>>): Promise<RunningServer> =>
    RunningServer.start({
      files,
      settings: { 'trustAnchors.endpoint.address': '127.0.0.1:0', ...settings },
    });

  function assertWhole({ trustDomain, subjects, sequence, refresh }: Fetched): void {
    assert.equal(trustDomain, 'cluster.local');
    assert.deepEqual(subjects, ['CN=Test Corporate Root', 'CN=Test Corporate Root']);
    assert.ok(Math.abs(sequence - Date.now() / 1_000) < 600);
    assert.equal(refresh, 300);
  }

  it('is taken in the profile https_web, by who trusts the roots of its certificate and nobody else', async () => {
    await using server = await started({
      'trustAnchors.endpoint.certificateFile': files.path('web.pem'),
      'trustAnchors.endpoint.keyFile': files.path('web-key.pem'),
    });
    assert.equal((await server.get('/readyz')).status, 200);
    assertWhole(await fetched('web', server, files.path('web-roots.pem')));
    await assert.rejects(fetched('web', server, files.path('anchors.pem')), /unknown authority/);
  });

  it('is taken in the profile https_spiffe, from the SPIFFE ID of the endpoint and from no other', async () => {
    await using server = await started({ 'trustAnchors.endpoint.profile': 'https_spiffe' });
    assert.equal((await server.get('/readyz')).status, 200);
    const [anchors, own] = [files.path('anchors.pem'), 'spiffe://cluster.local/capstan.dev/bundle-endpoint'];
    assertWhole(await fetched('spiffe', server, anchors, own));
    await assert.rejects(fetched('spiffe', server, anchors, 'spiffe://cluster.local/ns/a/sa/b'), /unexpected ID/);
  });
});
