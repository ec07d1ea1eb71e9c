// The signature of a JWT in its compact form (RFC 7515 section 5.2). jose chooses the key by what the header says, and imports it
// for one algorithm alone. The signature is verified by `node:crypto` on the event loop: WebCrypto hands it to a thread, which
// costs more than the verification itself.
import { constants, KeyObject, verify, type VerifyKeyObjectInput } from 'node:crypto';
import { base64url, decodeProtectedHeader, errors, type CryptoKey, type JWSHeaderParameters } from 'jose';
import type { TokenAlgorithm } from '../../../domain/identity/token-algorithms.ts';

/** Finds the key that a header names. @throws JOSEError when there is none, or more than one. */
export type ResolveKey = (header: JWSHeaderParameters) => Promise<CryptoKey>;

/** How one algorithm is verified, and with which keys alone (RFC 8725 section 3.1). */
interface Row {
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly kind: NonNullable<KeyObject['asymmetricKeyType']>;
  readonly curve?: string;
  /** Of signatures that have one length: r and s, each as long as the curve's order (RFC 7518 section 3.4). */
  readonly bytes?: number;
  readonly options?: Omit<VerifyKeyObjectInput, 'key'>;
}

const MIN_RSA_BITS = 2048;
const PKCS1 = { padding: constants.RSA_PKCS1_PADDING };
/** RFC 7518 section 3.5: the salt is as long as the hash. */
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const rsa = (hash: Row['hash'], options: Row['options'] = {}): Row => ({ hash, kind: 'rsa', options });
const ecdsa = (hash: Row['hash'], curve: string, bytes: number): Row => ({
  ...{ hash, kind: 'ec', curve, bytes },
  options: { dsaEncoding: 'ieee-p1363' },
});

const ROWS: Readonly<Record<TokenAlgorithm, Row>> = {
  RS256: rsa('sha256', PKCS1),
  RS384: rsa('sha384', PKCS1),
  RS512: rsa('sha512', PKCS1),
  PS256: rsa('sha256', PSS),
  PS384: rsa('sha384', PSS),
  PS512: rsa('sha512', PSS),
  ES256: ecdsa('sha256', 'prime256v1', 64),
  ES384: ecdsa('sha384', 'secp384r1', 96),
  ES512: ecdsa('sha512', 'secp521r1', 132),
  EdDSA: { hash: null, kind: 'ed25519' },
};

/**
 * @returns the payload as it stands in the token, base64url; its signature is good.
 * @throws JOSEError when the token is none, its algorithm is not among these, no key is found or the signature does not
 *   verify; anything else when the key that was found is unusable.
 */
export async function signedPayload(
  token: string,
  algorithms: readonly TokenAlgorithm[],
  resolve: ResolveKey,
): Promise<string> {
  const [protectedHeader = '', payload = '', signature = '', ...rest] = token.split('.');
  if (rest.length > 0) throw new errors.JWSInvalid('it has more than three parts');
  const header = headerOf(token);
  const algorithm = algorithms.find((allowed) => allowed === header.alg);
  if (algorithm === undefined) throw new errors.JOSEAlgNotAllowed('another algorithm');
  const row = ROWS[algorithm];
  const key = keyFor(row, await resolve(header));
  // As UTF-8: other characters than a token's own become other bytes than were signed.
  const signed = Buffer.from(`${protectedHeader}.${payload}`);
  const bytes = decoded(signature);
  const fits = row.bytes === undefined || row.bytes === bytes.length;
  if (!fits || !verify(row.hash, signed, { ...row.options, key }, bytes)) {
    throw new errors.JWSSignatureVerificationFailed();
  }
  return payload;
}

function headerOf(token: string): JWSHeaderParameters {
  let header: JWSHeaderParameters;
  try {
    header = decodeProtectedHeader(token);
  } catch (cause) {
    throw new errors.JWSInvalid('its header cannot be read', { cause });
  }
  // No extension is understood here (RFC 7515 section 4.1.11).
  if (header.crit !== undefined) throw new errors.JOSENotSupported('it has an extension');
  return header;
}

function decoded(signature: string): Uint8Array {
  try {
    return base64url.decode(signature);
  } catch (cause) {
    throw new errors.JWSInvalid('its signature is not base64url', { cause });
  }
}

/** Of each key that jose imported, which it did for one algorithm; gone with it. */
const kept = new WeakMap<CryptoKey, KeyObject>();

/** @throws TypeError when the key is not one for this algorithm, or too weak. */
function keyFor({ kind, curve }: Row, imported: CryptoKey): KeyObject {
  const known = kept.get(imported);
  if (known !== undefined) return known;
  const key = KeyObject.from(imported);
  const { namedCurve, modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {};
  if (key.type !== 'public' || key.asymmetricKeyType !== kind || namedCurve !== curve || modulusLength < MIN_RSA_BITS) {
    throw new TypeError('the key does not fit the algorithm');
  }
  kept.set(imported, key);
  return key;
}
