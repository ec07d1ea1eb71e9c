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
const RSA_KEYS = ['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.10'];

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
const PSS_HASH = 0xa0;

/** @param signature a reader of an AlgorithmIdentifier's contents. @throws DerError */
export function readSignatureStrength(signature: DerReader): Omit<CertificateAlgorithms, 'keyProblem'> {
  const type = dotted(signature.read(TAG.oid, 'signature algorithm'));
  if (type === RSASSA_PSS) return readPss(signature);
  const [good, weak] = [GOOD[type], WEAK[type]];
  if (good !== undefined) return { signature: good, signatureStrength: 'good' };
  if (weak !== undefined) return { signature: weak, signatureStrength: 'weak' };
  return { signature: type, signatureStrength: 'unknown' };
}

/** Without parameters the hash is SHA-1 (RFC 4055 section 3.1). */
function readPss(signature: DerReader): Omit<CertificateAlgorithms, 'keyProblem'> {
  const parameters = signature.nextTag === TAG.sequence ? signature.enter(TAG.sequence, 'parameters') : undefined;
  const hash =
    parameters?.nextTag === PSS_HASH
      ? PSS_HASHES[dotted(parameters.enter(PSS_HASH, 'hash').enter(TAG.sequence, 'hash').read(TAG.oid, 'hash'))]
      : undefined;
  return hash === undefined
    ? { signature: 'RSASSA-PSS with SHA-1', signatureStrength: 'weak' }
    : { signature: `RSASSA-PSS with ${hash}`, signatureStrength: 'good' };
}

/** @param info a reader of SubjectPublicKeyInfo's contents. @throws DerError */
export function readKeyProblem(info: DerReader, x509: X509Certificate): string | undefined {
  const algorithm = info.enter(TAG.sequence, 'algorithm');
  const type = dotted(algorithm.read(TAG.oid, 'key type'));
  if (type === EC_PUBLIC_KEY) return curveProblem(algorithm);
  if (!RSA_KEYS.includes(type)) return 'is neither ECDSA nor RSA';
  const bits = x509.publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  return bits < MIN_RSA_BITS ? `is RSA of ${bits} bits, where peers ask for at least ${MIN_RSA_BITS}` : undefined;
}

/** Peers know curves by name only (RFC 5480 section 2.1.1: parameters MUST NOT be spelled out). */
function curveProblem(algorithm: DerReader): string | undefined {
  if (algorithm.nextTag !== TAG.oid) return 'spells out its curve (explicit EC parameters) instead of naming it';
  const curve = dotted(algorithm.read(TAG.oid, 'curve'));
  return curve in CURVES ? undefined : `is on a curve that is not ${Object.values(CURVES).join(', ')}`;
}
