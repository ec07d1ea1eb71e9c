// A PKCS#10 request (RFC 2986) taken apart: only the shapes that mesh clients send are accepted,
// because whatever is ignored here could be what an attacker wanted signed.
import { AuthorityError } from '../errors.ts';
import { DerError, DerReader, dotted, oid, sameBytes, TAG } from './der.ts';

export interface ParsedCsr {
  /** The signed part, whole. */
  readonly info: Uint8Array;
  readonly spki: Uint8Array;
  readonly uris: readonly string[];
  /** Whole AlgorithmIdentifier of the signature. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

const EXTENSION_REQUEST = oid('1.2.840.113549.1.9.14').subarray(2);
const SUBJECT_ALT_NAME = oid('2.5.29.17').subarray(2);
const ATTRIBUTES = 0xa0;
const URI_NAME = 0x86;

/** Subjects that mesh clients send: none (ztunnel), or one empty O= (Istio's Go agent). */
const EMPTY_SUBJECTS = ['3000', '300b31093007060355040a1300'].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));

/** Names in a SubjectAltName that we do not issue (RFC 5280 section 4.2.1.6), by tag. */
const OTHER_NAMES: Readonly<Record<number, string>> = {
  0xa0: 'an otherName',
  0x81: 'an email address',
  0x82: 'a DNS name',
  0xa3: 'an X.400 address',
  0xa4: 'a directory name',
  0xa5: 'an EDI party name',
  0x87: 'an IP address',
  0x88: 'a registered ID',
};

/** @throws AuthorityError `malformed_csr`: CAP-C02 for its form, CAP-C03 for what it asks for. */
export function parseCsr(bytes: Uint8Array): ParsedCsr {
  try {
    return parse(bytes);
  } catch (cause) {
    throw cause instanceof DerError ? new AuthorityError('CAP-C02', { detail: cause.message }) : cause;
  }
}

function parse(bytes: Uint8Array): ParsedCsr {
  const outer = new DerReader(bytes);
  const request = outer.enter(TAG.sequence, 'CertificationRequest');
  outer.finish('CertificationRequest');
  const info = request.readWhole(TAG.sequence, 'CertificationRequestInfo');
  const signatureAlgorithm = request.readWhole(TAG.sequence, 'signatureAlgorithm');
  const signature = request.read(TAG.bitString, 'signature');
  request.finish('CertificationRequest');
  if (signature[0] !== 0) throw new DerError('signature has unused bits');
  return { info, signatureAlgorithm, signature: signature.subarray(1), ...parseInfo(info) };
}

function parseInfo(bytes: Uint8Array): { spki: Uint8Array; uris: readonly string[] } {
  const info = new DerReader(bytes).enter(TAG.sequence, 'CertificationRequestInfo');
  const version = info.read(TAG.integer, 'version');
  if (version.length !== 1 || version[0] !== 0) throw new DerError('version is not 0');
  const subject = info.readWhole(TAG.sequence, 'subject');
  if (!EMPTY_SUBJECTS.some((empty) => sameBytes(empty, subject)))
    throw unwanted('subject must be empty or a lone empty O=');
  const spki = info.readWhole(TAG.sequence, 'subjectPKInfo');
  // RFC 2986 wants the attributes even when there are none; clients without extensions leave them out.
  const uris = info.done() ? [] : parseAttributes(info.enter(ATTRIBUTES, 'attributes'));
  info.finish('CertificationRequestInfo');
  return { spki, uris };
}

function parseAttributes(attributes: DerReader): readonly string[] {
  if (attributes.done()) return [];
  const attribute = attributes.enter(TAG.sequence, 'attribute');
  if (!attributes.done()) throw unwanted('more than one attribute');
  const type = attribute.read(TAG.oid, 'attribute type');
  if (!sameBytes(type, EXTENSION_REQUEST)) throw unwanted(`attribute ${dotted(type)}`);
  const values = attribute.enter(TAG.set, 'attribute values');
  attribute.finish('attribute');
  const extensions = values.enter(TAG.sequence, 'extensionRequest');
  values.finish('extensionRequest');
  return parseExtensions(extensions);
}

function parseExtensions(extensions: DerReader): readonly string[] {
  const extension = extensions.enter(TAG.sequence, 'extension');
  const type = extension.read(TAG.oid, 'extension type');
  if (!sameBytes(type, SUBJECT_ALT_NAME)) throw unwanted(`extension ${dotted(type)}`);
  if (!extensions.done()) throw unwanted('more than one extension');
  if (extension.nextTag() === TAG.boolean) readCritical(extension);
  const value = new DerReader(extension.read(TAG.octetString, 'subjectAltName'));
  extension.finish('extension');
  const names = value.enter(TAG.sequence, 'subjectAltName');
  value.finish('subjectAltName');
  return parseNames(names);
}

/** DER leaves a default out, so the only boolean that may stand here is TRUE. */
function readCritical(extension: DerReader): void {
  const critical = extension.read(TAG.boolean, 'critical');
  if (critical.length !== 1 || critical[0] !== 0xff) throw new DerError('critical is not a DER TRUE');
}

function parseNames(names: DerReader): readonly string[] {
  if (names.done()) throw new DerError('subjectAltName is empty');
  const uris: string[] = [];
  while (!names.done()) {
    const other = OTHER_NAMES[names.nextTag()];
    if (other !== undefined) throw unwanted(`subjectAltName has ${other}; only the caller's SPIFFE URI is issued`);
    uris.push(ascii(names.read(URI_NAME, 'subjectAltName URI')));
  }
  return uris;
}

function ascii(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte < 0x20 || byte > 0x7e))
    throw unwanted('subjectAltName URI has bytes that are not printable ASCII');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function unwanted(detail: string): AuthorityError {
  return new AuthorityError('CAP-C03', { detail });
}
