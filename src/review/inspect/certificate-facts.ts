// What a certificate says of itself, in words. Nothing here is on the path of issuing, so a library
// reads the extensions.
import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { readPathCertificate, type PathCertificate } from '../../domain/x509/path/certificate.ts';

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** Such as `URI spiffe://…` or `DNS localhost`. */
  readonly names: readonly string[];
  /** Lower-case hex. */
  readonly serial: string;
  /** Hex, in pairs. */
  readonly sha256: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly key: string;
  readonly signature: string;
  readonly ca: boolean;
  /** How many CAs may stand below it; absent means any number. */
  readonly pathLength: number | undefined;
  readonly keyUsage: readonly string[];
  readonly extendedKeyUsage: readonly string[];
}

/** A certificate as read from a file, with both readers' views of it. */
export interface ReadCertificate {
  readonly facts: CertificateFacts;
  readonly x509: X509Certificate;
  /** As path validation sees it. */
  readonly forPath: PathCertificate;
}

const KEY_USAGES: readonly (readonly [flag: x509.KeyUsageFlags, words: string])[] = [
  [x509.KeyUsageFlags.digitalSignature, 'digital signature'],
  [x509.KeyUsageFlags.nonRepudiation, 'non-repudiation'],
  [x509.KeyUsageFlags.keyEncipherment, 'key encipherment'],
  [x509.KeyUsageFlags.dataEncipherment, 'data encipherment'],
  [x509.KeyUsageFlags.keyAgreement, 'key agreement'],
  [x509.KeyUsageFlags.keyCertSign, 'signing certificates'],
  [x509.KeyUsageFlags.cRLSign, 'signing revocation lists'],
];

const PURPOSES: Readonly<Record<string, string>> = {
  [x509.ExtendedKeyUsage.serverAuth]: 'TLS server',
  [x509.ExtendedKeyUsage.clientAuth]: 'TLS client',
};

const NAME_KINDS: Readonly<Record<string, string>> = { url: 'URI', dns: 'DNS', ip: 'IP', email: 'email', dn: 'name' };
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** @throws when the bytes are not a certificate. */
export function readCertificate(der: Uint8Array): ReadCertificate {
  const platform = new X509Certificate(der);
  const forPath = readPathCertificate(der);
  if ('problem' in forPath) throw new Error(forPath.problem);
  const library = new x509.X509Certificate(der);
  const usages = library.getExtension(x509.KeyUsagesExtension)?.usages ?? 0;
  const purposes = library.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [];
  const names = library.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const facts: CertificateFacts = {
    // The platform's reader has no subject at all where a certificate has an empty one.
    subject: library.subject,
    issuer: library.issuer,
    names: names.map(({ type, value }) => `${NAME_KINDS[type] ?? type} ${value}`),
    serial: platform.serialNumber.toLowerCase(),
    sha256: platform.fingerprint256,
    notBeforeMs: forPath.notBeforeMs,
    notAfterMs: forPath.notAfterMs,
    key: formatKey(platform),
    signature: formatSignature(library),
    ca: platform.ca,
    pathLength: library.getExtension(x509.BasicConstraintsExtension)?.pathLength,
    keyUsage: KEY_USAGES.filter(([flag]) => (usages & flag) !== 0).map(([, words]) => words),
    extendedKeyUsage: purposes.map((purpose) => PURPOSES[String(purpose)] ?? String(purpose)),
  };
  return { facts, x509: platform, forPath };
}

/** @returns the SPIFFE ID, else the first name, else the subject. */
export function titleOf({ names, subject }: CertificateFacts): string {
  const name = names.find((candidate) => candidate.startsWith('URI spiffe://')) ?? names[0];
  return name === undefined || (subject !== '' && !name.startsWith('URI ')) ? subject : name.replace(/^\S+ /, '');
}

function formatKey({ publicKey }: X509Certificate): string {
  const { namedCurve = '', modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === 'ec') return `ECDSA ${CURVES[namedCurve] ?? namedCurve}`;
  return [publicKey.asymmetricKeyType?.toUpperCase(), modulusLength].join(' ').trim();
}

function formatSignature({ signatureAlgorithm }: x509.X509Certificate): string {
  const { name, hash } = signatureAlgorithm as { name: string; hash?: { name: string } };
  return hash === undefined ? name : `${name.replace('RSASSA-PKCS1-v1_5', 'RSA')} with ${hash.name}`;
}
