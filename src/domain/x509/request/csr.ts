// A PKCS#10 request (RFC 2986) taken apart: only the shapes that mesh clients send are accepted,
// because whatever is ignored here could be what an attacker wanted signed.
import { AuthorityError } from '../../errors.ts';
import { DerError, DerReader, dotted, oid, TAG } from '../der.ts';
import { readSignatureAlgorithm, type SignatureRow } from '../key-types.ts';

export interface ParsedCsr {
  /** The signed part, whole. */
  readonly info: Uint8Array;
  readonly spki: Uint8Array;
  readonly uris: readonly string[];
  /** Undefined when it is none that we accept. */
  readonly algorithm: SignatureRow | undefined;
  readonly signature: Uint8Array;
}

const VERSION_1 = Uint8Array.of(TAG.integer, 1, 0);
const EXTENSION_REQUEST = oid('1.2.840.113549.1.9.14');
const SUBJECT_ALT_NAME = oid('2.5.29.17');
/** DER leaves a default out, so the only boolean that may stand here is TRUE. */
const CRITICAL = Uint8Array.of(TAG.boolean, 1, 0xff);
const ATTRIBUTES = 0xa0;
const URI_NAME = 0x86;

/** Subjects that mesh clients send: none (ztunnel), or one empty O= (Istio's Go agent; either string type). */
const EMPTY_SUBJECTS = ['3000', '300b31093007060355040a1300', '300b31093007060355040a0c00'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** Attributes of a distinguished name by their usual short names (RFC 4519), for messages. */
const NAME_ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
};

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
  const outer = DerReader.over(bytes);
  const request = outer.enter(TAG.sequence, 'CertificationRequest');
  outer.finish('CertificationRequest');
  const info = request.readWhole(TAG.sequence, 'CertificationRequestInfo');
  const algorithm = readSignatureAlgorithm(request);
  const signature = request.readBits('signature');
  request.finish('CertificationRequest');
  const { spki, uris } = parseInfo(info);
  return { info, spki, uris, algorithm, signature };
}

function parseInfo(bytes: Uint8Array): { spki: Uint8Array; uris: readonly string[] } {
  const info = DerReader.over(bytes).enter(TAG.sequence, 'CertificationRequestInfo');
  if (!info.skip(VERSION_1)) throw new DerError('version is not 0');
  if (!EMPTY_SUBJECTS.some((empty) => info.skip(empty))) throw unwantedSubject(info);
  const spki = info.readWhole(TAG.sequence, 'subjectPKInfo');
  // RFC 2986 wants the attributes even when there are none; clients without extensions leave them out.
  const uris = info.done ? [] : parseAttributes(info.enter(ATTRIBUTES, 'attributes'));
  info.finish('CertificationRequestInfo');
  return { spki, uris };
}

/** Names the first attribute, so that the sender knows what to leave out. */
function unwantedSubject(info: DerReader): AuthorityError {
  const name = info.enter(TAG.sequence, 'subject').enter(TAG.set, 'subject').enter(TAG.sequence, 'subject');
  const type = dotted(name.read(TAG.oid, 'subject'));
  return unwanted(`subject has ${NAME_ATTRIBUTES[type] ?? type}; it must be empty, or a lone empty O=`);
}

function parseAttributes(attributes: DerReader): readonly string[] {
  let uris: readonly string[] | undefined;
  while (!attributes.done) {
    const attribute = attributes.enter(TAG.sequence, 'attribute');
    if (!attribute.skip(EXTENSION_REQUEST)) {
      throw unwanted(`attribute ${dotted(attribute.read(TAG.oid, 'attribute type'))}`);
    }
    if (uris !== undefined) throw unwanted('more than one extensionRequest');
    const values = attribute.enter(TAG.set, 'attribute values');
    attribute.finish('attribute');
    uris = parseExtensions(values.enter(TAG.sequence, 'extensionRequest'));
    values.finish('extensionRequest');
  }
  return uris ?? [];
}

function parseExtensions(extensions: DerReader): readonly string[] {
  let uris: readonly string[] | undefined;
  while (uris === undefined || !extensions.done) {
    const extension = extensions.enter(TAG.sequence, 'extension');
    if (!extension.skip(SUBJECT_ALT_NAME)) {
      throw unwanted(`extension ${dotted(extension.read(TAG.oid, 'extension type'))}`);
    }
    if (uris !== undefined) throw unwanted('more than one subjectAltName');
    extension.skip(CRITICAL);
    const value = extension.enter(TAG.octetString, 'subjectAltName');
    extension.finish('extension');
    uris = parseNames(value.enter(TAG.sequence, 'subjectAltName'));
    value.finish('subjectAltName');
  }
  return uris;
}

function parseNames(names: DerReader): readonly string[] {
  const uris: string[] = [];
  while (!names.done) {
    const other = OTHER_NAMES[names.nextTag];
    if (other !== undefined) throw unwanted(`subjectAltName has ${other}; only the caller's SPIFFE URI is issued`);
    uris.push(printable(names.readLatin1(URI_NAME, 'subjectAltName URI')));
  }
  if (uris.length === 0) throw new DerError('subjectAltName is empty');
  return uris;
}

/** Narrower than IA5String: no URI has control characters (RFC 3986 section 2). */
function printable(uri: string): string {
  for (let i = 0; i < uri.length; i++) {
    const code = uri.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) throw unwanted('subjectAltName URI has bytes that are not printable ASCII');
  }
  return uri;
}

function unwanted(detail: string): AuthorityError {
  return new AuthorityError('CAP-C03', { detail });
}
