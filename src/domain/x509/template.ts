// Writes the bytes that get signed: a v3 TBSCertificate (RFC 5280 section 4.1) with an empty subject,
// whose names stand in a critical SubjectAltName. Nothing of the CSR but the key goes in. Fields are
// put last to first; see DerWriter.
import { DerWriter, der, oid, TAG } from './der.ts';
import { ipAddressBytes } from '../text/ip-address.ts';
import type { Issuer } from './issuer.ts';
import type { Profile } from './profile.ts';
import type { SubjectPublicKey } from './public-key.ts';
import { ISSUER_SIGNATURES } from './key-types.ts';

export interface SubjectAltName {
  readonly kind: 'uri' | 'dns' | 'ip';
  /** ASCII; an IP address in its usual spelling. */
  readonly value: string;
}

/** A name of a server, never an identity. */
export interface HostName extends SubjectAltName {
  readonly kind: 'dns' | 'ip';
}

export interface CertificateContents {
  readonly profile: Profile;
  /** Unsigned big-endian, positive, no leading zero byte. */
  readonly serial: Uint8Array;
  readonly issuer: Issuer;
  /** Whole seconds, in ms since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: SubjectPublicKey;
  /** At least one. */
  readonly names: readonly SubjectAltName[];
}

const VERSION_3 = Uint8Array.of(0xa0, 3, TAG.integer, 1, 2);
const EMPTY_SUBJECT = Uint8Array.of(TAG.sequence, 0);
const TRUE = Uint8Array.of(TAG.boolean, 1, 0xff);
const EXTENSIONS = 0xa3;
const SUBJECT_KEY_ID = oid('2.5.29.14');
const AUTHORITY_KEY_ID = oid('2.5.29.35');
/** Critical, because the subject is empty (RFC 5280 section 4.2.1.6). */
const CRITICAL_SUBJECT_ALT_NAME = Buffer.concat([oid('2.5.29.17'), TRUE]);
const KEY_ID = 0x80;
const NAME_TAGS = { uri: 0x86, dns: 0x82, ip: 0x87 } as const;

/** From 2050 on, dates are GeneralizedTime (RFC 5280 section 4.1.2.5). */
const FIRST_GENERALIZED_MS = Date.UTC(2050, 0, 1);

const ZULU = 'Z'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);

/** Room for every field whose size does not depend on issuer, key, profile, serial or names. */
const FIXED_ROOM = 160;
/** Room for one name beside its characters: header, or the 16 bytes of an address. */
const NAME_ROOM = 20;

interface IssuerParts {
  readonly signatureAndName: Uint8Array;
  readonly authorityKeyId: Uint8Array;
}

/** What stays the same for an issuer; gone with the issuer itself. */
const issuerParts = new WeakMap<Issuer, IssuerParts>();

/** @returns the DER of a TBSCertificate. */
export function encodeTbsCertificate(contents: CertificateContents): Uint8Array {
  const { publicKey, serial } = contents;
  const fixed = partsOf(contents.issuer);
  const writer = new DerWriter(roomFor(contents, fixed));
  const end = writer.mark;
  putExtensions(writer, contents, fixed);
  writer.put(publicKey.spki);
  writer.put(EMPTY_SUBJECT);
  putValidity(writer, contents);
  writer.put(fixed.signatureAndName);
  putElement(writer, TAG.integer, serial);
  writer.put(VERSION_3);
  writer.wrap(TAG.sequence, end);
  return writer.finish();
}

function roomFor({ profile, serial, publicKey, names }: CertificateContents, fixed: IssuerParts): number {
  const { signatureAndName, authorityKeyId } = fixed;
  let room = FIXED_ROOM + signatureAndName.length + authorityKeyId.length;
  room += profile.fixedExtensions.length + serial.length + publicKey.spki.length;
  for (const { value } of names) room += value.length + NAME_ROOM;
  return room;
}

function partsOf(issuer: Issuer): IssuerParts {
  const known = issuerParts.get(issuer);
  if (known !== undefined) return known;
  const keyId = der(TAG.sequence, der(KEY_ID, issuer.subjectKeyId));
  const parts = {
    signatureAndName: Buffer.concat([ISSUER_SIGNATURES[issuer.algorithm].identifier, issuer.subjectDer]),
    authorityKeyId: der(TAG.sequence, AUTHORITY_KEY_ID, der(TAG.octetString, keyId)),
  };
  issuerParts.set(issuer, parts);
  return parts;
}

function putExtensions(writer: DerWriter, { names, publicKey, profile }: CertificateContents, fixed: IssuerParts) {
  const end = writer.mark;
  putSubjectAltName(writer, names);
  putSubjectKeyId(writer, publicKey.keyId);
  writer.put(fixed.authorityKeyId);
  writer.put(profile.fixedExtensions);
  writer.wrap(TAG.sequence, end);
  writer.wrap(EXTENSIONS, end);
}

function putSubjectKeyId(writer: DerWriter, keyId: Uint8Array): void {
  const end = writer.mark;
  putElement(writer, TAG.octetString, keyId);
  writer.wrap(TAG.octetString, end);
  writer.put(SUBJECT_KEY_ID);
  writer.wrap(TAG.sequence, end);
}

function putSubjectAltName(writer: DerWriter, names: readonly SubjectAltName[]): void {
  const end = writer.mark;
  for (let i = names.length; i-- > 0;) putName(writer, names[i]);
  writer.wrap(TAG.sequence, end);
  writer.wrap(TAG.octetString, end);
  writer.put(CRITICAL_SUBJECT_ALT_NAME);
  writer.wrap(TAG.sequence, end);
}

function putName(writer: DerWriter, name: SubjectAltName | undefined): void {
  if (name === undefined) return;
  const end = writer.mark;
  if (name.kind === 'ip') writer.put(ipAddressBytes(name.value));
  else writer.putLatin1(name.value);
  writer.wrap(NAME_TAGS[name.kind], end);
}

function putValidity(writer: DerWriter, { notBeforeMs, notAfterMs }: CertificateContents): void {
  const end = writer.mark;
  putTime(writer, notAfterMs);
  putTime(writer, notBeforeMs);
  writer.wrap(TAG.sequence, end);
}

/** Puts a Time (RFC 5280 section 4.1.2.5). @param ms whole seconds, in ms since the epoch. */
export function putTime(writer: DerWriter, ms: number): void {
  const end = writer.mark;
  const date = new Date(ms);
  const seconds = Math.floor(ms / 1000);
  const year = date.getUTCFullYear();
  const generalized = ms >= FIRST_GENERALIZED_MS;
  writer.putByte(ZULU);
  putDigits(writer, seconds % 60);
  putDigits(writer, Math.floor(seconds / 60) % 60);
  putDigits(writer, Math.floor(seconds / 3600) % 24);
  putDigits(writer, date.getUTCDate());
  putDigits(writer, date.getUTCMonth() + 1);
  putDigits(writer, year % 100);
  if (generalized) putDigits(writer, Math.floor(year / 100));
  writer.wrap(generalized ? TAG.generalizedTime : TAG.utcTime, end);
}

/** Two decimal digits. */
function putDigits(writer: DerWriter, value: number): void {
  writer.putByte(ZERO + (value % 10));
  writer.putByte(ZERO + Math.floor(value / 10));
}

function putElement(writer: DerWriter, tag: number, contents: Uint8Array): void {
  const end = writer.mark;
  writer.put(contents);
  writer.wrap(tag, end);
}
