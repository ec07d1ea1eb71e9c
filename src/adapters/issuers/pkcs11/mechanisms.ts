// How a token signs what certificates are signed with. Digests of ECDSA are made here: every token signs one, fewer make them.
import { hash as digest } from 'node:crypto';
import type { PKCS11 } from 'pkcs11js';
import { der, TAG } from '../../../domain/x509/der.ts';
import { ISSUER_SIGNATURES, type SignatureAlgorithm } from '../../../domain/x509/key-types.ts';

/** PKCS#11 v3.0, section 6: numbers of mechanisms. */
const CKM_SHA256_RSA_PKCS = 0x40;
const CKM_ECDSA = 0x1041;
/** Longest signature: RSA of 8,192 bits. */
const MAX_SIGNATURE_BYTES = 1_024;

/** @returns the signature as it stands in a certificate. @throws Pkcs11Error */
export function signWith(
  { pkcs11, session, key }: { readonly pkcs11: PKCS11; readonly session: Buffer; readonly key: Buffer },
  algorithm: SignatureAlgorithm,
  tbs: Uint8Array,
): Uint8Array {
  const { hash, keyKind } = ISSUER_SIGNATURES[algorithm];
  const rsa = keyKind === 'rsa';
  pkcs11.C_SignInit(session, { mechanism: rsa ? CKM_SHA256_RSA_PKCS : CKM_ECDSA }, key);
  const signed = rsa ? Buffer.from(tbs) : digest(hash, tbs, 'buffer');
  const signature = pkcs11.C_Sign(session, signed, Buffer.alloc(MAX_SIGNATURE_BYTES));
  return rsa ? signature : ecdsaSignature(signature);
}

/** From r and s side by side, as PKCS#11 has them, to ECDSA-Sig-Value (RFC 3279 section 2.2.3). */
export function ecdsaSignature(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return der(TAG.sequence, integer(raw.subarray(0, half)), integer(raw.subarray(half)));
}

/** A number without sign, most significant byte first, as a whole INTEGER. */
export function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const shortest = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  return der(TAG.integer, (shortest[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(), shortest);
}
