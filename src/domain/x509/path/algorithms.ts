// What is weak in a certificate's signature and key, as relying parties of a mesh see it: BoringSSL in
// Envoy, Go in Istio's agent, OpenSSL at its usual security level.
import type { X509Certificate } from 'node:crypto';
import { dotted, TAG, type DerReader } from '../der.ts';

export interface CertificateAlgorithms {
  /** Such as `ECDSA with SHA-256`, or the dotted type of one that mesh peers do not verify. */
  readonly signature: string;
  readonly signatureStrength: 'good' | 'weak' | 'unknown';
  /** Why mesh peers do not take the key, in words that follow "has a key that". */
  readonly keyProblem: string | undefined;
}

/** Upper links may be wider than what Capstan certifies, never weaker. */
const MIN_RSA_BITS = 2048;
const CURVES: Readonly<Record<string, string>> = {
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
  '1.3.132.0.35': 'P-521',
};
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const RSA = '1.2.840.113549.1.1.1';

const GOOD: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'ECDSA with SHA-256',
  '1.2.840.10045.4.3.3': 'ECDSA with SHA-384',
  '1.2.840.10045.4.3.4': 'ECDSA with SHA-512',
  '1.2.840.113549.1.1.11': 'RSA with SHA-256',
  '1.2.840.113549.1.1.12': 'RSA with SHA-384',
  '1.2.840.113549.1.1.13': 'RSA with SHA-512',
};
const WEAK: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.1': 'ECDSA with SHA-1',
  '1.2.840.113549.1.1.2': 'RSA with MD2',
  '1.2.840.113549.1.1.4': 'RSA with MD5',
  '1.2.840.113549.1.1.5': 'RSA with SHA-1',
  '1.2.840.10040.4.3': 'DSA with SHA-1',
};
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const PSS_HASHES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512',
};
/** Context tags of RSASSA-PSS-params (RFC 4055 section 3.1). */
const PSS_HASH = 0xa0;
const PSS_MASK = 0xa1;
const PSS_SALT = 0xa2;
/** Bytes of salt where none are said. */
const DEFAULT_SALT = 20;
const HASH_BYTES: Readonly<Record<string, number>> = { 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 };
const UNCOMPRESSED = 0x04;

/** @param signature a reader of an AlgorithmIdentifier's contents. @throws DerError */
export function readSignatureStrength(signature: DerReader): Omit<CertificateAlgorithms, 'keyProblem'> {
  const type = dotted(signature.read(TAG.oid, 'signature algorithm'));
  if (type === RSASSA_PSS) return readPss(signature);
  const [good, weak] = [GOOD[type], WEAK[type]];
  if (good !== undefined) return { signature: good, signatureStrength: 'good' };
  if (weak !== undefined) return { signature: weak, signatureStrength: 'weak' };
  return { signature: type, signatureStrength: 'unknown' };
}

/**
 * Without parameters the hash is SHA-1 (RFC 4055 section 3.1). Go and BoringSSL take three sets of parameters: one hash for all,
 * and as much salt.
 */
function readPss(signature: DerReader): Omit<CertificateAlgorithms, 'keyProblem'> {
  const parameters = signature.nextTag === TAG.sequence ? signature.enter(TAG.sequence, 'parameters') : undefined;
  const has = (tag: number): DerReader | undefined =>
    parameters?.nextTag === tag ? parameters.enter(tag, 'parameter') : undefined;
  const hash = hashIn(has(PSS_HASH)?.enter(TAG.sequence, 'hash'));
  const mask = has(PSS_MASK)?.enter(TAG.sequence, 'mask');
  mask?.read(TAG.oid, 'mask');
  const maskHash = hashIn(mask?.enter(TAG.sequence, 'hash'));
  const salt = has(PSS_SALT)?.read(TAG.integer, 'salt')[0] ?? DEFAULT_SALT;
  const name = `RSASSA-PSS with ${hash ?? 'SHA-1'}`;
  if (hash === undefined) return { signature: name, signatureStrength: 'weak' };
  return maskHash === hash && salt === HASH_BYTES[hash]
    ? { signature: name, signatureStrength: 'good' }
    : {
        signature: `${name}, ${maskHash ?? 'SHA-1'} in its mask and ${salt} bytes of salt`,
        signatureStrength: 'unknown',
      };
}

function hashIn(algorithm: DerReader | undefined): string | undefined {
  return algorithm && PSS_HASHES[dotted(algorithm.read(TAG.oid, 'hash'))];
}

/** @param info a reader of SubjectPublicKeyInfo's contents. @throws DerError */
export function readKeyProblem(info: DerReader, x509: X509Certificate): string | undefined {
  const algorithm = info.enter(TAG.sequence, 'algorithm');
  const type = dotted(algorithm.read(TAG.oid, 'key type'));
  if (type === EC_PUBLIC_KEY) return curveProblem(algorithm) ?? pointProblem(info);
  if (type === RSASSA_PSS) return 'is bound to RSASSA-PSS, which neither Envoy nor Go peers read: use a plain RSA key';
  if (type !== RSA) return 'is neither ECDSA nor RSA';
  const bits = x509.publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  return bits < MIN_RSA_BITS ? `is RSA of ${bits} bits, where peers ask for at least ${MIN_RSA_BITS}` : undefined;
}

/** Peers know curves by name only (RFC 5480 section 2.1.1: parameters MUST NOT be spelled out). */
function curveProblem(algorithm: DerReader): string | undefined {
  if (algorithm.nextTag !== TAG.oid) return 'spells out its curve (explicit EC parameters) instead of naming it';
  const curve = dotted(algorithm.read(TAG.oid, 'curve'));
  return curve in CURVES ? undefined : `is on a curve that is not ${Object.values(CURVES).join(', ')}`;
}

/** Go reads no other point than a whole one (RFC 5480 section 2.2: others are optional). */
function pointProblem(info: DerReader): string | undefined {
  return info.readBits('public key')[0] === UNCOMPRESSED
    ? undefined
    : 'is a compressed point, which Go peers do not read: have it written uncompressed';
}
