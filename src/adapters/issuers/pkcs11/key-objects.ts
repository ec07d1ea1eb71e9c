// What lies in a token: private keys, and beside each, by the same CKA_ID, its public half or its certificate.
import { X509Certificate } from 'node:crypto';
import type { PKCS11, Template } from 'pkcs11js';
import { der, DerReader, TAG } from '../../../domain/x509/der.ts';
import { KEY_FAMILIES, KEY_TABLE } from '../../../domain/x509/key-types.ts';
import { integer } from './mechanisms.ts';
import type { HeldKey } from '../../../ports/issuing/key-inventory.ts';
import { KeyFailure } from '../../../live/key-failure.ts';
import type { TokenKeyReference } from './messages.ts';

/** PKCS#11 v3.0, section 5: numbers of object classes, key types and attributes. */
const CLASS = { certificate: 1, publicKey: 2, privateKey: 3 } as const;
const CKK_RSA = 0;
const CKA = {
  class: 0x00,
  label: 0x03,
  value: 0x11,
  keyType: 0x100,
  id: 0x102,
  sign: 0x108,
  extractable: 0x162,
  modulus: 0x120,
  publicExponent: 0x122,
  ecParams: 0x180,
  ecPoint: 0x181,
  alwaysAuthenticate: 0x202,
} as const;

/** More private keys than anybody keeps in one token. */
const MAX_OBJECTS = 1_000;

export interface Session {
  readonly pkcs11: PKCS11;
  readonly session: Buffer;
}

export interface FoundKey {
  readonly key: Buffer;
  readonly spki: Uint8Array;
  readonly warning?: string;
}

/**
 * @param certified DER SubjectPublicKeyInfo that chooses among several; a token may have the keys of former and next certificates
 *   under one label.
 * @throws KeyFailure `configuration` when there is not exactly one, or it is of no use here. @throws Pkcs11Error
 */
export function findKey(token: Session, { keyLabel, keyId }: TokenKeyReference, certified?: Uint8Array): FoundKey {
  const named: Template = [
    ...(keyLabel === undefined ? [] : [{ type: CKA.label, value: keyLabel }]),
    ...(keyId === undefined ? [] : [{ type: CKA.id, value: Buffer.from(keyId, 'hex') }]),
  ];
  const all = find(token, CLASS.privateKey, named);
  const fits = (key: Buffer): boolean =>
    certified !== undefined && Buffer.compare(halfIfKnown(token, key) ?? Buffer.alloc(0), certified) === 0;
  const found = all.length > 1 ? all.filter(fits) : all;
  const [key] = found;
  const what = [keyLabel && `label ${JSON.stringify(keyLabel)}`, keyId && `id ${keyId}`].filter(Boolean).join(' and ');
  if (all.length > 1 && found.length !== 1) {
    const which =
      certified === undefined ? 'name one by its id' : `${found.length || 'none'} of them for the certificate`;
    throw new KeyFailure('configuration', `has ${all.length} private keys with ${what}: ${which}`);
  }
  if (key === undefined) throw new KeyFailure('configuration', `has no private key with ${what} that this PIN opens`);
  if (isTrue(token, key, CKA.alwaysAuthenticate)) {
    throw new KeyFailure('configuration', 'wants the PIN of that key for each signature (CKA_ALWAYS_AUTHENTICATE)');
  }
  if (isFalse(token, key, CKA.sign)) throw new KeyFailure('configuration', 'has that key not for signing (CKA_SIGN)');
  const spki = publicHalfOf(token, key);
  if (spki === undefined) {
    throw new KeyFailure(
      'configuration',
      'has neither the public key nor the certificate of that key beside it (with the same CKA_ID): import one of them',
    );
  }
  const extractable = isTrue(token, key, CKA.extractable);
  return { key, spki, ...(extractable && { warning: 'is in a token that gives it away (CKA_EXTRACTABLE)' }) };
}

/** @returns every private key that the PIN opens. @throws Pkcs11Error */
export function listKeys(token: Session): readonly HeldKey[] {
  return find(token, CLASS.privateKey, []).map((key) => {
    const id = valueOf(token, key, CKA.id) ?? Buffer.alloc(0);
    const spki = halfIfKnown(token, key);
    return {
      label: (valueOf(token, key, CKA.label) ?? Buffer.alloc(0)).toString('utf8'),
      id: id.toString('hex'),
      ...(spki !== undefined && { spki }),
      hasCertificate: certificateOf(token, id) !== undefined,
    };
  });
}

/**
 * Also its public half, where no other private key has the same id.
 * @throws KeyFailure `configuration` when there is not exactly one, or a certificate lies beside it. @throws Pkcs11Error
 */
