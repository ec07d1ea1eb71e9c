// CSRs that no honest client sends, written byte by byte: a library would refuse to make most of them.
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

const OID = {
  ecdsaSha256: '06082a8648ce3d040302',
  rsaMd5: '06092a864886f70d010104',
  rsaSha1: '06092a864886f70d010105',
  rsaSha256: '06092a864886f70d01010b',
  rsaEncryption: '06092a864886f70d010101',
  extensionRequest: '06092a864886f70d01090e',
  subjectAltName: '0603551d11',
  keyUsage: '0603551d0f',
  challengePassword: '06092a864886f70d010907',
  commonName: '0603550403',
} as const;
const NULL = '0500';
const CRITICAL = '0101ff';

/** What a CSR is made of; what is not said is as ztunnel sends it, without any name. */
export interface CsrParts {
  readonly subject?: Buffer;
  readonly spki?: Buffer;
  readonly attributes?: readonly Buffer[];
  readonly signatureAlgorithm?: Buffer;
  readonly sign?: (info: Buffer) => Buffer;
}

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** @returns the DER of a CSR whose signature is right for an ECDSA P-256 key, unless said otherwise. */
export function csrDer(parts: CsrParts = {}): Buffer {
  const info = tlv(
    0x30,
    hex('020100'),
    parts.subject ?? tlv(0x30),
    parts.spki ?? spkiOf(ec.publicKey),
    tlv(0xa0, ...(parts.attributes ?? [])),
  );
  const signature = (parts.sign ?? ((bytes) => sign('sha256', bytes, ec.privateKey)))(info);
  const algorithm = parts.signatureAlgorithm ?? tlv(0x30, hex(OID.ecdsaSha256));
  return tlv(0x30, info, algorithm, tlv(0x03, Buffer.of(0), signature));
}

export function pem(der: Uint8Array, label = 'CERTIFICATE REQUEST'): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** Names of a SubjectAltName, each by its tag (RFC 5280 section 4.2.1.6). */
export const uriName = (uri: string | Buffer): Buffer => tlv(0x86, Buffer.from(uri));
export const dnsName = (name: string): Buffer => tlv(0x82, Buffer.from(name));
export const emailName = (name: string): Buffer => tlv(0x81, Buffer.from(name));
export const ipName = (...bytes: readonly number[]): Buffer => tlv(0x87, Buffer.from(bytes));

export function csrNaming(...names: readonly Buffer[]): string {
  const san = tlv(0x30, hex(OID.subjectAltName), hex(CRITICAL), tlv(0x04, tlv(0x30, ...names)));
  return pem(csrDer({ attributes: [extensionRequest(san)] }));
}

export function csrWithKeyUsage(): string {
  const keyUsage = tlv(0x30, hex(OID.keyUsage), hex(CRITICAL), tlv(0x04, hex('03020106')));
  return pem(csrDer({ attributes: [extensionRequest(keyUsage)] }));
}

export function csrWithChallengePassword(): string {
  const password = tlv(0x0c, Buffer.from('swordfish'));
  return pem(csrDer({ attributes: [tlv(0x30, hex(OID.challengePassword), tlv(0x31, password))] }));
}

export function csrWithCommonName(name: string): string {
  const attribute = tlv(0x30, hex(OID.commonName), tlv(0x0c, Buffer.from(name)));
  return pem(csrDer({ subject: tlv(0x30, tlv(0x31, attribute)) }));
}

/** Signed by its own RSA key with a digest that has been broken. */
export function csrSignedWith(digest: 'md5' | 'sha1'): string {
  const oid = digest === 'md5' ? OID.rsaMd5 : OID.rsaSha1;
  return pem(
    csrDer({
      spki: spkiOf(rsa.publicKey),
      signatureAlgorithm: tlv(0x30, hex(oid), hex(NULL)),
      sign: (info) => sign(digest, info, rsa.privateKey),
    }),
  );
}

/** Signed by another key than the one it names. */
export function csrOfStolenKey(): string {
  const thief = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return pem(csrDer({ sign: (info) => sign('sha256', info, thief) }));
}

/** An RSA signature algorithm over an EC key. */
export function csrOfMixedKinds(): string {
  return pem(csrDer({ signatureAlgorithm: tlv(0x30, hex(OID.rsaSha256), hex(NULL)) }));
}

/** The last coordinate is one off, so that the point lies beside its curve. */
export function csrOffCurve(): string {
  const spki = spkiOf(ec.publicKey);
  spki[spki.length - 1]! ^= 1;
  return pem(csrDer({ spki }));
}

export interface RsaNumbers {
  readonly bits: number;
  readonly even?: true;
  readonly exponent?: readonly number[];
}

/** An RSA key of which only the numbers matter: it is judged before any signature. */
export function csrOfRsa({ bits, even, exponent = [1, 0, 1] }: RsaNumbers): string {
  const modulus = randomBytes(bits / 8);
  modulus[0]! |= 0x80;
  const last = modulus.length - 1;
  modulus[last] = even === true ? modulus[last]! & 0xfe : modulus[last]! | 1;
  const key = tlv(0x30, tlv(0x02, Buffer.of(0), modulus), tlv(0x02, Buffer.from(exponent)));
  const algorithm = tlv(0x30, hex(OID.rsaEncryption), hex(NULL));
  return pem(csrDer({ spki: tlv(0x30, algorithm, tlv(0x03, Buffer.of(0), key)) }));
}

/** Sequences in sequences, as deep as the bytes allow. */
export function nestedDer(depth: number): Buffer {
  let der = tlv(0x30);
  for (let level = 1; level < depth; level += 1) der = tlv(0x30, der);
  return der;
}

function extensionRequest(...extensions: readonly Buffer[]): Buffer {
  return tlv(0x30, hex(OID.extensionRequest), tlv(0x31, tlv(0x30, ...extensions)));
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** One element of DER (X.690 section 8.1). */
function tlv(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const digits = body.length.toString(16);
  const length = hex(digits.length % 2 === 0 ? digits : `0${digits}`);
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, body]);
}
