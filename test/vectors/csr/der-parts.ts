// Builds requests byte by byte, so that a vector can be wrong in exactly one place. Knows nothing of src.
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export type Part = Uint8Array | string;

/** One element; parts are bytes, or hex. Lengths above 65,535 are written too. */
export function tlv(tag: number, ...parts: readonly Part[]): Buffer {
  const body = Buffer.concat(parts.map(raw));
  const size = Buffer.from(body.length.toString(16).padStart(body.length > 0xffffff ? 8 : 6, '0'), 'hex');
  const digits = size.subarray(size.findIndex((byte) => byte !== 0));
  const length = body.length < 0x80 ? [body.length] : [0x80 + digits.length, ...digits];
  return Buffer.concat([Uint8Array.from([tag, ...length]), body]);
}

function raw(part: Part): Uint8Array {
  return typeof part === 'string' ? Buffer.from(part, 'hex') : part;
}

export const seq = (...parts: readonly Part[]): Buffer => tlv(0x30, ...parts);
export const set = (...parts: readonly Part[]): Buffer => tlv(0x31, ...parts);
export const text = (value: string): Buffer => Buffer.from(value, 'latin1');

export const OID = {
  commonName: '0603550403',
  organization: '060355040a',
  subjectAltName: '0603551d11',
  keyUsage: '0603551d0f',
  basicConstraints: '0603551d13',
  challengePassword: '06092a864886f70d010907',
  extensionRequest: '06092a864886f70d01090e',
  rsa: '06092a864886f70d010101',
  rsaPss: '06092a864886f70d01010a',
  ecPublicKey: '06072a8648ce3d0201',
  p256: '06082a8648ce3d030107',
} as const;

export const ALGORITHM = {
  ecdsaSha1: seq('06072a8648ce3d0401'),
  ecdsaSha256: seq('06082a8648ce3d040302'),
  ecdsaSha384: seq('06082a8648ce3d040303'),
  ecdsaSha512: seq('06082a8648ce3d040304'),
  ecdsaSha256Null: seq('06082a8648ce3d0403020500'),
  rsaMd5: seq('06092a864886f70d0101040500'),
  rsaSha1: seq('06092a864886f70d0101050500'),
  rsaSha256: seq('06092a864886f70d01010b0500'),
  rsaSha256Bare: seq('06092a864886f70d01010b'),
  rsaSha384: seq('06092a864886f70d01010c0500'),
  rsaSha512: seq('06092a864886f70d01010d0500'),
  ed25519: seq('06032b6570'),
} as const;

export const TRUE = '0101ff';
export const uri = (value: string): Buffer => tlv(0x86, text(value));
export const dns = (value: string): Buffer => tlv(0x82, text(value));

/** A SubjectAltName extension of these encoded names. */
export function san(...names: readonly Part[]): Buffer {
  return seq(OID.subjectAltName, TRUE, tlv(0x04, seq(...names)));
}

/** The attribute that asks for these extensions. */
export function extensionRequest(...extensions: readonly Part[]): Buffer {
  return seq(OID.extensionRequest, set(seq(...extensions)));
}

export interface Keys {
  readonly privateKey: KeyObject;
  readonly spki: Buffer;
}

export function ecKeys(namedCurve = 'P-256'): Keys {
  return keysOf(generateKeyPairSync('ec', { namedCurve }));
}

export function rsaKeys(modulusLength: number, publicExponent = 0x10001): Keys {
  return keysOf(generateKeyPairSync('rsa', { modulusLength, publicExponent }));
}

export function keysOf({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): Keys {
  return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
}

/** An RSA SubjectPublicKeyInfo of these INTEGER contents. */
export function rsaSpki(modulus: Part, exponent: Part, algorithm: Part = seq(OID.rsa, '0500'), rest: Part = ''): Buffer {
  return seq(algorithm, tlv(0x03, '00', seq(tlv(0x02, modulus), tlv(0x02, exponent), rest)));
}

export interface RequestParts {
  readonly version?: Part;
  readonly subject?: Part;
  readonly spki?: Part;
  /** The whole `[0]` element, or nothing of it. */
  readonly attributes?: Part;
  /** After the attributes, inside what is signed. */
  readonly rest?: Part;
  readonly algorithm?: Part;
  readonly hash?: string;
}

/** Everything that gets signed. */
export function requestInfo(keys: Keys, parts: RequestParts): Buffer {
  const { version = '020100', subject = '3000', spki = keys.spki, attributes = tlv(0xa0), rest = '' } = parts;
  return seq(version, subject, spki, attributes, rest);
}

export function signedRequest(keys: Keys, parts: RequestParts = {}): Buffer {
  const info = requestInfo(keys, parts);
  const ed25519 = keys.privateKey.asymmetricKeyType === 'ed25519';
  const signature = sign(ed25519 ? null : (parts.hash ?? 'sha256'), info, keys.privateKey);
  return seq(info, parts.algorithm ?? ALGORITHM.ecdsaSha256, tlv(0x03, '00', signature));
}

export function pemOf(der: Uint8Array, label = 'CERTIFICATE REQUEST'): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}
