// An anchor with an extension that OpenSSL cannot read, and so takes for no CA: our own reader, which looks at fewer of them,
// took it, and the last check before a bundle is sent kept it from everybody.
import assert from 'node:assert/strict';
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { createRoot } from '../../../src/adapters/dev/bootstrap-authority.ts';
import { eventually } from '../../support/eventually.ts';
import { secretsOf, trustedDomainsOf } from '../../support/clients/sds-client.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const SOON = { withinMs: 30_000 };
const HOUR_MS = 3_600_000;

describe('An anchor that OpenSSL takes for no CA', () => {
  it("in another trust domain's file takes nothing from the proxies of this one", async () => {
    using files = await ServerFiles.create();
    files.write('other.pem', await rootWithUnreadableExtension());
    const federated = [{ trustDomain: 'other.test', file: files.path('other.pem') }];
    await using server = await RunningServer.start({ files, settings: { 'trustAnchors.federated': federated } });
    using envoy = server.envoy();
    const names = async (): Promise<readonly string[]> => {
      const [secret] = secretsOf(await envoy.fetch({ resourceNames: ['ROOTCA'] }));
      return trustedDomainsOf(secret!);
    };
    assert.deepEqual(await names(), ['cluster.local']);
    const { degraded } = (await (await server.get('/readyz')).json()) as { degraded: unknown };
    assert.match(JSON.stringify(degraded), /other\.pem certificate CN=Other has an extension that OpenSSL cannot read/);
    const { certificatePem } = await createRoot({ name: 'Other', nowMs: Date.now(), lifetimeMs: HOUR_MS });
    files.write('other.pem', certificatePem);
    await eventually('the other trust domain', async () => (await names()).includes('other.test'), SOON);
  });

  it('beside our own is refused, and the bundle in force goes on', async () => {
    await using server = await RunningServer.start();
    const { files } = server;
    files.write('anchors.pem', files.pki.root.certificatePem + (await rootWithUnreadableExtension()));
    const told = await eventually('the complaint', () => files.logged('reloadFailed')[0], SOON);
    assert.match(String(told['problem']), /CN=Other has an extension that OpenSSL cannot read/);
    using envoy = server.envoy();
    assert.equal(secretsOf(await envoy.fetch({ resourceNames: ['ROOTCA'] })).length, 1);
  });
});

/** CRL distribution points are a sequence (RFC 5280 section 4.2.1.13), and not null. */
async function rootWithUnreadableExtension(): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Other',
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    keys: await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.Extension('2.5.29.31', false, Uint8Array.of(5, 0)),
    ],
  });
  return `${root.toString('pem')}\n`;
}
