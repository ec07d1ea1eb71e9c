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
  /** Whether keyUsage, when present, allows to sign certificates (RFC 5280 section 4.2.1.3). */
  readonly maySign: boolean;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly x509: X509Certificate;
}

const SUBJECT_KEY_ID = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const KEY_CERT_SIGN = 0x04;
const EXTENSIONS = 0xa3;
const VERSION = 0xa0;

/** @returns the certificate, or why it cannot serve as one of a CA. */
export function readCaCertificate(der: Uint8Array): CaCertificate | { readonly problem: string } {
  try {
    const x509 = new X509Certificate(der);
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

function readFields(der: Uint8Array): Pick<CaCertificate, 'subjectDer' | 'issuerDer' | 'subjectKeyId' | 'maySign'> {
  const tbs = new DerReader(der).enter(TAG.sequence, 'Certificate').enter(TAG.sequence, 'TBSCertificate');
  tbs.read(VERSION, 'version');
  tbs.read(TAG.integer, 'serialNumber');
  tbs.read(TAG.sequence, 'signature');
  const issuerDer = tbs.readWhole(TAG.sequence, 'issuer');
  tbs.read(TAG.sequence, 'validity');
  const subjectDer = tbs.readWhole(TAG.sequence, 'subject');
  tbs.read(TAG.sequence, 'subjectPublicKeyInfo');
  const extensions = readExtensions(tbs.enter(EXTENSIONS, 'extensions').enter(TAG.sequence, 'extensions'));
  const keyId = extensions.get(SUBJECT_KEY_ID);
  const usage = extensions.get(KEY_USAGE);
  return {
    issuerDer,
    subjectDer,
    subjectKeyId: keyId && new DerReader(keyId).read(TAG.octetString, 'subjectKeyIdentifier'),
    maySign: usage === undefined || ((usage[3] ?? 0) & KEY_CERT_SIGN) !== 0,
  };
}

function readExtensions(extensions: DerReader): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  while (!extensions.done()) {
    const extension = extensions.enter(TAG.sequence, 'extension');
    const type = dotted(extension.read(TAG.oid, 'extension type'));
    if (extension.nextTag() === TAG.boolean) extension.read(TAG.boolean, 'critical');
    found.set(type, extension.read(TAG.octetString, 'extension value'));
  }
  return found;
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
