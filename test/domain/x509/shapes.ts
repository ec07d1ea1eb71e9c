// Every shape of certificate that Capstan issues, made by the hot path with real keys; the judges
// (OpenSSL, Go, another library) read them in the tests beside this file and under test/peers.
import { randomBytes } from 'node:crypto';
import { assembleCertificate, type Certificate } from '../../../src/domain/x509/certificate.ts';
import { servingProfile, workloadProfile } from '../../../src/domain/x509/profile.ts';
import { readPublicKey } from '../../../src/domain/x509/public-key.ts';
import { confirmCertificate } from '../../../src/domain/x509/second-opinion.ts';
import { USAGES } from '../../../src/domain/x509/usage.ts';
import { encodeTbsCertificate, type CertificateContents } from '../../../src/domain/x509/template.ts';
import type { CaKeyType } from '../../../src/adapters/dev/bootstrap-authority.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { ecKeys, rsaKeys } from '../../vectors/csr/der-parts.ts';

export interface Shape {
  readonly name: string;
  readonly authority: TestAuthority;
  readonly contents: CertificateContents;
  readonly certificate: Certificate;
}

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const WORKLOAD = { kind: 'uri', value: 'spiffe://cluster.local/ns/default/sa/demo' } as const;
const LONGEST = {
  kind: 'uri',
  value: `spiffe://cluster.local/${'x'.repeat(2048 - 'spiffe://cluster.local/'.length)}`,
} as const;
const SERVING = [
  { kind: 'dns', value: 'istiod.istio-system.svc' },
  { kind: 'dns', value: 'localhost' },
  { kind: 'ip', value: '127.0.0.1' },
  { kind: 'ip', value: '2001:db8::1:0' },
  { kind: 'ip', value: '::ffff:192.0.2.1' },
] as const;

/** Serial numbers as the flow makes them: positive, 16 bytes. */
export function serialNumber(): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

export async function issue(authority: TestAuthority, contents: CertificateContents): Promise<Certificate> {
  const tbs = encodeTbsCertificate(contents);
  const { issuer, signer } = authority.material;
  const signature = await signer.sign(tbs, { signal: AbortSignal.timeout(30_000) });
  const certificate = assembleCertificate(tbs, signature, issuer);
  confirmCertificate(certificate.der, contents);
  return certificate;
}

/** Contents of a workload certificate for a fresh key, valid for an hour. */
export function contentsFor(authority: TestAuthority, spki: Uint8Array): CertificateContents {
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  return {
    profile: workloadProfile(USAGES, readPublicKey(spki).family),
    serial: serialNumber(),
    issuer: authority.issuer,
    notBeforeMs: nowMs - 60_000,
    notAfterMs: nowMs + HOUR_MS,
    publicKey: readPublicKey(spki),
    names: [WORKLOAD],
  };
}

/** One certificate per combination of issuer and subject key, and one per special case. */
export async function everyShape(): Promise<readonly Shape[]> {
  const keys = {
    'P-256': ecKeys().spki,
    'P-384': ecKeys('P-384').spki,
    'RSA 2048': rsaKeys(2048).spki,
    'RSA 4096': rsaKeys(4096).spki,
  };
  const shapes: Shape[] = [];
  for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048'] satisfies CaKeyType[]) {
    const authority = await testAuthority({ keyType, intermediateLifetimeMs: 9 * YEAR_MS });
    for (const [leaf, spki] of Object.entries(keys)) {
      const contents = contentsFor(authority, spki);
      shapes.push(await shaped(`${leaf} under ${keyType}`, authority, contents));
    }
  }
  const { authority, contents } = shapes[0]!;
  const special: Readonly<Record<string, Partial<CertificateContents>>> = {
    'of the CA itself': { profile: servingProfile('ec-p256'), names: SERVING },
    'with the longest SPIFFE ID': { names: [LONGEST] },
    'that ends with its issuer': { notAfterMs: authority.issuer.notAfterMs },
  };
  for (const [name, change] of Object.entries(special)) {
    shapes.push(await shaped(name, authority, { ...contents, serial: serialNumber(), ...change }));
  }
  return [...shapes, await beyond2049()];
}

/** Dates change their form in 2050; the issuer and its root do too. */
async function beyond2049(): Promise<Shape> {
  const authority = await testAuthority({ intermediateLifetimeMs: 40 * YEAR_MS, rootLifetimeMs: 41 * YEAR_MS });
  const contents = { ...contentsFor(authority, ecKeys().spki), notAfterMs: Date.UTC(2050, 0, 1) };
  return shaped('that ends in 2050', authority, contents);
}

async function shaped(name: string, authority: TestAuthority, contents: CertificateContents): Promise<Shape> {
  return { name, authority, contents, certificate: await issue(authority, contents) };
}
