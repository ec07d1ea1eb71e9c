// What certificates are for, as a client sees it: RFC 8813 for keys, X509-SVID section 4.4 for purposes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:tls';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { status } from '@grpc/grpc-js';
import { eventually } from '../../support/eventually.ts';
import { buildCsr, type CsrKeyType } from '../../support/certificates.ts';
import { pemOf, secretsOf } from '../../support/clients/sds-client.ts';
import { RunningServer } from '../support/running-server.ts';

const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
const SVID = [serverAuth, clientAuth];

function usagesOf(certificate: x509.X509Certificate): readonly [usage: number, purposes: readonly unknown[]] {
  const purposes = certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [];
  return [certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? 0, [...purposes]];
}

describe('The usages of what a server issues', () => {
  let server: RunningServer;
  before(async () => {
    server = await RunningServer.start();
  });
  after(async () => server[Symbol.asyncDispose]());

  async function ask(keyType: CsrKeyType) {
    using client = server.client();
    const { pem: csr } = await buildCsr({ keyType });
    return await client.call({ csr, headers: { authorization: `Bearer ${await server.files.mint.token()}` } });
  }

  for (const [keyType, usage] of [
    ['ec-p256', digitalSignature],
    ['ec-p384', digitalSignature],
    ['rsa-2048', digitalSignature | keyEncipherment],
  ] as const) {
    it(`let a key of ${keyType} do what it can, for both ends of TLS`, async () => {
      const { code, details, response } = await ask(keyType);
      assert.equal(code, status.OK, details);
      assert.deepEqual(usagesOf(new x509.X509Certificate(response?.certChain[0] ?? '')), [usage, SVID]);
    });
  }

  it('let no EC key encipher keys over SDS either', async () => {
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('default');
    const [secret] = secretsOf(await stream.accept());
    stream.cancel();
    assert.deepEqual(usagesOf(new x509.X509Certificate(pemOf(secret!))), [digitalSignature, SVID]);
  });

  it("let the server's own EC key sign and serve", async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: server.tlsPort,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    });
    await once(socket, 'secureConnect');
    const { raw } = socket.getPeerCertificate();
    socket.destroy();
    assert.deepEqual(usagesOf(new x509.X509Certificate(raw)), [digitalSignature, [serverAuth]]);
  });

  it('are refused where a policy leaves one end of TLS alone', async () => {
    for (const left of ['serverAuth', 'clientAuth']) {
      const spec = { narrow: { usages: ['digitalSignature', left] } };
      const metadata = { name: 'one-end', namespace: 'default' };
      const policy = { apiVersion: 'capstan.dev/v1alpha1', kind: 'IssuancePolicy', metadata, spec };
      server.files.setLocal('one-end.yaml', JSON.stringify(policy));
      const outcome = await eventually(
        'it is refused',
        async () => {
          const answer = await ask('ec-p256');
          return answer.code !== status.OK && answer.details.includes(left) ? answer : undefined;
        },
        { withinMs: 30_000 },
      );
      assert.equal(outcome.code, status.PERMISSION_DENIED);
      assert.match(outcome.details, /^CAP-P07 .*digitalSignature with serverAuth and clientAuth/);
    }
  });
});
