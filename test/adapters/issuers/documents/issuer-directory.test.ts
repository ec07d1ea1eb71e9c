import assert from 'node:assert/strict';
import { ISSUER_FILES, issuerDirectory } from '../../../../src/adapters/issuers/documents/issuer-directory.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { DocumentSet } from '../../../support/fakes/document-set.ts';

const CACERTS = { 'ca-cert.pem': 'own', 'ca-key.pem': 'key', 'cert-chain.pem': 'above', 'root-cert.pem': 'roots' };
const { 'cert-chain.pem': above, ...DIRECT } = CACERTS;
const { 'root-cert.pem': roots, ...ROOTLESS } = CACERTS;
const { 'ca-key.pem': key, ...KEYLESS } = CACERTS;
const TLS = { 'tls.crt': 'own and above', 'tls.key': 'key', 'ca.crt': 'roots' };

async function documentsOf(texts: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const source = issuerDirectory('/etc/cacerts', new DocumentSet(texts));
  return Object.fromEntries(await source.read());
}

describe('A folder with an issuer', () => {
  it("is read as Istio's cacerts: the issuer's certificate, then those above it", async () => {
    assert.deepEqual(await documentsOf(CACERTS), { chain: 'own\nabove', key: 'key', anchors: roots });
  });

  it('is read as kubernetes.io/tls, which comes before the other shape as with istiod', async () => {
    const documents = { chain: 'own and above', key: 'key', anchors: 'roots' };
    assert.deepEqual(await documentsOf(TLS), documents);
    assert.deepEqual(await documentsOf({ ...CACERTS, ...TLS, 'ca-key.pem': 'another' }), documents);
  });

  it('needs no cert-chain.pem where nothing is between the issuer and its root', async () => {
    assert.deepEqual(await documentsOf(DIRECT), { chain: 'own\n', key: 'key', anchors: 'roots' });
  });

  it('gives way to trust anchors from elsewhere, and lets a passphrase through', async () => {
    const more = { anchors: 'both roots', secret: 'a passphrase' };
    assert.deepEqual(await documentsOf({ ...ROOTLESS, ...more }), { chain: 'own\nabove', key: 'key', ...more });
  });

  it('is refused by the name of what is missing', async () => {
    for (const [texts, words] of [
      [{}, 'CAP-X03 the configuration is invalid: /etc/cacerts has neither tls.crt nor ca-cert.pem'],
      [KEYLESS, 'CAP-X03 the configuration is invalid: /etc/capstan/ca-key.pem is missing'],
      [{ 'tls.crt': above, 'tls.key': key }, 'CAP-X03 the configuration is invalid: /etc/capstan/ca.crt is missing'],
    ] as const) {
      await assert.rejects(documentsOf(texts), (error) => error instanceof AuthorityError && error.message === words);
    }
  });

  it('calls each document by the file that it is in', async () => {
    const source = issuerDirectory('/etc/cacerts', new DocumentSet(TLS));
    await source.read();
    assert.deepEqual(
      ['chain', 'key', 'anchors', 'secret'].map((name) => source.placeOf(name)),
      ['tls.crt', 'tls.key', 'ca.crt', 'secret'].map((name) => `/etc/capstan/${name}`),
    );
  });

  it('has its private key read as one', () => {
    const confidential = ISSUER_FILES.filter((file) => file.confidential).map(({ name }) => name);
    assert.deepEqual(confidential, ['tls.key', 'ca-key.pem']);
  });
});
