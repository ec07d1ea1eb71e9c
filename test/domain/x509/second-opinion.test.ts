import assert from 'node:assert/strict';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { assembleCertificate } from '../../../src/domain/x509/certificate.ts';
import { servingProfile } from '../../../src/domain/x509/profile.ts';
import { readPublicKey } from '../../../src/domain/x509/public-key.ts';
import { confirmCertificate } from '../../../src/domain/x509/second-opinion.ts';
import { encodeTbsCertificate, type CertificateContents } from '../../../src/domain/x509/template.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { ecKeys, seq, tlv } from '../../vectors/csr/der-parts.ts';
import { contentsFor, issue, serialNumber } from './shapes.ts';

const DAY_MS = 86_400_000;

describe('The second opinion', () => {
  let authority: TestAuthority;
  let approved: CertificateContents;
  let der: Buffer;

  before(async () => {
    authority = await testAuthority();
    approved = contentsFor(authority, ecKeys().spki);
    der = Buffer.from((await issue(authority, approved)).der);
  });

  function refuses(bytes: Uint8Array, field = /second opinion: /, expected = approved): void {
    assert.throws(
      () => confirmCertificate(bytes, expected),
      (error) =>
        error instanceof AuthorityError &&
        error.reason === 'CAP-X01' &&
        error.cause instanceof Error &&
        field.test(error.cause.message),
    );
  }

  it('agrees with what was approved', () => confirmCertificate(der, approved));

  it('refuses every other byte in every place outside the signature', () => {
    const headerAndAlgorithm = 4 + 12;
    const signature = headerAndAlgorithm + encodeTbsCertificate(approved).length + '03xx00'.length / 2;
    for (let at = 0; at < signature; at++) {
      for (const bits of [0x01, 0x20, 0x80, 0xff]) {
        const wrong = Buffer.from(der);
        wrong[at]! ^= bits;
        refuses(wrong);
      }
    }
  });

  it('refuses every truncation, and anything behind the end', () => {
    for (let length = 0; length < der.length; length++) refuses(der.subarray(0, length));
    refuses(Buffer.concat([der, Buffer.of(0)]), /Certificate/);
  });

  it('refuses a well-signed certificate that differs from the approval in any one field', async () => {
    const other = await testAuthority();
    const uri = (value: string) => [{ kind: 'uri', value }] as const;
    const [name] = approved.names;
    const changes: readonly [RegExp, Partial<CertificateContents>][] = [
      [/serialNumber/, { serial: serialNumber() }],
      [/issuer|authorityKeyIdentifier/, { issuer: other.issuer }],
      [/./, { notBeforeMs: approved.notBeforeMs - 1000 }],
      [/./, { notAfterMs: approved.notAfterMs + 1000 }],
      [/year|date/, { notAfterMs: approved.notAfterMs + 30 * DAY_MS }],
      [/subjectPublicKeyInfo/, { publicKey: readPublicKey(ecKeys().spki) }],
      [
        /extendedKeyUsage|subjectPublicKeyInfo|Certificate|extensions/,
        { profile: servingProfile('ec-p256'), names: [{ kind: 'dns', value: 'localhost' }] },
      ],
      [/subjectAltName/, { names: uri('spiffe://cluster.local/ns/default/sa/demi') }],
      [/./, { names: [...approved.names, { kind: 'dns', value: 'evil.example' }] }],
      [/./, { names: [name!, name!] }],
    ];
    for (const [field, change] of changes) {
      const signedBy = 'issuer' in change ? other : authority;
      const { der: wrong } = await issue(signedBy, { ...approved, ...change });
      refuses(wrong, field);
    }
  });

  /** The approved certificate with other extensions in the place of its own. */
  function withExtensions(change: (extensions: readonly Buffer[]) => readonly Buffer[]): Uint8Array {
    const tbs = Buffer.from(encodeTbsCertificate(approved));
    const start = tbs.lastIndexOf(Buffer.from('300e0603551d0f', 'hex'));
    const own: Buffer[] = [];
    for (let at = start; at < tbs.length; at += 2 + tbs[at + 1]!) own.push(tbs.subarray(at, at + 2 + tbs[at + 1]!));
    // Behind the three-byte header of the certificate body, before the header of the extensions.
    const head = tbs.subarray(4, tbs.lastIndexOf(0xa3, start));
    const body = seq(head, tlv(0xa3, seq(...change(own))));
    return seq(body, tlv(0x30, '06082a8648ce3d040302'), tlv(0x03, '00', Buffer.alloc(70)));
  }

  it('refuses one extension too many, too few, twice or out of order', () => {
    confirmCertificate(
      withExtensions((own) => own),
      approved,
    );
    const unknown = seq('06032a0304', tlv(0x04, '0500'));
    refuses(
      withExtensions((own) => [...own, unknown]),
      /extensions|subjectAltName/,
    );
    refuses(
      withExtensions((own) => [unknown, ...own]),
      /keyUsage/,
    );
    refuses(
      withExtensions((own) => own.toReversed()),
      /keyUsage/,
    );
    for (let index = 0; index < 6; index++) {
      refuses(withExtensions((own) => own.toSpliced(index, 1)));
      refuses(withExtensions((own) => own.toSpliced(index, 0, own[index]!)));
    }
  });

  it('refuses a CA certificate, a SAN that is not critical and a key usage that signs certificates', () => {
    const instead = (of: number, by: Buffer) => withExtensions((own) => own.with(of, by));
    refuses(instead(2, seq('0603551d13', '0101ff', tlv(0x04, seq('0101ff')))), /basicConstraints/);
    refuses(instead(0, seq('0603551d0f', '0101ff', tlv(0x04, '030200a4'))), /keyUsage/);
    refuses(
      withExtensions((own) => own.with(5, seq('0603551d11', own[5]!.subarray(10)))),
      /subjectAltName/,
    );
  });

  it('refuses what should not have been approved: weak serials, no names, lives beyond the issuer', async () => {
    const cases: readonly [RegExp, Partial<CertificateContents>][] = [
      [/serialNumber/, { serial: Uint8Array.of(0x41, 1, 2, 3, 4, 5, 6) }],
      [/serialNumber/, { serial: Buffer.concat([Buffer.of(0x80), serialNumber()]) }],
      [/serialNumber/, { serial: Buffer.concat([Buffer.of(0x00), serialNumber()]) }],
      [/serialNumber/, { serial: Buffer.alloc(21, 0x41) }],
      [/subjectAltName/, { names: [] }],
      [/validity/, { notAfterMs: authority.issuer.notAfterMs + 1000 }],
      [/validity/, { notBeforeMs: authority.issuer.notBeforeMs - 1000 }],
      [/validity/, { notBeforeMs: approved.notAfterMs }],
      [/second/, { notAfterMs: approved.notAfterMs + 1 }],
    ];
    for (const [field, change] of cases) {
      const contents = { ...approved, ...change };
      const tbs = encodeTbsCertificate(contents);
      const signature = await authority.material.signer.sign(tbs, { signal: AbortSignal.timeout(30_000) });
      refuses(assembleCertificate(tbs, signature, authority.issuer).der, field, contents);
    }
  });
});
