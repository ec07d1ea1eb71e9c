// A CA certificate as read from a file: trust anchors and intermediates. Off the hot path, so
// OpenSSL's own parser reads it; what OpenSSL does not tell is read from the DER.
import { X509Certificate } from 'node:crypto';
import { DerReader, dotted, TAG } from './der.ts';
import { encodePem } from './pem.ts';

export interface CaCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  /** Hex SHA-256 of the DER. */
  readonly sha256: string;
  /** Subject in words, for people. */
  readonly subject: string;
  /** Subject and issuer as whole DER Names. */
  readonly subjectDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly subjectKeyId: Uint8Array | undefined;
  /** How many intermediates may stand below, or Infinity (RFC 5280 section 4.2.1.9). */
  readonly pathLength: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly x509: X509Certificate;
}

const SUBJECT_KEY_ID = '2.5.29.14';
const BASIC_CONSTRAINTS = '2.5.29.19';
const EXTENSIONS = 0xa3;
const VERSION = 0xa0;

/** @returns the certificate, or why it cannot serve as one of a CA. */
export function readCaCertificate(der: Uint8Array): CaCertificate | { readonly problem: string } {
  try {
    const x509 = new X509Certificate(der);
    // OpenSSL stops reading at the end of the certificate; clients need not.
    if (x509.raw.length !== der.length) return { problem: 'has a certificate followed by trailing bytes' };
    // CA:TRUE, and keyCertSign where there is a key usage.
    if (!x509.ca) return { problem: `certificate ${oneLine(x509.subject)} is not a CA certificate` };
    return {
      der,
      pem: encodePem('CERTIFICATE', der),
      sha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
      subject: oneLine(x509.subject),
      ...readFields(der),
      notBeforeMs: x509.validFromDate.getTime(),
      notAfterMs: x509.validToDate.getTime(),
      x509,
    };
  } catch {
    return { problem: 'has a certificate that does not parse' };
  }
}

function readFields(der: Uint8Array): Pick<CaCertificate, 'subjectDer' | 'issuerDer' | 'subjectKeyId' | 'pathLength'> {
  const tbs = DerReader.over(der).enter(TAG.sequence, 'Certificate').enter(TAG.sequence, 'TBSCertificate');
  tbs.read(VERSION, 'version');
  tbs.read(TAG.integer, 'serialNumber');
  tbs.read(TAG.sequence, 'signature');
  const issuerDer = tbs.readWhole(TAG.sequence, 'issuer');
  tbs.read(TAG.sequence, 'validity');
  const subjectDer = tbs.readWhole(TAG.sequence, 'subject');
  tbs.read(TAG.sequence, 'subjectPublicKeyInfo');
  const extensions = readExtensions(tbs.enter(EXTENSIONS, 'extensions').enter(TAG.sequence, 'extensions'));
  return {
    issuerDer,
    subjectDer,
    subjectKeyId: extensions.get(SUBJECT_KEY_ID)?.read(TAG.octetString, 'subjectKeyIdentifier'),
    pathLength: readPathLength(extensions.get(BASIC_CONSTRAINTS)),
  };
}

/** @returns a reader of each extension's value, by dotted type. */
function readExtensions(extensions: DerReader): ReadonlyMap<string, DerReader> {
  const found = new Map<string, DerReader>();
  while (!extensions.done) {
    const extension = extensions.enter(TAG.sequence, 'extension');
    const type = dotted(extension.read(TAG.oid, 'extension type'));
    if (extension.nextTag === TAG.boolean) extension.read(TAG.boolean, 'critical');
    found.set(type, extension.enter(TAG.octetString, 'extension value'));
  }
  return found;
}

function readPathLength(value: DerReader | undefined): number {
  const constraints = value?.enter(TAG.sequence, 'basicConstraints');
  if (constraints?.nextTag === TAG.boolean) constraints.read(TAG.boolean, 'cA');
  if (constraints?.nextTag !== TAG.integer) return Infinity;
  return constraints.read(TAG.integer, 'pathLenConstraint').reduce((sum, byte) => sum * 256 + byte, 0);
}

/** Node has no text for an empty name, whatever its type says. */
function oneLine(name: string | undefined): string {
  return name === undefined ? 'without a subject' : name.replaceAll('\n', ', ');
}