export function removeKey(token: Session, spki: Uint8Array): void {
  const keys = find(token, CLASS.privateKey, []);
  const found = keys.filter((key) => Buffer.compare(halfIfKnown(token, key) ?? Buffer.alloc(0), spki) === 0);
  const [key] = found;
  if (key === undefined || found.length > 1)
    throw new KeyFailure('configuration', `has ${found.length} keys of that kind`, { lost: false });
  const id = valueOf(token, key, CKA.id) ?? Buffer.alloc(0);
  if (certificateOf(token, id) !== undefined)
    throw new KeyFailure('configuration', 'has a certificate for that key', { lost: false });
  const shared = keys.filter((one) => valueOf(token, one, CKA.id)?.equals(id) === true).length > 1;
  token.pkcs11.C_DestroyObject(token.session, key);
  if (id.length === 0 || shared) return;
  for (const half of find(token, CLASS.publicKey, [{ type: CKA.id, value: id }]))
    token.pkcs11.C_DestroyObject(token.session, half);
}

function find({ pkcs11, session }: Session, kind: number, named: Template): readonly Buffer[] {
  pkcs11.C_FindObjectsInit(session, [{ type: CKA.class, value: kind }, ...named]);
  try {
    return pkcs11.C_FindObjects(session, MAX_OBJECTS);
  } finally {
    pkcs11.C_FindObjectsFinal(session);
  }
}

/** The private key has it itself where it is RSA; else the object beside it. */
function publicHalfOf(token: Session, key: Buffer): Uint8Array | undefined {
  const id = valueOf(token, key, CKA.id) ?? Buffer.alloc(0);
  const [beside] = id.length === 0 ? [] : find(token, CLASS.publicKey, [{ type: CKA.id, value: id }]);
  const rsa = valueOf(token, key, CKA.keyType)?.readUInt8(0) === CKK_RSA;
  const spki = rsa ? rsaKey(token, key) : beside && ecKey(token, beside);
  return spki ?? certificateOf(token, id)?.publicKey.export({ format: 'der', type: 'spki' });
}

/** A token may have keys of others, of kinds that are none of ours. */
function halfIfKnown(token: Session, key: Buffer): Uint8Array | undefined {
  try {
    return publicHalfOf(token, key);
  } catch {
    return undefined;
  }
}

function rsaKey(token: Session, key: Buffer): Uint8Array | undefined {
  const [modulus, exponent] = [valueOf(token, key, CKA.modulus), valueOf(token, key, CKA.publicExponent)];
  if (modulus === undefined || exponent === undefined) return undefined;
  const numbers = der(TAG.sequence, integer(modulus), integer(exponent));
  return der(TAG.sequence, KEY_TABLE.rsa.identifier, der(TAG.bitString, Uint8Array.of(0), numbers));
}

function ecKey(token: Session, key: Buffer): Uint8Array | undefined {
  const [curve, point] = [valueOf(token, key, CKA.ecParams), valueOf(token, key, CKA.ecPoint)];
  if (curve === undefined || point === undefined) return undefined;
  const row = KEY_FAMILIES.map((family) => KEY_TABLE[family]).find(({ identifier }) =>
    Buffer.from(identifier).includes(curve),
  );
  if (row?.curve === undefined)
    throw new KeyFailure('configuration', 'has that key on a curve other than P-256 and P-384');
  // PKCS#11 wants an OCTET STRING around it, and some modules leave that out.
  const bare = point.length === 1 + 2 * row.curve.coordinateBytes;
  const bytes = bare ? point : DerReader.over(point).read(TAG.octetString, 'CKA_EC_POINT');
  return der(TAG.sequence, row.identifier, der(TAG.bitString, Uint8Array.of(0), bytes));
}

function certificateOf(token: Session, id: Buffer): X509Certificate | undefined {
  const [certificate] = id.length === 0 ? [] : find(token, CLASS.certificate, [{ type: CKA.id, value: id }]);
  const value = certificate && valueOf(token, certificate, CKA.value);
  return value && new X509Certificate(value);
}

/** @returns nothing where the object has no such attribute, or keeps it to itself: tokens answer both with an error. */
function valueOf({ pkcs11, session }: Session, object: Buffer, type: number): Buffer | undefined {
  try {
    const [attribute] = pkcs11.C_GetAttributeValue(session, object, [{ type }]);
    const { value } = attribute ?? {};
    return Buffer.isBuffer(value) && value.length > 0 ? value : undefined;
  } catch {
    return undefined;
  }
}

const isTrue = (token: Session, key: Buffer, type: number): boolean => valueOf(token, key, type)?.readUInt8(0) === 1;
const isFalse = (token: Session, key: Buffer, type: number): boolean => valueOf(token, key, type)?.readUInt8(0) === 0;
