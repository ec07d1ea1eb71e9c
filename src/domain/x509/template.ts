// Writes the bytes that get signed: a v3 TBSCertificate (RFC 5280 section 4.1) with an empty subject,
// whose names stand in a critical SubjectAltName. Nothing of the CSR but the key goes in.
import { createHash } from 'node:crypto';
import { DerReader, der, oid, TAG } from './der.ts';
import type { Issuer } from './issuer.ts';
import type { Profile } from './profile.ts';
import type { SubjectPublicKey } from './public-key.ts';
import { ISSUER_SIGNATURES } from './signature-algorithm.ts';

export interface SubjectAltName {
  readonly kind: 'uri' | 'dns' | 'ip';
  /** ASCII; an IP address in its usual spelling. */
  readonly value: string;
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
const SUBJECT_ALT_NAME = oid('2.5.29.17');
const KEY_ID = 0x80;
const NAME_TAGS = { uri: 0x86, dns: 0x82, ip: 0x87 } as const;

/** From 2050 on, dates are GeneralizedTime (RFC 5280 section 4.1.2.5). */
const FIRST_GENERALIZED_MS = Date.UTC(2050, 0, 1);

interface IssuerParts {
  readonly signatureAndName: Uint8Array;
  readonly authorityKeyId: Uint8Array;
}

/** What stays the same for an issuer; gone with the issuer itself. */
const issuerParts = new WeakMap<Issuer, IssuerParts>();

/** @returns the DER of a TBSCertificate. */
export function encodeTbsCertificate(contents: CertificateContents): Uint8Array {
  const { issuer, publicKey, profile } = contents;
  const fixed = partsOf(issuer);
  const extensions = der(
    TAG.sequence,
    profile.fixedExtensions,
    fixed.authorityKeyId,
    subjectKeyId(publicKey.spki),
    subjectAltName(contents.names),
  );
  return der(
    TAG.sequence,
    VERSION_3,
    der(TAG.integer, contents.serial),
    fixed.signatureAndName,
    der(TAG.sequence, time(contents.notBeforeMs), time(contents.notAfterMs)),
    EMPTY_SUBJECT,
    publicKey.spki,
    der(EXTENSIONS, extensions),
  );
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

/** SHA-1 of the key's bits: method 1 of RFC 5280 section 4.2.1.2, an identifier and not a protection. */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  const info = new DerReader(spki).enter(TAG.sequence, 'SubjectPublicKeyInfo');
  info.read(TAG.sequence, 'key algorithm');
  const bits = info.read(TAG.bitString, 'subjectPublicKey').subarray(1);
  return createHash('sha1').update(bits).digest();
}

function subjectKeyId(spki: Uint8Array): Uint8Array {
  return der(TAG.sequence, SUBJECT_KEY_ID, der(TAG.octetString, der(TAG.octetString, keyIdentifier(spki))));
}

/** Critical, because the subject is empty (RFC 5280 section 4.2.1.6). */
function subjectAltName(names: readonly SubjectAltName[]): Uint8Array {
  const encoded = names.map((name) => der(NAME_TAGS[name.kind], nameBytes(name)));
  return der(TAG.sequence, SUBJECT_ALT_NAME, TRUE, der(TAG.octetString, der(TAG.sequence, ...encoded)));
}

function nameBytes({ kind, value }: SubjectAltName): Uint8Array {
  return kind === 'ip' ? ipBytes(value) : Buffer.from(value, 'latin1');
}

function ipBytes(address: string): Uint8Array {
  if (!address.includes(':')) return Uint8Array.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const left = words(head);
  const right = words(tail ?? '');
  const gap = tail === undefined ? [] : new Array<number>(8 - left.length - right.length).fill(0);
  return Uint8Array.from([...left, ...gap, ...right].flatMap((word) => [word >> 8, word & 0xff]));
}

function words(part: string): number[] {
  return part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
}

function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return ms < FIRST_GENERALIZED_MS
    ? der(TAG.utcTime, Buffer.from(digits.slice(2), 'latin1'))
    : der(TAG.generalizedTime, Buffer.from(digits, 'latin1'));
}
