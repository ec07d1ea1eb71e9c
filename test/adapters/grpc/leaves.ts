// Leaf certificates for either end of a TLS connection, good ones and deliberately bad ones.
import 'reflect-metadata';
import { randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CaKeyPair } from '../../../src/adapters/dev/bootstrap-authority.ts';
import { readCaCertificate, type CaCertificate } from '../../../src/domain/x509/ca-certificate.ts';
import { good } from '../../support/certificates.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;
const BOTH_USAGES = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];

export interface LeafOptions {
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly isCa?: boolean;
  /** Hex; random unless it says otherwise. */
  readonly serial?: string;
  /** Both usages unless it says otherwise; without any, the extension is left out. */
  readonly extendedUsages?: readonly string[];
}

export interface TestLeaf {
  readonly der: Uint8Array;
  /** The leaf, then its issuer. */
  readonly chainPem: string;
  readonly keyPem: string;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Of a CA's certificate, as those that judge leaves know it. */
export function caOf({ certificatePem }: Pick<CaKeyPair, 'certificatePem'>): CaCertificate {
  return good(readCaCertificate(new X509Certificate(certificatePem).raw));
}

/** A leaf under `issuer`, for server and client alike, valid from an hour ago for two. */
export async function leafUnder(issuer: CaKeyPair, options: LeafOptions = {}): Promise<TestLeaf> {
  const { uris = [], dns = [], isCa = false, extendedUsages = BOTH_USAGES } = options;
  const { notBeforeMs = Date.now() - HOUR_MS, notAfterMs = Date.now() + HOUR_MS } = options;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const { serial = `4${randomBytes(8).toString('hex').slice(1)}` } = options;
  const names = [
    ...uris.map((value) => ({ type: 'url' as const, value })),
    ...dns.map((value) => ({ type: 'dns' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notAfterMs),
    issuer: new x509.X509Certificate(issuer.certificatePem).subject,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(issuer),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(isCa, undefined, true),
      ...(extendedUsages.length > 0 ? [new x509.ExtendedKeyUsageExtension([...extendedUsages])] : []),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names, true)] : []),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    der: new Uint8Array(certificate.rawData),
    chainPem: `${certificate.toString('pem')}\n${issuer.certificatePem}`,
    keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    serial,
    notBeforeMs: Math.floor(notBeforeMs / 1000) * 1000,
    notAfterMs: Math.floor(notAfterMs / 1000) * 1000,
  };
}

async function signingKeyOf({ keyPem }: CaKeyPair): Promise<CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(keyPem), ALGORITHM, false, ['sign']);
}
