// A signing key in this process's memory.
import { sign, type KeyObject } from 'node:crypto';
import { ISSUER_SIGNATURES, type SignatureAlgorithm } from '../../../domain/x509/key-types.ts';
import type { Signer } from '../../../ports/issuing/signer.ts';

/** @param algorithm must fit the key; the store checks it against the issuer's certificate. */
export function memorySigner(key: KeyObject, algorithm: SignatureAlgorithm): Signer {
  const { hash } = ISSUER_SIGNATURES[algorithm];
  // Synchronous on purpose: one signature costs less than handing it to a thread.
  return { algorithm, sign: (tbs) => sign(hash, tbs, key) };
}
