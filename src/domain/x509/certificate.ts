// Puts a signature on the bytes it was made for, and checks it before anybody else sees it.
import { verify } from 'node:crypto';
import { bug } from '../errors.ts';
import type { Issuer } from './issuer.ts';
import { encodePem } from './pem.ts';
import { ISSUER_SIGNATURES } from './key-types.ts';
import { signedDer } from './signed.ts';

export interface Certificate {
  readonly der: Uint8Array;
  readonly pem: string;
}

/**
 * @param signature as the signer made it: for ECDSA the DER of r and s.
 * @throws AuthorityError CAP-X01 when the signature is not the issuer's over these bytes.
 */
export function assembleCertificate(tbs: Uint8Array, signature: Uint8Array, issuer: Issuer): Certificate {
  const { hash, identifier } = ISSUER_SIGNATURES[issuer.algorithm];
  if (!verify(hash, tbs, issuer.publicKey, signature)) {
    throw bug('the signer returned a signature that does not verify');
  }
  const der = signedDer(tbs, identifier, signature);
  return { der, pem: encodePem('CERTIFICATE', der) };
}
