// A certificate as path validation sees it. Off the hot path, so OpenSSL's own parser reads it first;
// what OpenSSL does not tell is read from the DER.
import { X509Certificate } from 'node:crypto';
import { DerReader, TAG } from '../der.ts';
import { decodePemBlocks, encodePem } from '../pem.ts';
import { attributesOf } from './certified-names.ts';
import { readKeyProblem, readSignatureStrength, type CertificateAlgorithms } from './algorithms.ts';
import { hexNumber, readExtensions, type CertificateExtensions } from './extensions.ts';

export interface PathCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  /** Hex SHA-256 of the DER. */
  readonly sha256: string;
  /** Subject in words, for people. */
  readonly subject: string;
  /** Issuer in words, for people. */
  readonly issuer: string;
  /** Subject, issuer and public key as whole DER. */
  readonly subjectDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly spki: Uint8Array;
  /** Lower-case hex, no leading zeros. */
  readonly serial: string;
  /** 1 or 3. */
  readonly version: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly algorithms: CertificateAlgorithms;
  readonly extensions: CertificateExtensions;
  readonly x509: X509Certificate;
}

const VERSION = 0xa0;
const EMPTY_NAME_BYTES = 2;

/** @returns the certificate, or why it is none. */
export function readPathCertificate(der: Uint8Array): PathCertificate | { readonly problem: string } {
  try {
    const x509 = new X509Certificate(der);
    // OpenSSL stops reading at the end of the certificate; clients need not.
    if (x509.raw.length !== der.length) return { problem: 'has a certificate followed by trailing bytes' };
    const validity = validityOf(x509);
    if (validity === undefined) return { problem: 'has a certificate whose validity has a moment that is none' };
    return {
      der,
      pem: encodePem('CERTIFICATE', der),
      sha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
      subject: oneLine(x509.subject),
      issuer: oneLine(x509.issuer),
      ...readFields(der, x509),
      ...validity,
      x509,
    };
  } catch {
    return { problem: 'has a certificate that does not parse' };
  }
}

/**
 * In ms since the epoch. OpenSSL parses a thirteenth month, and says so only when it verifies.
 * @returns nothing where either is no moment: it compares with none, and has no text.
 */
export function validityOf(x509: X509Certificate): Pick<PathCertificate, 'notBeforeMs' | 'notAfterMs'> | undefined {
  const [notBeforeMs, notAfterMs] = [x509.validFromDate.getTime(), x509.validToDate.getTime()];
  return Number.isNaN(notBeforeMs) || Number.isNaN(notAfterMs) ? undefined : { notBeforeMs, notAfterMs };
}

/** @returns the certificates of a text that was judged before; what is none is left out. */
export function pathCertificatesOf(pem: string): readonly PathCertificate[] {
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  if ('problem' in blocks) return [];
  return blocks.map(readPathCertificate).flatMap((certificate) => ('problem' in certificate ? [] : [certificate]));
}

type Fields = Pick<
  PathCertificate,
  'subjectDer' | 'issuerDer' | 'spki' | 'serial' | 'version' | 'algorithms' | 'extensions'
>;

function readFields(der: Uint8Array, x509: X509Certificate): Fields {
  const certificate = DerReader.over(der).enter(TAG.sequence, 'Certificate');
  const tbs = certificate.enter(TAG.sequence, 'TBSCertificate');
  const version =
    tbs.nextTag === VERSION ? (tbs.enter(VERSION, 'version').read(TAG.integer, 'version')[0] ?? 0) + 1 : 1;
  const serial = hexNumber(tbs.read(TAG.integer, 'serialNumber'));
  const strength = readSignatureStrength(tbs.enter(TAG.sequence, 'signature'));
  const issuerDer = tbs.readWhole(TAG.sequence, 'issuer');
  tbs.read(TAG.sequence, 'validity');
  const subjectDer = tbs.readWhole(TAG.sequence, 'subject');
  // Its parts are looked at where the path is judged; here is where one that is none is told.
  attributesOf(subjectDer);
  const spki = tbs.readWhole(TAG.sequence, 'subjectPublicKeyInfo');
  const keyProblem = readKeyProblem(DerReader.over(spki).enter(TAG.sequence, 'subjectPublicKeyInfo'), x509);
  const algorithms = { ...strength, keyProblem };
  return { version, serial, issuerDer, subjectDer, spki, algorithms, extensions: readExtensions(tbs) };
}

export function hasEmptySubject({ subjectDer }: PathCertificate): boolean {
  return subjectDer.length === EMPTY_NAME_BYTES;
}

/** Its issuer is itself by name: such certificates count neither for path lengths nor for policies. */
export function isSelfIssued({ subjectDer, issuerDer }: PathCertificate): boolean {
  return sameBytes(subjectDer, issuerDer);
}

export function isSelfSigned(certificate: PathCertificate): boolean {
  return isSelfIssued(certificate) && certificate.x509.verify(certificate.x509.publicKey);
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0;
}

/** Node has no text for an empty name, whatever its type says. */
function oneLine(name: string | undefined): string {
  return name === undefined || name === '' ? 'without a subject' : name.replaceAll('\n', ', ');
}
