// What RFC 5280 signs has one form: the bytes that were signed, the algorithm, the signature (sections 4.1 and 5.1).
import { DerWriter, MAX_HEADER, TAG } from './der.ts';

const NO_UNUSED_BITS = Uint8Array.of(0);

/**
 * @param signed DER TBSCertificate or TBSCertList. @param identifier DER AlgorithmIdentifier.
 * @param signature as the signer made it: for ECDSA the DER of r and s.
 * @returns DER Certificate or CertificateList.
 */
export function signedDer(signed: Uint8Array, identifier: Uint8Array, signature: Uint8Array): Uint8Array {
  const writer = new DerWriter(signed.length + identifier.length + signature.length + 1 + 2 * MAX_HEADER);
  const end = writer.mark;
  writer.put(signature);
  writer.put(NO_UNUSED_BITS);
  writer.wrap(TAG.bitString, end);
  writer.put(identifier);
  writer.put(signed);
  writer.wrap(TAG.sequence, end);
  return writer.finish();
}
