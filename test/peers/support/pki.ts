// A throwaway corporate root, intermediates under it and leaves, for tests against real peers. Made
// with @peculiar/x509, so that nothing of the product judges its own work here.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const WEAK = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 1024,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
} as const;
const HOUR_MS = 3_600_000;

export interface TestAuthority {
  readonly certificatePem: string;
  /** PKCS#8. */
  readonly keyPem: string;
  /** This certificate and those above it, without the root. */
  readonly chainPem: string;
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface TestLeaf {
  readonly chainPem: string;
  readonly keyPem: string;
  /** Upper-case hex, as node:tls writes it. */
  readonly serial: string;
}

export interface LeafRequest {
  readonly uri?: string;
  readonly dns?: string;
  readonly ip?: string;
  readonly notAfter?: Date;
  /** RSA of 1024 bits parses and verifies everywhere, and no proxy accepts it. */
  readonly weakKey?: boolean;
}

/** A self-signed root, valid for two months unless said otherwise. */
export async function createRoot(commonName: string, days = 60): Promise<TestAuthority> {
  return createAuthority(commonName, days);
}

/** An intermediate with pathLen 0 under `root`, valid for a month unless said otherwise: the server refuses one that is hardly longer than leaves. */
export async function issueIntermediate(root: TestAuthority, commonName: string, days = 30): Promise<TestAuthority> {
  return createAuthority(commonName, days, root);
}

/** @returns PEM of a certificate with pathLen 0 for the key of a request, valid for a month. */
export async function signIntermediate(root: TestAuthority, csrPem: string): Promise<string> {
  const { publicKey, subject } = new x509.Pkcs10CertificateRequest(csrPem);
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(30 * 24 * HOUR_MS, undefined, root.certificate.notAfter),
    serialNumber: serialNumber(),
    subject,
    issuer: root.certificate.subject,
    publicKey,
    signingKey: root.keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(CA_USAGE, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(root.certificate),
    ],
  });
  return pemOf(certificate);
}

/** The same without cRLSign: no revocation list of it is valid. */
export async function issueMuteIntermediate(root: TestAuthority, commonName: string): Promise<TestAuthority> {
  return createAuthority(commonName, 30, root, x509.KeyUsageFlags.keyCertSign);
}

/** A leaf for client and server, valid for an hour unless said otherwise; the chain stops below the root. */
export async function issueLeaf(issuer: TestAuthority, request: LeafRequest): Promise<TestLeaf> {
  const keys = await generateKeys(request.weakKey === true ? WEAK : ALGORITHM);
  const names = [
    ...(request.uri === undefined ? [] : [{ type: 'url' as const, value: request.uri }]),
    ...(request.dns === undefined ? [] : [{ type: 'dns' as const, value: request.dns }]),
    ...(request.ip === undefined ? [] : [{ type: 'ip' as const, value: request.ip }]),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(HOUR_MS, request.notAfter),
    serialNumber: serialNumber(),
    issuer: issuer.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.SubjectAlternativeNameExtension(names, true),
    ],
  });
  return {
    chainPem: pemOf(certificate) + issuer.chainPem,
    keyPem: await privateKeyPem(keys),
    serial: certificate.serialNumber.toUpperCase(),
  };
}

const CA_USAGE: x509.KeyUsageFlags = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;

async function createAuthority(
  commonName: string,
  days: number,
  parent?: TestAuthority,
  usage = CA_USAGE,
): Promise<TestAuthority> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(days * 24 * HOUR_MS, undefined, parent?.certificate.notAfter),
    serialNumber: serialNumber(),
    subject: `CN=${commonName}`,
    issuer: parent?.certificate.subject ?? `CN=${commonName}`,
    publicKey: keys.publicKey,
    signingKey: parent?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, parent === undefined ? undefined : 0, true),
      new x509.KeyUsagesExtension(usage, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(parent === undefined ? [] : [await x509.AuthorityKeyIdentifierExtension.create(parent.certificate)]),
    ],
  });
  const certificatePem = pemOf(certificate);
  const chainPem = parent === undefined ? '' : certificatePem + parent.chainPem;
  return { certificatePem, chainPem, keyPem: await privateKeyPem(keys), certificate, keys };
}

async function generateKeys(algorithm: typeof ALGORITHM | typeof WEAK = ALGORITHM): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function privateKeyPem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', privateKey);
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`;
}

const pemOf = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

/** Twelve random bytes whose first is neither zero nor negative, so that every tool writes it alike. */
function serialNumber(): string {
  const bytes = randomBytes(12);
  bytes[0] = 0x10 | (bytes[0]! & 0x6f);
  return bytes.toString('hex');
}

/** @param last that it does not outlive: a second may have begun since the issuer was made, and the server refuses one that does. */
function validity(
  lifeMs: number,
  notAfter = new Date(Date.now() + lifeMs),
  last = notAfter,
): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - 60_000), notAfter: last < notAfter ? last : notAfter };
}
