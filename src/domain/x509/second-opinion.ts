// Reads a finished certificate afresh and compares it with what was approved. It shares no code with
// the writer on purpose (no der.ts, no template.ts, no profile.ts): a mistake has to be made twice to
// leave the process. Tags, OIDs and lengths are therefore spelled out here once more, as hex.
import { AuthorityError } from '../errors.ts';
import type { CertificateContents, SubjectAltName } from './template.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

const VERSION_3 = bytes('a003020102');
const EMPTY_SUBJECT = bytes('3000');
const ALGORITHMS = {
  'ecdsa-p256-sha256': bytes('300a06082a8648ce3d040302'),
  'ecdsa-p384-sha384': bytes('300a06082a8648ce3d040303'),
  'rsa-sha256': bytes('300d06092a864886f70d01010b0500'),
} as const;

/** Critical, by whether keyEncipherment stands beside digitalSignature. */
const KEY_USAGE = {
  both: bytes('300e0603551d0f0101ff0404030205a0'),
  signing: bytes('300e0603551d0f0101ff040403020780'),
} as const;
const EXTENDED_KEY_USAGE = {
  both: bytes('301d0603551d250416301406082b0601050507030106082b06010505070302'),
  server: bytes('30130603551d25040c300a06082b06010505070301'),
  client: bytes('30130603551d25040c300a06082b06010505070302'),
} as const;
/** CA:FALSE, critical. */
const BASIC_CONSTRAINTS = bytes('300c0603551d130101ff04023000');
/** AlgorithmIdentifier of an RSA key. */
const RSA_KEY = bytes('300d06092a864886f70d0101010500');
const AUTHORITY_KEY_ID_TYPE = bytes('0603551d23');
/** All of it but the identifier. */
const SUBJECT_KEY_ID = bytes('301d0603551d0e04160414');
const KEY_ID_BYTES = 20;
const CRITICAL_ALT_NAME_TYPE = bytes('0603551d110101ff');
const NAME_TAGS = { uri: 0x86, dns: 0x82, ip: 0x87 } as const;

/** At least 64 bits of randomness (the Baseline Requirements' floor), at most what RFC 5280 section 4.1.2.2 allows. */
const MIN_SERIAL_BYTES = 8;
const MAX_SERIAL_BYTES = 20;

/** @throws AuthorityError CAP-X01 naming the field (in its private cause) that is not as approved. */
export function confirmCertificate(der: Uint8Array, expected: CertificateContents): void {
  const reading = new Reading(der);
  const end = reading.open(0x30, 'Certificate');
  demand(end === der.length, 'Certificate');
  confirmTbs(reading, expected);
  reading.same(ALGORITHMS[expected.issuer.algorithm], 'signatureAlgorithm');
  demand(reading.open(0x03, 'signature') === end && reading.byte() === 0, 'signature');
}

function confirmTbs(reading: Reading, expected: CertificateContents): void {
  const { issuer, publicKey } = expected;
  const end = reading.open(0x30, 'tbsCertificate');
  reading.same(VERSION_3, 'version');
  confirmSerial(reading, expected.serial);
  reading.same(ALGORITHMS[issuer.algorithm], 'signature algorithm');
  reading.same(issuer.subjectDer, 'issuer');
  confirmValidity(reading, expected);
  reading.same(EMPTY_SUBJECT, 'subject');
  reading.same(publicKey.spki, 'subjectPublicKeyInfo');
  demand(reading.open(0xa3, 'extensions') === end && reading.open(0x30, 'extensions') === end, 'extensions');
  confirmExtensions(reading, expected);
  demand(reading.at === end, 'extensions');
}

function confirmSerial(reading: Reading, serial: Uint8Array): void {
  const end = reading.open(0x02, 'serialNumber');
  const length = end - reading.at;
  demand(length >= MIN_SERIAL_BYTES && length <= MAX_SERIAL_BYTES, 'serialNumber');
  const first = reading.peek();
  demand(first > 0 && first < 0x80, 'serialNumber');
  reading.same(serial, 'serialNumber');
  demand(reading.at === end, 'serialNumber');
}

function confirmValidity(reading: Reading, { issuer, notBeforeMs, notAfterMs }: CertificateContents): void {
  const end = reading.open(0x30, 'validity');
  confirmTime(reading, notBeforeMs);
  confirmTime(reading, notAfterMs);
  demand(reading.at === end && notBeforeMs < notAfterMs, 'validity');
  demand(notBeforeMs >= issuer.notBeforeMs && notAfterMs <= issuer.notAfterMs, 'validity beside the issuer');
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5); always with seconds and Z. */
function confirmTime(reading: Reading, ms: number): void {
  const time = new Date(ms);
  const year = time.getUTCFullYear();
  const long = year >= 2050;
  const end = reading.open(long ? 0x18 : 0x17, 'time');
  demand(!long || reading.digits() === Math.floor(year / 100), 'year');
  demand(reading.digits() === year % 100, 'year');
  demand(reading.digits() === time.getUTCMonth() + 1 && reading.digits() === time.getUTCDate(), 'date');
  demand(reading.digits() === time.getUTCHours() && reading.digits() === time.getUTCMinutes(), 'hour');
  demand(reading.digits() === time.getUTCSeconds() && time.getUTCMilliseconds() === 0, 'second');
  demand(reading.byte() === 0x5a && reading.at === end, 'time');
}

