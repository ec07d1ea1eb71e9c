// Reads a finished certificate afresh and compares it with what was approved. It shares no code with
// the writer on purpose (no der.ts, no template.ts, no profile.ts): a mistake has to be made twice to
// leave the process. Tags, OIDs and fixed values are therefore spelled out here once more, as hex.
// The walk is linear: every byte is either compared or is a length that has to add up.
import { hash } from 'node:crypto';
import { AuthorityError } from '../errors.ts';
import type { CertificateContents, SubjectAltName } from './template.ts';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

const ALGORITHMS = {
  'ecdsa-p256-sha256': bytesOf('300a06082a8648ce3d040302'),
  'ecdsa-p384-sha384': bytesOf('300a06082a8648ce3d040303'),
  'rsa-sha256': bytesOf('300d06092a864886f70d01010b0500'),
} as const;

const VERSION_3 = bytesOf('a003020102');
const NO_SUBJECT = bytesOf('3000');
const KEY_USAGE = bytesOf('300e0603551d0f0101ff0404030205a0');
const EXTENDED_KEY_USAGE = {
  workload: bytesOf('301d0603551d250416301406082b0601050507030106082b06010505070302'),
  self: bytesOf('30130603551d25040c300a06082b06010505070301'),
} as const;
const NOT_A_CA = bytesOf('300c0603551d130101ff04023000');
const AUTHORITY_KEY_ID = bytesOf('0603551d23');
const SUBJECT_KEY_ID = bytesOf('0603551d0e');
const CRITICAL_ALT_NAME = bytesOf('0603551d110101ff');

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BITS = 0x03;
const OCTETS = 0x04;
/** Serial numbers carry at least 64 bits of randomness, and at most 20 bytes (RFC 5280 section 4.1.2.2). */
const MIN_SERIAL_BYTES = 8;
const MAX_SERIAL_BYTES = 20;

/** @throws AuthorityError CAP-X01 naming (in its private cause) the field that is not as approved. */
export function confirmCertificate(der: Uint8Array, expected: CertificateContents): void {
  const walk = new Walk(der);
  const algorithm = ALGORITHMS[expected.issuer.algorithm];
  const certificateEnd = walk.enter(SEQUENCE, 'Certificate');
  const tbsEnd = walk.enter(SEQUENCE, 'tbsCertificate');
  confirmTbs(walk, algorithm, expected);
  walk.leave(tbsEnd, 'tbsCertificate');
  walk.expect(algorithm, 'signatureAlgorithm');
  const signatureEnd = walk.enter(BITS, 'signatureValue');
  walk.leave(walk.skipTo(signatureEnd), 'signatureValue');
  walk.leave(certificateEnd, 'Certificate');
  demand(certificateEnd === der.length, 'Certificate');
}

function confirmTbs(walk: Walk, algorithm: Uint8Array, expected: CertificateContents): void {
  walk.expect(VERSION_3, 'version');
  confirmSerial(walk, expected.serial);
  walk.expect(algorithm, 'signature');
  walk.expect(expected.issuer.subjectDer, 'issuer');
  confirmValidity(walk, expected);
  walk.expect(NO_SUBJECT, 'subject');
  walk.expect(expected.publicKey.spki, 'subjectPublicKeyInfo');
  const explicitEnd = walk.enter(0xa3, 'extensions');
  const listEnd = walk.enter(SEQUENCE, 'extensions');
  confirmExtensions(walk, expected);
  walk.leave(listEnd, 'extensions');
  walk.leave(explicitEnd, 'extensions');
}

function confirmSerial(walk: Walk, serial: Uint8Array): void {
  const end = walk.enter(INTEGER, 'serialNumber');
  walk.expect(serial, 'serialNumber');
  walk.leave(end, 'serialNumber');
  const first = serial[0] ?? 0;
  demand(first > 0 && first < 0x80, 'serialNumber');
  demand(serial.length >= MIN_SERIAL_BYTES && serial.length <= MAX_SERIAL_BYTES, 'serialNumber');
}

function confirmValidity(walk: Walk, { issuer, notBeforeMs, notAfterMs }: CertificateContents): void {
  const end = walk.enter(SEQUENCE, 'validity');
  demand(walk.time('notBefore') === notBeforeMs, 'notBefore');
  demand(walk.time('notAfter') === notAfterMs, 'notAfter');
  walk.leave(end, 'validity');
  demand(notBeforeMs < notAfterMs, 'validity');
  demand(notBeforeMs >= issuer.notBeforeMs && notAfterMs <= issuer.notAfterMs, 'validity within the issuer');
}

