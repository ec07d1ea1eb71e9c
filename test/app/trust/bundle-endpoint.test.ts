// The SPIFFE bundle endpoint over the wire, in both profiles.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { TLSSocket } from 'node:tls';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { createRoot, issueLeaf, type TestAuthority as Web } from '../../peers/support/pki.ts';
import { testAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly shown: X509Certificate;
}

interface Document {
  readonly keys: readonly { readonly use: string; readonly x5c: readonly string[] }[];
  readonly spiffe_sequence: number;
  readonly spiffe_refresh_hint: number;
}

async function ask({ report }: RunningServer, ca: string, { path = '/', method = 'GET' } = {}): Promise<Answer> {
  const port = Number(report.bundleAddress?.split(':').at(-1));
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      ca,
      servername: 'localhost',
      agent: false,
      timeout: 10_000,
    };
    const asked = request(options, (response) => {
      assert.ok(response.socket instanceof TLSSocket);
      const shown = response.socket.getPeerX509Certificate()!;
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text, shown }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

const documentOf = ({ text }: Answer): Document => JSON.parse(text) as Document;
const anchorOf = (pem: string): string => new X509Certificate(pem).raw.toString('base64');

describe('The SPIFFE bundle endpoint', function () {
  this.timeout(60_000);
  const ended = new AsyncDisposableStack();
  let web: Web;
  let files: ServerFiles;
  before(async () => {
    web = await createRoot('Web Root');
    files = ended.use(await ServerFiles.create());
  });
  after(async () => ended.disposeAsync());

  const useWebCertificate = async (): Promise<void> => {
    const { chainPem, keyPem } = await issueLeaf(web, { dns: 'localhost' });
    files.write('web.pem', chainPem);
    files.write('web-key.pem', keyPem);
  };

  const endpoint = (more: object = {}) => ({
    'trustAnchors.endpoint.address': '127.0.0.1:0',
    'trustAnchors.endpoint.refreshHint': '1m',
    ...more,
  });

  const ofTheWeb = () => ({
    'trustAnchors.endpoint.certificateFile': files.path('web.pem'),
    'trustAnchors.endpoint.keyFile': files.path('web-key.pem'),
  });

  it('does not start with a chain that TLS cannot use, and names the file', async () => {
    await useWebCertificate();
    const { chainPem } = await issueLeaf(web, { dns: 'localhost' });
    const broken = chainPem.replace(/(-----BEGIN CERTIFICATE-----\n).{8}/, '$1AAAAAAAA');
    files.write('web.pem', readFileSync(files.path('web.pem'), 'utf8') + broken);
    await assert.rejects(
      RunningServer.start({ files, settings: endpoint(ofTheWeb()) }),
      /CAP-X03 .*web\.pem has no chain/,
    );
  });

  it('gives the anchors to whoever asks, under a certificate of the web, and a change within moments', async () => {
    await useWebCertificate();
    await using server = await RunningServer.start({ files, settings: endpoint(ofTheWeb()) });
    const answer = await ask(server, web.certificatePem);
    assert.equal(answer.status, 200);
    assert.match(String(answer.headers['content-type']), /^application\/json/);
    const before = documentOf(answer);
    assert.equal(before.spiffe_refresh_hint, 60);
    assert.deepEqual(
      before.keys.map(({ use, x5c }) => [use, ...x5c]),
      [['x509-svid', anchorOf(files.pki.root.certificatePem)]],
    );
    const next = await testAuthority();
    files.setAnchors(files.pki.root.certificatePem + next.root.certificatePem);
    const after = await eventually(
      'the new anchor is there',
      async () => {
        const document = documentOf(await ask(server, web.certificatePem));
        return document.keys.length === 2 ? document : undefined;
      },
      { withinMs: 20_000 },
    );
    assert.ok(after.spiffe_sequence > before.spiffe_sequence);
    assert.equal((await ask(server, web.certificatePem, { path: '/other' })).status, 404);
    assert.equal((await ask(server, web.certificatePem, { method: 'POST' })).status, 404);
    assert.equal((await server.get('/readyz')).status, 200);
    files.setAnchors(files.pki.root.certificatePem);
  });

  it('takes another certificate when its files change, and keeps the last good one when they are broken', async () => {
    await useWebCertificate();
    await using server = await RunningServer.start({ files, settings: endpoint(ofTheWeb()) });
    const first = (await ask(server, web.certificatePem)).shown.serialNumber;
    await useWebCertificate();
    const second = await eventually(
      'the new certificate is shown',
      async () => {
        const { serialNumber } = (await ask(server, web.certificatePem)).shown;
        return serialNumber === first ? undefined : serialNumber;
      },
      { withinMs: 20_000 },
    );
    files.write('web.pem', files.pki.root.certificatePem);
    const why = await eventually(
      'the problem is said',
      async () => {
        const { degraded } = (await (await server.get('/readyz')).json()) as {
          readonly degraded?: readonly { readonly part: string; readonly why: string }[];
        };
        return degraded?.find(({ part }) => part === 'bundle endpoint')?.why;
      },
      { withinMs: 20_000 },
    );
    assert.match(why, /the last good certificate stays: .*web\.pem is the certificate of another key/);
    assert.equal((await ask(server, web.certificatePem)).shown.serialNumber, second);
  });

  it('does not start with a certificate of another key, or without one', async () => {
    await useWebCertificate();
    files.write('web.pem', files.pki.root.certificatePem);
    await assert.rejects(
      RunningServer.start({ files, settings: endpoint(ofTheWeb()) }),
      /CAP-X03.*web\.pem is the certificate of another key/,
    );
    files.write('web-key.pem', 'no key');
    await assert.rejects(
      RunningServer.start({ files, settings: endpoint(ofTheWeb()) }),
      /web\.pem and its key are not a certificate and its key/,
    );
    await assert.rejects(RunningServer.start({ files, settings: endpoint() }), /certificateFile.*is required/);
  });

  it('proves by an X.509-SVID of its own in the profile https_spiffe', async () => {
    const profile = { 'trustAnchors.endpoint.profile': 'https_spiffe' };
    await using server = await RunningServer.start({ files, settings: endpoint(profile) });
    const { shown, ...answer } = await ask(server, server.files.pki.root.certificatePem);
    assert.match(shown.subjectAltName ?? '', /URI:spiffe:\/\/cluster\.local\/capstan\.dev\/bundle-endpoint/);
    assert.equal(shown.ca, false);
    assert.equal(documentOf({ shown, ...answer }).keys.length, 1);
  });

  for (const [profile, certificate] of [
    ['https_web', 'of the web'],
    ['https_spiffe', 'of its own, which the issuer renews no more,'],
  ] as const) {
    it(`says so in /readyz when the certificate ${certificate} has ended`, async () => {
      await useWebCertificate();
      let offsetMs = 0;
      const clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });
      const settings = endpoint({
        'trustAnchors.endpoint.profile': profile,
        ...(profile === 'https_web' && ofTheWeb()),
      });
      await using server = await RunningServer.start({ files, settings, clock });
      const why = async (): Promise<string | undefined> => {
        const { degraded } = (await (await server.get('/readyz')).json()) as {
          readonly degraded?: readonly { readonly part: string; readonly why: string }[];
        };
        return degraded?.find(({ part }) => part === 'bundle endpoint')?.why;
      };
      assert.equal(await why(), undefined);
      offsetMs = 20 * 365 * 86_400_000;
      assert.match((await why()) ?? '', /^the serving certificate ended at \d{4}-/);
    });
  }
});
