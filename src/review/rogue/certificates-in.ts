// Every certificate in bytes that nobody vouches for: PEM however it is quoted or indented, DER, and either of them in base64,
// as kubeconfigs, Secrets and webhooks carry them. Nothing is parsed as YAML or JSON, so nothing is hidden by being neither, and
// what bytes look like at their beginning keeps nobody from looking behind it. Private keys are noticed by their markers; no byte of
// one is kept.
import { hash, X509Certificate } from 'node:crypto';
import { GZIP, MAX_UNPACKED, packedIn } from './packed.ts';
import { runsIn, unescaped } from './written-base64.ts';

export interface FoundCertificate {
  /** As OpenSSL read it: what stood behind it is left out. */
  readonly der: Uint8Array;
  /** Counted from 1; absent in binary files. */
  readonly line?: number;
}

export interface CertificateText {
  readonly certificates: readonly FoundCertificate[];
  readonly hasPrivateKey: boolean;
  /** Why something in it could not be looked into, in words that follow its name. */
  readonly unread: readonly string[];
}

/** A Secret in a manifest in a ConfigMap: base64 in base64 no deeper than this. */
const MAX_NESTING = 3;
/** Of one text: as many as are kept at all, and hardly less than fit into a file that is read. */
const MAX_CERTIFICATES = 20_000;