/** Exactly these, in this order, each with its criticality. */
function confirmExtensions(reading: Reading, { profile, issuer, publicKey, names }: CertificateContents): void {
  const { usages } = profile;
  demand(usages.includes('digitalSignature'), 'keyUsage');
  // RFC 8813 section 3: no keyEncipherment beside an EC key.
  demand(!usages.includes('keyEncipherment') || isRsa(publicKey.spki), 'keyUsage');
  reading.same(KEY_USAGE[usages.includes('keyEncipherment') ? 'both' : 'signing'], 'keyUsage');
  const [server, client] = [usages.includes('serverAuth'), usages.includes('clientAuth')];
  // X509-SVID section 4.4: both, for whoever has a URI.
  demand(names.some(({ kind }) => kind === 'uri') ? server && client : server || client, 'extendedKeyUsage');
  reading.same(EXTENDED_KEY_USAGE[server ? (client ? 'both' : 'server') : 'client'], 'extendedKeyUsage');
  reading.same(BASIC_CONSTRAINTS, 'basicConstraints');
  confirmAuthorityKeyId(reading, issuer.subjectKeyId);
  reading.same(SUBJECT_KEY_ID, 'subjectKeyIdentifier');
  demand(publicKey.keyId.length === KEY_ID_BYTES, 'subjectKeyIdentifier');
  reading.same(publicKey.keyId, 'subjectKeyIdentifier');
  confirmAltNames(reading, names);
}

/** The type of the key, as its own bytes tell it: rsaEncryption inside the outer sequence of at most four bytes' header. */
function isRsa(spki: Uint8Array): boolean {
  const info = Buffer.from(spki);
  const at = info.indexOf(RSA_KEY);
  return at >= 2 && at <= 4;
}

function confirmAuthorityKeyId(reading: Reading, expected: Uint8Array): void {
  const end = reading.open(0x30, 'authorityKeyIdentifier');
  reading.same(AUTHORITY_KEY_ID_TYPE, 'authorityKeyIdentifier');
  demand(reading.open(0x04, 'authorityKeyIdentifier') === end, 'authorityKeyIdentifier');
  demand(reading.open(0x30, 'authorityKeyIdentifier') === end, 'authorityKeyIdentifier');
  demand(reading.open(0x80, 'authorityKeyIdentifier') === end, 'authorityKeyIdentifier');
  reading.same(expected, 'authorityKeyIdentifier');
  demand(reading.at === end, 'authorityKeyIdentifier');
}

function confirmAltNames(reading: Reading, names: readonly SubjectAltName[]): void {
  const end = reading.open(0x30, 'subjectAltName');
  reading.same(CRITICAL_ALT_NAME_TYPE, 'subjectAltName');
  demand(reading.open(0x04, 'subjectAltName') === end, 'subjectAltName');
  demand(reading.open(0x30, 'subjectAltName') === end && names.length > 0, 'subjectAltName');
  for (const { kind, value } of names) {
    const nameEnd = reading.open(NAME_TAGS[kind], 'subjectAltName');
    if (kind === 'ip') reading.same(bytes(ipHex(value)), 'subjectAltName');
    else reading.sameText(value, 'subjectAltName');
    demand(reading.at === nameEnd, 'subjectAltName');
  }
  demand(reading.at === end, 'subjectAltName');
}

/** Through the URL parser, which canonicalises addresses without our help. */
function ipHex(address: string): string {
  if (!address.includes(':')) {
    const parts = new URL(`http://${address}`).hostname.split('.');
    return parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('');
  }
  const [left = '', right = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const digits = (groups: string): string =>
    groups.replace(/[^:]+:?/g, (group) => group.replace(':', '').padStart(4, '0'));
  return digits(left) + digits(right).padStart(32 - digits(left).length, '0');
}

/** A place in the bytes that only moves forward over what was expected. */
class Reading {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(der: Uint8Array) {
    this.#bytes = der;
  }

  peek(): number {
    return this.#bytes[this.at] ?? -1;
  }

  byte(): number {
    return this.#bytes[this.at++] ?? -1;
  }

  /** Moves to the contents of an element with this tag; returns where they end. */
  open(tag: number, field: string): number {
    demand(this.byte() === tag, field);
    const first = this.byte();
    let length = first;
    if (first === 0x81) length = this.byte();
    else if (first === 0x82) length = this.byte() * 256 + this.byte();
    demand(first === 0x82 ? length > 0xff : first === 0x81 ? length > 0x7f : first >= 0 && first < 0x80, field);
    demand(this.at + length <= this.#bytes.length, field);
    return this.at + length;
  }

  same(expected: Uint8Array, field: string): void {
    for (let i = 0; i < expected.length; i++) demand(this.#bytes[this.at + i] === expected[i], field);
    this.at += expected.length;
  }

  sameText(expected: string, field: string): void {
    for (let i = 0; i < expected.length; i++) {
      const code = expected.charCodeAt(i);
      demand(code < 0x80 && this.#bytes[this.at + i] === code, field);
    }
    this.at += expected.length;
  }

  /** Two decimal digits. */
  digits(): number {
    const tens = this.byte() - 0x30;
    const ones = this.byte() - 0x30;
    demand(tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9, 'time');
    return tens * 10 + ones;
  }
}

function demand(holds: boolean, field: string): asserts holds {
  if (!holds) throw new AuthorityError('CAP-X01', { cause: new Error(`second opinion: ${field} is not as approved`) });
}
