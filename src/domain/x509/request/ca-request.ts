// The request for an intermediate (PKCS #10, RFC 2986), as a corporate CA is asked: a key that whoever signs may look at by
// any tool, and the extensions that the certificate is to have. The key stays behind its signer.
import { der, oid, TAG } from '../der.ts';
import { ISSUER_SIGNATURES, type SignatureAlgorithm } from '../key-types.ts';
import { encodePem } from '../pem.ts';

export interface CaRequestContents {
  /** Common name of the subject; most CAs replace the rest. */
  readonly commonName: string;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  /** As X509-SVID section 3.2 names a signing certificate: its trust domain, without a path. */
  readonly trustDomainId: string;
}

export interface CaRequest {
  /** To be signed, whole. */
  readonly info: Uint8Array;
  /** @param signature as the algorithm makes it. @returns PEM. */
  assemble(signature: Uint8Array): string;
}

const TRUE = Uint8Array.of(TAG.boolean, 1, 0xff);
const UTF8_STRING = 0x0c;
const ATTRIBUTES = 0xa0;
const URI = 0x86;
/** keyCertSign and cRLSign; one bit is unused. */
const CA_USAGE = Uint8Array.of(0x01, 0x06);
const NO_CA_BELOW = Uint8Array.of(0);

export function caRequest({ commonName, spki, algorithm, trustDomainId }: CaRequestContents): CaRequest {
  const subject = der(
    TAG.sequence,
    der(TAG.set, der(TAG.sequence, oid('2.5.4.3'), der(UTF8_STRING, Buffer.from(commonName, 'utf8')))),
  );
  const version = der(TAG.integer, Uint8Array.of(0));
  const info = der(TAG.sequence, version, subject, spki, der(ATTRIBUTES, extensionRequest(trustDomainId)));
  const { identifier } = ISSUER_SIGNATURES[algorithm];
  return {
    info,
    assemble: (signature) =>
      encodePem(
        'CERTIFICATE REQUEST',
        der(TAG.sequence, info, identifier, der(TAG.bitString, Uint8Array.of(0), signature)),
      ),
  };
}

/** RFC 2985 section 5.4.2. */
function extensionRequest(trustDomainId: string): Uint8Array {
  const extensions = der(
    TAG.sequence,
    extension('2.5.29.19', der(TAG.sequence, TRUE, der(TAG.integer, NO_CA_BELOW)), true),
    extension('2.5.29.15', der(TAG.bitString, CA_USAGE), true),
    extension('2.5.29.17', der(TAG.sequence, der(URI, Buffer.from(trustDomainId, 'latin1'))), false),
  );
  return der(TAG.sequence, oid('1.2.840.113549.1.9.14'), der(TAG.set, extensions));
}

function extension(type: string, value: Uint8Array, critical: boolean): Uint8Array {
  return der(TAG.sequence, oid(type), ...(critical ? [TRUE] : []), der(TAG.octetString, value));
}