/** RFC 7468 section 5.1, with the labels that it names as used before, and OpenSSL's own. */
const BLOCK = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE|X\.509 CERTIFICATE)-----([^-]*)-----END \1-----/g;
const TOO_MANY = `has ${MAX_CERTIFICATES} certificates or more; the rest was left out`;
const KEY = /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----/;
const PKCS7 = /-----BEGIN (?:PKCS7|CMS)-----/;
/** Line ends and quotes as JSON, YAML and shells write them. */
const AROUND_BASE64 = /\\[nrt]|[\s\\"',]/g;
/** Shorter than any certificate, longer than a line of PEM. */
const SHORTEST_BASE64 = 120;

/** PEM, and in base64 PEM, DER and gzip. */
const MARKERS = ['-----BEGIN ', 'LS0tLS1CRUdJTi', 'MII', 'H4sI'];

const SEQUENCE = 0x30;
const UTF16_LITTLE = [0xff, 0xfe];
/** Of Java's own key stores. */
const JKS = [0xfe, 0xed, 0xfe, 0xed];
/** 1.2.840.113549.1.7.2, signedData, with its header (RFC 5652 section 5.1). */
const SIGNED_DATA = Buffer.from('06092a864886f70d010702', 'hex');

/** How far inside the bytes that were handed in. */
interface Depth {
  readonly nesting: number;
  readonly isUnpacked: boolean;
  /** What may still be unpacked of all that was handed in: one text may hold many that are small and grow. */
  readonly room: { bytes: number };
}

/** @param bytes of a bounded text. Never throws: what cannot be read is named in `unread`. */
export function certificatesIn(bytes: Uint8Array): CertificateText {
  return read(bytes, { nesting: 0, isUnpacked: false, room: { bytes: MAX_UNPACKED } });
}

function read(bytes: Uint8Array, depth: Depth): CertificateText {
  const packed = packedIn(bytes, depth.room.bytes);
  if (packed === undefined) return readPlain(bytes, depth);
  if ('problem' in packed) {
    // A bomb was unpacked as far as it may be.
    if (packed.isTooLarge) depth.room.bytes = 0;
    return unreadable(packed.problem);
  }
  depth.room.bytes -= packed.bytes.length;
  // What unpacks to itself would never end.
  if (depth.isUnpacked) return unreadable('is compressed more than once, which is not opened');
  return read(packed.bytes, { ...depth, isUnpacked: true });
}

/** What bytes look like at their beginning is no reason not to look behind it: who reads PEM skips what stands before it. */
function readPlain(bytes: Uint8Array, depth: Depth): CertificateText {
  const text = unescaped(textOf(bytes));
  const parts = [
    ...(bytes[0] === SEQUENCE ? [fromDer(bytes)] : []),
    ...(startsWith(bytes, JKS) ? [unreadable('is a Java key store, which is not opened')] : []),
    fromPem(text),
    ...(depth.nesting < MAX_NESTING ? [fromBase64(text, { ...depth, nesting: depth.nesting + 1 })] : []),
  ];
  return {
    certificates: unique(parts.flatMap(({ certificates }) => certificates)).slice(0, MAX_CERTIFICATES),
    hasPrivateKey: parts.some(({ hasPrivateKey }) => hasPrivateKey),
    unread: [...new Set(parts.flatMap(({ unread }) => unread))],
  };
}

/** PEM that is written in one line is base64 too. */
function unique(certificates: readonly FoundCertificate[]): readonly FoundCertificate[] {
  const met = new Set<string>();
  return certificates.filter(({ der }) => {
    const digest = hash('sha256', der, 'hex');
    return !met.has(digest) && met.add(digest);
  });
}

function fromPem(text: string): CertificateText {
  const certificates: FoundCertificate[] = [];
  let [unparsed, lines, counted] = [0, 1, 0];
  for (const { 2: body = '', index } of text.matchAll(BLOCK)) {
    if (certificates.length >= MAX_CERTIFICATES) break;
    lines += linesIn(text.slice(counted, index));
    counted = index;
    const der = parsed(Buffer.from(body.replace(AROUND_BASE64, ''), 'base64'));
    if (der === undefined) unparsed += 1;
    else certificates.push({ der, line: lines });
  }
  const unread = [
    ...(unparsed === 0 ? [] : ['has a certificate that does not parse']),
    ...(PKCS7.test(text) ? ['holds PKCS#7, which is not opened'] : []),
    ...(certificates.length < MAX_CERTIFICATES ? [] : [TOO_MANY]),
  ];
  return { certificates, hasPrivateKey: KEY.test(text), unread };
}

/** Runs of base64 that hold PEM or a certificate's DER; a line of PEM is too short to be one. */
function fromBase64(text: string, inside: Depth): CertificateText {
  const found: FoundCertificate[] = [];
  const unread: string[] = [];
  let [hasPrivateKey, line, counted] = [false, 1, 0];
  for (const { base64, index } of runsIn(text, SHORTEST_BASE64)) {
    if (found.length >= MAX_CERTIFICATES) {
      unread.push(TOO_MANY);
      break;
    }
    const decoded = Buffer.from(base64, 'base64');
    if (!isPromising(decoded)) continue;
    const inner = read(decoded, inside);
    // Back where it begins, when one of its lines was a run of its own.
    line += index < counted ? -linesIn(text.slice(index, counted)) : linesIn(text.slice(counted, index));
    counted = index;
    hasPrivateKey ||= inner.hasPrivateKey;
    found.push(...inner.certificates.map(({ der }) => ({ der, line })));
    unread.push(...inner.unread);
  }
  return { certificates: found, hasPrivateKey, unread };
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}

function isPromising(decoded: Buffer): boolean {
  if (decoded[0] === SEQUENCE && (decoded[1] ?? 0) > 0x80) return true;
  return GZIP.equals(decoded.subarray(0, GZIP.length)) || MARKERS.some((marker) => decoded.includes(marker));
}

function fromDer(bytes: Uint8Array): CertificateText {
  const certificates: FoundCertificate[] = [];
  for (let at = 0; at < bytes.length;) {
    if (certificates.length >= MAX_CERTIFICATES) return { certificates, hasPrivateKey: false, unread: [TOO_MANY] };
    // Alone: OpenSSL looks for PEM in all that it is handed, wherever that begins.
    const one = bytes.subarray(at, at + lengthOf(bytes.subarray(at, at + LONGEST_HEADER)));
    const der = parsed(one);
    if (der === undefined || !startsWith(one, der)) break;
    certificates.push({ der });
    at += der.length;
  }
  if (certificates.length > 0) return { certificates, hasPrivateKey: false, unread: [] };
  const inside = contentOf(bytes);
  // PFX begins with the version 3 (RFC 7292 section 4); keys with 0 or 1 (RFC 5958, RFC 8017, RFC 5915).
  if (inside?.[0] === 2 && inside[1] === 1 && inside[2] === 3) return unreadable('is PKCS#12, which is not opened');
  if (inside?.subarray(0, SIGNED_DATA.length).equals(SIGNED_DATA)) return unreadable('is PKCS#7, which is not opened');
  const hasPrivateKey = inside?.[0] === 2 && inside[1] === 1 && (inside[2] === 0 || inside[2] === 1);
  return { certificates: [], hasPrivateKey, unread: [] };
}

/** Tag, and a length of up to four bytes. */
const LONGEST_HEADER = 6;

/** @param header the first bytes of DER. @returns the length of header and content. */
function lengthOf(header: Uint8Array): number {
  const [, first = 0, ...more] = header;
  if (first < 0x80) return 2 + first;
  const bytes = more.slice(0, first & 0x7f);
  return 2 + bytes.length + bytes.reduce((length, byte) => length * 0x100 + byte, 0);
}

function contentOf(bytes: Uint8Array): Buffer | undefined {
  const length = bytes[1] ?? 0;
  const header = length < 0x80 ? 2 : 2 + (length & 0x7f);
  return header > 6 ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(header);
}

function unreadable(why: string): CertificateText {
  return { certificates: [], hasPrivateKey: false, unread: [why] };
}

function parsed(der: Uint8Array): Uint8Array | undefined {
  try {
    return new X509Certificate(der).raw;
  } catch {
    return undefined;
  }
}

/** Latin-1 keeps every byte apart; PowerShell writes UTF-16. */
function textOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString(startsWith(bytes, UTF16_LITTLE) ? 'utf16le' : 'latin1');
}

function startsWith(bytes: Uint8Array, beginning: readonly number[] | Uint8Array): boolean {
  return Buffer.from(beginning).equals(bytes.subarray(0, beginning.length));
}