function confirmExtensions(walk: Walk, { profile, issuer, publicKey, names }: CertificateContents): void {
  walk.expect(KEY_USAGE, 'keyUsage');
  walk.expect(EXTENDED_KEY_USAGE[profile.name], 'extKeyUsage');
  walk.expect(NOT_A_CA, 'basicConstraints');
  walk.nested([SEQUENCE], AUTHORITY_KEY_ID, [OCTETS, SEQUENCE, 0x80], 'authorityKeyIdentifier', () =>
    walk.expect(issuer.subjectKeyId, 'authorityKeyIdentifier'),
  );
  walk.nested([SEQUENCE], SUBJECT_KEY_ID, [OCTETS, OCTETS], 'subjectKeyIdentifier', () =>
    walk.expect(keyId(publicKey.spki), 'subjectKeyIdentifier'),
  );
  walk.nested([SEQUENCE], CRITICAL_ALT_NAME, [OCTETS, SEQUENCE], 'subjectAltName', () => {
    demand(names.length > 0, 'subjectAltName');
    for (const name of names) confirmName(walk, name);
  });
}

function confirmName(walk: Walk, { kind, value }: SubjectAltName): void {
  const end = walk.enter({ uri: 0x86, dns: 0x82, ip: 0x87 }[kind], 'subjectAltName');
  walk.expect(kind === 'ip' ? ipBytes(value) : Buffer.from(value, 'ascii'), 'subjectAltName');
  walk.leave(end, 'subjectAltName');
}

/** Through the URL parser, which canonicalises addresses without our help. */
function ipBytes(address: string): Uint8Array {
  if (!address.includes(':')) return Uint8Array.from(new URL(`http://${address}`).hostname.split('.').map(Number));
  const [left = '', right = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const hex = (part: string): string => part.replace(/([0-9a-f]+):?/g, (_, group: string) => group.padStart(4, '0'));
  return bytesOf(hex(left) + hex(right).padStart(32 - hex(left).length, '0'));
}

/** SHA-1 over the key's bits: they are the tail of the SPKI, behind a header whose size the length tells. */
function keyId(spki: Uint8Array): Uint8Array {
  const walk = new Walk(spki);
  walk.enter(SEQUENCE, 'subjectPublicKeyInfo');
  walk.skipTo(walk.enter(SEQUENCE, 'algorithm'));
  walk.enter(BITS, 'subjectPublicKey');
  return hash('sha1', spki.subarray(walk.position + 1), 'buffer');
}

class Walk {
  readonly #bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Steps into an element of this tag; returns where it ends. */
  enter(tag: number, field: string): number {
    demand(this.#bytes[this.position] === tag, field);
    const first = this.#bytes[this.position + 1] ?? 0;
    const more = first > 0x80 ? first - 0x80 : 0;
    let length = more === 0 ? first : 0;
    for (let i = 0; i < more; i += 1) length = length * 256 + (this.#bytes[this.position + 2 + i] ?? 0);
    this.position += 2 + more;
    demand(this.position + length <= this.#bytes.length, field);
    return this.position + length;
  }

  leave(end: number, field: string): void {
    demand(this.position === end, field);
  }

  skipTo(end: number): number {
    this.position = end;
    return end;
  }

  /** Compares the next bytes and steps over them. */
  expect(expected: Uint8Array, field: string): void {
    for (let i = 0; i < expected.length; i += 1) {
      demand(this.#bytes[this.position + i] === expected[i], field);
    }
    this.position += expected.length;
  }

  /** Elements around a value: `outer` tags, fixed bytes, `inner` tags, the value, and every end in its place. */
  nested(
    outer: readonly number[],
    fixed: Uint8Array,
    inner: readonly number[],
    field: string,
    value: () => void,
  ): void {
    const outerEnds = outer.map((tag) => this.enter(tag, field));
    this.expect(fixed, field);
    const innerEnds = inner.map((tag) => this.enter(tag, field));
    value();
    for (const end of [...innerEnds, ...outerEnds]) this.leave(end, field);
  }

  /** UTCTime of this century, or GeneralizedTime; ms since the epoch. */
  time(field: string): number {
    const short = this.#bytes[this.position] === 0x17;
    const end = this.enter(short ? 0x17 : 0x18, field);
    const year = short ? 2000 + this.#digits() : this.#digits() * 100 + this.#digits();
    const month = this.#digits() - 1;
    const ms = Date.UTC(year, month, this.#digits(), this.#digits(), this.#digits(), this.#digits());
    demand(this.#bytes[this.position] === 0x5a, field);
    this.position += 1;
    this.leave(end, field);
    return ms;
  }

  #digits(): number {
    const tens = (this.#bytes[this.position] ?? 0) - 0x30;
    const ones = (this.#bytes[this.position + 1] ?? 0) - 0x30;
    this.position += 2;
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
  }
}

function demand(holds: boolean, field: string): asserts holds {
  if (!holds) throw new AuthorityError('CAP-X01', { cause: new Error(`second opinion: ${field} is not as approved`) });
}
