// What policy leaves of the usages is what the certificate carries, as far as the key can do it, and the second reader
// agrees; it would see it if the first one were mistaken.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import * as x509 from '@peculiar/x509';
import { servingProfile, workloadProfile, type Profile } from '../../../src/domain/x509/profile.ts';
import { confirmCertificate } from '../../../src/domain/x509/second-opinion.ts';
import { encodeTbsCertificate, type CertificateContents } from '../../../src/domain/x509/template.ts';
import { assembleCertificate } from '../../../src/domain/x509/certificate.ts';
import { usableForSvid, USAGES } from '../../../src/domain/x509/usage.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { ecKeys, rsaKeys } from '../../vectors/csr/der-parts.ts';
import { contentsFor, issue } from './shapes.ts';

const SUBSETS = Array.from({ length: 2 ** USAGES.length }, (_, bits) =>
  USAGES.filter((_usage, index) => (bits & (1 << index)) !== 0),
);
const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
const BOTH = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
const KEYS = { 'ec-p256': ecKeys().spki, 'ec-p384': ecKeys('P-384').spki, rsa: rsaKeys(2048).spki } as const;

describe('The workload profile narrowed by policy', () => {
  let authority: TestAuthority;
  before(async () => {
    authority = await testAuthority();
  });

  const read = (der: Uint8Array): readonly [usage: number, uses: readonly unknown[]] => {
    const certificate = new x509.X509Certificate(der);
    const usage = certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? 0;
    return [usage, [...(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [])]];
  };

  it('is usable for an SVID with signing, serving and calling only', () => {
    assert.deepEqual(SUBSETS.filter(usableForSvid), [
      ['digitalSignature', 'serverAuth', 'clientAuth'],
      ['digitalSignature', 'keyEncipherment', 'serverAuth', 'clientAuth'],
    ]);
  });

  for (const [family, spki] of Object.entries(KEYS) as [keyof typeof KEYS, Uint8Array][]) {
    for (const usages of SUBSETS.filter(usableForSvid)) {
      it(`carries of ${usages.join(', ')} what a key of ${family} can do`, async () => {
        const contents = { ...contentsFor(authority, spki), profile: workloadProfile(usages, family) };
        const { der } = await issue(authority, contents);
        confirmCertificate(der, contents);
        const encipher = family === 'rsa' && usages.includes('keyEncipherment');
        assert.deepEqual(read(der), [digitalSignature | (encipher ? keyEncipherment : 0), BOTH]);
      });
    }

    it(`lets the CA's own certificate encipher keys with RSA alone: ${family}`, async () => {
      const names = [{ kind: 'dns', value: 'localhost' }] as const;
      const contents = { ...contentsFor(authority, spki), profile: servingProfile(family), names };
      const { der } = await issue(authority, contents);
      assert.deepEqual(read(der), [digitalSignature | (family === 'rsa' ? keyEncipherment : 0), BOTH.slice(0, 1)]);
    });
  }

  for (const [what, profile] of [
    ['keyEncipherment beside an EC key', workloadProfile(USAGES, 'rsa')],
    ['a SPIFFE ID for servers only', servingProfile('ec-p256')],
    ['a SPIFFE ID for clients only', workloadProfile(['digitalSignature', 'clientAuth'], 'ec-p256')],
  ] as readonly (readonly [string, Profile])[]) {
    it(`is stopped by the second opinion with ${what}, whatever was approved`, async () => {
      const contents: CertificateContents = { ...contentsFor(authority, KEYS['ec-p256']), profile };
      const { issuer, signer } = authority.material;
      const tbs = encodeTbsCertificate(contents);
      const { der } = assembleCertificate(tbs, await signer.sign(tbs, { signal: AbortSignal.timeout(30_000) }), issuer);
      assert.throws(() => confirmCertificate(der, contents), { reason: 'CAP-X01' });
    });
  }
});
