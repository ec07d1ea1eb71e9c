import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { leafUnder } from '../../adapters/grpc/leaves.ts';
import type { CsrCall, Outcome } from '../../adapters/grpc/wire.ts';
import { agentCsr, buildCsr, spiffe, testAuthority, ztunnelCsr, type TestCsr } from '../../support/certificates.ts';
import { RunningServer, type Showing } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { podUidOf } from '../support/token-mint.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

describe("Capstan answers Istio's CSR API", () => {
  let files: ServerFiles;
  let server: RunningServer;
  /** The corporation is changing its root: both are trust anchors for a while. */
  let retiringRootPem: string;
  before(async () => {
    files = await ServerFiles.create();
    retiringRootPem = (await testAuthority()).root.certificatePem;
    files.setAnchors(files.pki.root.certificatePem + retiringRootPem);
    server = await RunningServer.start({ files });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function ask(request: CsrCall, showing?: Showing): Promise<Outcome> {
    using client = server.client(showing);
    return await client.call(request);
  }

  /** As Istio's Go agent asks: a day, `CertSigner` and `clusterid` always there, empty when unset. */
  async function askAsAgent({ pem }: TestCsr): Promise<readonly string[]> {
    const headers = { authorization: `Bearer ${await files.mint.token()}`, clusterid: '' };
    return chainIn(await ask({ csr: pem, validityDuration: 86_400n, metadata: { CertSigner: '' }, headers }));
  }

  /** As ztunnel asks for itself: TLS 1.3 and no metadata. */
  async function askAsZtunnel({ pem }: TestCsr): Promise<readonly string[]> {
    const headers = { authorization: `Bearer ${await files.mint.token()}`, clusterid: 'Kubernetes' };
    return chainIn(await ask({ csr: pem, validityDuration: 86_400n, headers }, { minVersion: 'TLSv1.3' }));
  }

  it("gives Istio's agent (RSA 2048, a lone empty O=) leaf, intermediate and all anchors in one string", async () => {
    const csr = await agentCsr(DEMO);
    const chain = await askAsAgent(csr);
    assert.equal(chain.length, 3);
    assert.deepEqual(chain.map(certificatesIn), [1, 1, 2]);
    assert.ok(chain.every((element) => element.endsWith('-----END CERTIFICATE-----\n')));
    const leaf = leafOf(chain);
    assert.equal(leaf.subjectAltName, `URI:${DEMO}`);
    assert.ok(leaf.checkIssued(new X509Certificate(files.pki.intermediate.certificatePem)));
    assert.equal(leaf.publicKey.asymmetricKeyType, 'rsa');
  });

  it('gives ztunnel (P-256, no subject, TLS 1.3 alone) the same shape', async () => {
    const chain = await askAsZtunnel(await ztunnelCsr(DEMO));
    assert.deepEqual(chain.map(certificatesIn), [1, 1, 2]);
    assert.equal(leafOf(chain).subjectAltName, `URI:${DEMO}`);
    assert.equal(leafOf(chain).publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  });

  it('names the caller also when the CSR names nobody', async () => {
    assert.equal(leafOf(await askAsAgent(await buildCsr())).subjectAltName, `URI:${DEMO}`);
  });

  it('gives certificates that OpenSSL accepts under -x509_strict, for server and client', async () => {
    const shapes = [agentCsr(DEMO), ztunnelCsr(DEMO), buildCsr({ keyType: 'ec-p384', names: [spiffe(DEMO)] })];
    for (const csr of await Promise.all(shapes)) {
      const [leaf = '', intermediate = '', bundle = ''] = await askAsAgent(csr);
      files.write('leaf.pem', leaf);
      files.write('intermediate.pem', intermediate);
      files.write('bundle.pem', bundle);
      for (const purpose of ['sslserver', 'sslclient']) {
        assert.equal(await openSslVerify(purpose), `${files.path('leaf.pem')}: OK\n`);
      }
    }
  });

  it('spells intermediates and anchors the same, byte for byte, however the operator spells the file', async () => {
    const csr = await ztunnelCsr(DEMO);
    const [, ...former] = await askAsAgent(csr);
    const { certificatePem } = files.pki.root;
    files.setAnchors(`# ours\r\n${certificatePem}\n\n# retiring\n${retiringRootPem}\n${certificatePem}`);
    const settings = { 'sds.sockets': [], 'journal.store': files.path('second.db') };
    await using again = await RunningServer.start({ files, settings });
    using client = again.client();
    const headers = { authorization: `Bearer ${await files.mint.token()}` };
    const [, ...latter] = chainIn(await client.call({ csr: csr.pem, headers }));
    assert.deepEqual(latter, former);
  });

  it('cuts a lifetime that is too long, and takes none or a negative one for the default', async () => {
    const { pem: csr } = await ztunnelCsr(DEMO);
    const headers = { authorization: `Bearer ${await files.mint.token()}` };
    const wishes: readonly (readonly [bigint, number])[] = [
      [0n, HOUR_MS],
      [-1n, HOUR_MS],
      [-(2n ** 63n), HOUR_MS],
      [600n, 10 * MINUTE_MS],
      [2n ** 63n - 1n, 24 * HOUR_MS],
    ];
    for (const [validityDuration, wantedMs] of wishes) {
      const leaf = leafOf(chainIn(await ask({ csr, validityDuration, headers })));
      const leftMs = leaf.validToDate.getTime() - Date.now();
      // Up to a twentieth is taken off at random, so that a fleet does not renew in step.
      assert.ok(leftMs <= wantedMs && leftMs > wantedMs * 0.94, `${validityDuration} s gave ${leftMs} ms`);
      const backdatedMs = Date.now() - leaf.validFromDate.getTime();
      assert.ok(backdatedMs > 0 && backdatedMs <= 2 * MINUTE_MS, `begins ${backdatedMs} ms ago`);
    }
  });

  it('records who got what and how they proved themselves, before they have it', async () => {
    const leaf = leafOf(await askAsAgent(await agentCsr(DEMO)));
    const [decision] = files.decisions({ identity: DEMO });
    assert.ok(decision?.outcome === 'issued');
    const { serial, keyType, caller, authenticationMethod, credentialId, podName, podUid, nodeName, remoteAddress } =
      decision;
    assert.equal(serial, leaf.serialNumber.toLowerCase());
    assert.deepEqual(
      { keyType, caller, authenticationMethod, credentialId, podName, podUid, nodeName },
      {
        keyType: 'rsa-2048',
        caller: DEMO,
        authenticationMethod: 'token',
        credentialId: 'https://tokens.test',
        podName: 'demo-0',
        podUid: podUidOf('default', 'demo'),
        nodeName: 'node-1',
      },
    );
    assert.match(remoteAddress, /^127\.0\.0\.1:\d+$/);
  });

  it('renews for a client certificate alone, and again with the certificate it gave', async () => {
    let csr = await ztunnelCsr(DEMO);
    let chain = await askAsAgent(csr);
    for (let renewal = 0; renewal < 2; renewal += 1) {
      const showing = { chainPem: chain.slice(0, -1).join(''), keyPem: csr.privateKeyPem };
      const serial = leafOf(chain).serialNumber.toLowerCase();
      csr = await ztunnelCsr(DEMO);
      chain = chainIn(await ask({ csr: csr.pem }, showing));
      const [decision] = files.decisions({ identity: DEMO });
      assert.equal(decision?.authenticationMethod, 'client-certificate');
      assert.equal(decision.credentialId, serial);
    }
    assert.equal(leafOf(chain).subjectAltName, `URI:${DEMO}`);
  });

  it('renews for a VM whose bootstrap token expired long ago: the certificate it shows decides', async () => {
    const first = await agentCsr(DEMO);
    const chain = await askAsAgent(first);
    // An agent with PROV_CERT shows all it was given, anchors included.
    const showing = { chainPem: chain.join(''), keyPem: first.privateKeyPem };
    const expired = await files.mint.token('demo', { exp: 1_700_000_000 });
    const { pem } = await agentCsr(DEMO);
    const outcome = await ask({ csr: pem, headers: { authorization: `Bearer ${expired}` } }, showing);
    assert.equal(leafOf(chainIn(outcome)).subjectAltName, `URI:${DEMO}`);
  });

  it('refuses a certificate that does not verify, however good the token beside it', async () => {
    const stranger = await leafUnder((await testAuthority()).intermediate, { uris: [DEMO] });
    const { pem: csr } = await ztunnelCsr(DEMO);
    const headers = { authorization: `Bearer ${await files.mint.token()}` };
    const { code, details } = await ask({ csr, headers }, stranger);
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, /^CAP-A02 /);
  });

  async function openSslVerify(purpose: string): Promise<string> {
    const given = ['-CAfile', files.path('bundle.pem'), '-untrusted', files.path('intermediate.pem')];
    const asked = ['-x509_strict', '-purpose', purpose, files.path('leaf.pem')];
    return (await promisify(execFile)('openssl', ['verify', ...given, ...asked])).stdout;
  }
});

function chainIn({ code, details, response }: Outcome): readonly string[] {
  assert.equal(code, status.OK, details);
  return response!.certChain;
}

function leafOf([leaf = '']: readonly string[]): X509Certificate {
  return new X509Certificate(leaf);
}

function certificatesIn(element: string): number {
  return element.split('-----BEGIN CERTIFICATE-----').length - 1;
}
