// Reads a finished certificate afresh and compares it with what was approved. It shares no code with
// the writer on purpose (no der.ts, no template.ts, no profile.ts): a mistake has to be made twice to
// leave the process. Offsets, tags and OIDs are therefore spelled out here once more, as hex.
import { createHash } from 'node:crypto';
import { AuthorityError } from '../errors.ts';
import type { CertificateContents, SubjectAltName } from './template.ts';

interface Element {
  readonly tag: number;
  /** Hex of the contents. */
  readonly body: string;
  /** Hex of the whole element. */
  readonly whole: string;
}

const ALGORITHMS = {
  'ecdsa-p256-sha256': '300a06082a8648ce3d040302',
  'ecdsa-p384-sha384': '300a06082a8648ce3d040303',
  'rsa-sha256': '300d06092a864886f70d01010b0500',
} as const;

const EXTENDED_KEY_USAGE = {
  workload: '301406082b0601050507030106082b06010505070302',
  self: '300a06082b06010505070301',
} as const;

const CRITICAL = '0101ff';

/** @throws AuthorityError CAP-X01 naming the field (in its private cause) that is not as approved. */
export function confirmCertificate(der: Uint8Array, expected: CertificateContents): void {
  const certificate = only(hex(der), 'Certificate');
  const [tbs, outerAlgorithm, signature, ...rest] = children(certificate.body, 'Certificate');
  const algorithm = ALGORITHMS[expected.issuer.algorithm];
  demand(rest.length === 0 && signature?.tag === 0x03, 'Certificate');
  demand(outerAlgorithm?.whole === algorithm, 'signatureAlgorithm');
  demand(tbs?.tag === 0x30, 'tbsCertificate');
  confirmTbs(children(tbs.body, 'tbsCertificate'), algorithm, expected);
}

function confirmTbs(fields: readonly Element[], algorithm: string, expected: CertificateContents): void {
  const [version, serial, inner, issuer, validity, subject, spki, extensions, ...rest] = fields;
  demand(version?.whole === 'a003020102', 'version');
  demand(serial?.tag === 0x02 && serial.body === hex(expected.serial), 'serialNumber');
  demand(serial.body >= '00' && serial.body < '80' && serial.body.length >= 16, 'serialNumber');
  demand(inner?.whole === algorithm, 'signature');
  demand(issuer?.whole === hex(expected.issuer.subjectDer), 'issuer');
  demand(validity?.tag === 0x30, 'validity');
  confirmValidity(children(validity.body, 'validity'), expected);
  demand(subject?.whole === '3000', 'subject');
  demand(spki?.whole === hex(expected.publicKey.spki), 'subjectPublicKeyInfo');
  demand(extensions?.tag === 0xa3 && rest.length === 0, 'extensions');
  confirmExtensions(children(only(extensions.body, 'extensions').body, 'extensions'), expected, spki);
}

function confirmValidity(times: readonly Element[], { issuer, notBeforeMs, notAfterMs }: CertificateContents): void {
  const [notBefore, notAfter, ...rest] = times;
  demand(rest.length === 0 && readTime(notBefore) === notBeforeMs && readTime(notAfter) === notAfterMs, 'validity');
  demand(notBeforeMs < notAfterMs, 'validity');
  demand(notBeforeMs >= issuer.notBeforeMs && notAfterMs <= issuer.notAfterMs, 'validity outlives the issuer');
}

function confirmExtensions(extensions: readonly Element[], expected: CertificateContents, spki: Element): void {
  const { profile, issuer, names } = expected;
  const wanted = [
    `0603551d0f${CRITICAL}${octets('030205a0')}`,
    `0603551d25${octets(EXTENDED_KEY_USAGE[profile.name])}`,
    `0603551d13${CRITICAL}${octets('3000')}`,
    `0603551d23${octets(element('30', element('80', hex(issuer.subjectKeyId))))}`,
    `0603551d0e${octets(octets(keyId(spki)))}`,
    `0603551d11${CRITICAL}${octets(element('30', names.map(generalName).join('')))}`,
  ];
  demand(extensions.length === wanted.length, 'extensions');
  for (const [index, extension] of extensions.entries()) {
    demand(extension.tag === 0x30 && extension.body === wanted[index], `extension ${index}`);
  }
}

function generalName({ kind, value }: SubjectAltName): string {
  if (kind === 'uri') return element('86', hex(Buffer.from(value, 'ascii')));
  if (kind === 'dns') return element('82', hex(Buffer.from(value, 'ascii')));
  return element('87', ipHex(value));
}

/** Through the URL parser, which canonicalises addresses without our help. */
function ipHex(address: string): string {
  if (!address.includes(':')) {
    const parts = new URL(`http://${address}`).hostname.split('.');
    return parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('');
  }
  const host = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [left = '', right = ''] = host.split('::');
  const groups = (part: string): string =>
    part
      .split(':')
      .map((group) => group && group.padStart(4, '0'))
      .join('');
  return groups(left) + groups(right).padStart(32 - groups(left).length, '0');
}

function keyId(spki: Element): string {
  const [, bits] = children(spki.body, 'subjectPublicKeyInfo');
  return createHash('sha1')
    .update(Buffer.from(bits?.body.slice(2) ?? '', 'hex'))
    .digest('hex');
}

function readTime(time: Element | undefined): number {
  const digits = Buffer.from(time?.body ?? '', 'hex').toString('latin1');
  const pattern =
    time?.tag === 0x17 ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
  const parts = pattern.exec(digits)?.slice(1).map(Number) ?? [];
  const [year = Number.NaN, month = 0, ...rest] = parts;
  return Date.UTC(time?.tag === 0x17 ? 2000 + year : year, month - 1, ...rest);
}

function only(text: string, what: string): Element {
  const [first, ...rest] = children(text, what);
  demand(first !== undefined && rest.length === 0, what);
  return first;
}

function children(text: string, what: string): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < text.length;) {
    const short = byteAt(text, at + 2);
    const lengthDigits = short < 0x80 ? 0 : (short - 0x80) * 2;
    const length = lengthDigits === 0 ? short : Number.parseInt(text.slice(at + 4, at + 4 + lengthDigits), 16);
    const start = at + 4 + lengthDigits;
    const end = start + length * 2;
    demand(end <= text.length, what);
    found.push({ tag: byteAt(text, at), body: text.slice(start, end), whole: text.slice(at, end) });
    at = end;
  }
  return found;
}

function element(tag: string, body: string): string {
  const length = body.length / 2;
  const digits = length.toString(16).padStart(length > 0xff ? 4 : 2, '0');
  const prefix = length < 0x80 ? '' : length > 0xff ? '82' : '81';
  return tag + prefix + digits + body;
}

function octets(body: string): string {
  return element('04', body);
}

function byteAt(text: string, at: number): number {
  return Number.parseInt(text.slice(at, at + 2), 16);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function demand(holds: boolean, field: string): asserts holds {
  if (!holds) throw new AuthorityError('CAP-X01', { cause: new Error(`second opinion: ${field} is not as approved`) });
}
