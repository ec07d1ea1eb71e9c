// Makes a root and intermediates under it, for dev mode and for tests. Off the hot path, so a
// library writes these certificates.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export type CaKeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048';

export interface CaKeyPair {
  readonly certificatePem: string;
  /** PKCS#8. */
  readonly keyPem: string;
}

export interface CaOptions {
  readonly name: string;
  readonly nowMs: number;
  readonly lifetimeMs: number;
  readonly keyType?: CaKeyType;
  /** That of the trust domain, for a CA that signs in it (X509-SVID section 3.2). */
  readonly spiffeId?: string;
}

const ALGORITHMS = {
  'ec-p256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'ec-p384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  'rsa-2048': {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: 'SHA-256',
  },
} as const;

/** Other machines' clocks may run late. */
const BACKDATE_MS = 5 * 60_000;
/** Flags combine to a number that is no member of the library's enum. */
const CA_USAGES = (x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign) as x509.KeyUsageFlags;

/** @returns a self-signed root certificate and its key. */
export async function createRoot(options: CaOptions): Promise<CaKeyPair> {
  const keys = await generate(options.keyType);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...subjectAndValidity(options),
    name: `CN=${options.name}`,
    keys,
    signingAlgorithm: ALGORITHMS[options.keyType ?? 'ec-p256'],
    extensions: await caExtensions(keys.publicKey, undefined),
  });
  return exported(certificate, keys.privateKey);
}

/** @returns an intermediate that may sign workloads only (path length 0), under `root`. */
export async function createIntermediate(root: CaKeyPair, options: CaOptions): Promise<CaKeyPair> {
  const issuer = new x509.X509Certificate(root.certificatePem);
  const signingAlgorithm = algorithmOf(issuer);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(root.keyPem),
    signingAlgorithm,
    false,
    ['sign'],
  );
  const keys = await generate(options.keyType);
  const certificate = await x509.X509CertificateGenerator.create({
    ...subjectAndValidity(options),
    subject: `CN=${options.name}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm,
    extensions: [...(await caExtensions(keys.publicKey, 0, issuer)), ...spiffeName(options.spiffeId)],
  });
  return exported(certificate, keys.privateKey);
}

async function generate(keyType: CaKeyType = 'ec-p256'): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHMS[keyType], true, ['sign', 'verify']);
}

function subjectAndValidity({ nowMs, lifetimeMs }: CaOptions) {
  const serial = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return {
    serialNumber: serial.toString('hex'),
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + lifetimeMs),
  };
}

async function caExtensions(key: CryptoKey, pathLength: number | undefined, issuer?: x509.X509Certificate) {
  const keyId = issuer?.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(CA_USAGES, true),
    await x509.SubjectKeyIdentifierExtension.create(key),
    ...(keyId === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(keyId)]),
  ];
}

function spiffeName(spiffeId: string | undefined): readonly x509.Extension[] {
  return spiffeId === undefined ? [] : [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: spiffeId }])];
}

function algorithmOf({ publicKey }: x509.X509Certificate) {
  const { name, namedCurve } = publicKey.algorithm as { name: string; namedCurve?: string };
  if (name !== 'ECDSA') return ALGORITHMS['rsa-2048'];
  return namedCurve === 'P-384' ? ALGORITHMS['ec-p384'] : ALGORITHMS['ec-p256'];
}

async function exported(certificate: x509.X509Certificate, key: CryptoKey): Promise<CaKeyPair> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  };
}
