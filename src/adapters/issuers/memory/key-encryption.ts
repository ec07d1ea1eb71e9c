// How a private key in a file is encrypted, and whether it may be opened: what a file asks for must not stop the process
// that opens it. The opening itself is OpenSSL's.
import { DerError, DerReader, dotted, TAG } from '../../../domain/x509/der.ts';

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';
const AES_CBC: readonly string[] = ['2', '22', '42'].map((arc) => `2.16.840.1.101.3.4.1.${arc}`);

/** Below them a passphrase that people choose is guessed; both are under what OpenSSL writes by itself. */
const MIN_ITERATIONS = 1_000;
/** About a second of one core. */
const MAX_ITERATIONS = 2_000_000;
/** OpenSSL opens nothing that takes so much memory (SCRYPT_MAX_MEM), its own few blocks included. */
const MAX_SCRYPT_BYTES = 32 * 1024 * 1024;
/** N·r·p of about half a second; what `openssl pkcs8 -scrypt` writes is 2^17. */
const MAX_SCRYPT_WORK = 2 ** 21;

/** The way to a key that is taken. */
const INSTEAD = 'encrypt it by `openssl pkcs8 -topk8 -scrypt`';

/**
 * @param der EncryptedPrivateKeyInfo (RFC 5958 section 3).
 * @returns why it is not opened, in words that quote nothing of it: it is not PBES2 (RFC 8018 section 6.2) with PBKDF2 or scrypt
 *   (RFC 7914 section 7) and AES-CBC, or it asks for more work than any key needs.
 */
export function encryptionProblem(der: Uint8Array): string | undefined {
  try {
    const whole = DerReader.over(der).enter(TAG.sequence, 'the encrypted key');
    const algorithm = whole.enter(TAG.sequence, 'the encryption algorithm');
    const scheme = oidOf(algorithm);
    if (scheme !== PBES2) return `is encrypted by an old scheme (${scheme}), not by PBES2: ${INSTEAD}`;
    const parameters = algorithm.enter(TAG.sequence, 'the parameters of PBES2');
    const derivation = parameters.enter(TAG.sequence, 'the key derivation');
    return derivationProblem(derivation) ?? cipherProblem(parameters.enter(TAG.sequence, 'the cipher'));
  } catch (error) {
    if (error instanceof DerError) return 'is not a well-formed encrypted PKCS#8 key';
    throw error;
  }
}

function derivationProblem(derivation: DerReader): string | undefined {
  const name = oidOf(derivation);
  const parameters = derivation.enter(TAG.sequence, 'the parameters of the key derivation');
  parameters.read(TAG.octetString, 'the salt');
  if (name === PBKDF2) {
    const iterations = numberOf(parameters);
    if (iterations > MAX_ITERATIONS) return tooDear(`${iterations} iterations of PBKDF2`, `${MAX_ITERATIONS}`);
    return iterations < MIN_ITERATIONS
      ? `is encrypted with ${iterations} iterations of PBKDF2 only: ${INSTEAD}`
      : undefined;
  }
  if (name !== SCRYPT) return `is encrypted with an unknown key derivation (${name}): ${INSTEAD}`;
  const [cost, block, parallel] = [numberOf(parameters), numberOf(parameters), numberOf(parameters)];
  if (128 * cost * block >= MAX_SCRYPT_BYTES) {
    return tooDear(`${128 * cost * block} bytes of memory for scrypt`, `less than ${MAX_SCRYPT_BYTES}`);
  }
  const work = cost * block * parallel;
  return work > MAX_SCRYPT_WORK ? tooDear(`${work} as N·r·p of scrypt`, `${MAX_SCRYPT_WORK}`) : undefined;
}

function cipherProblem(cipher: DerReader): string | undefined {
  const name = oidOf(cipher);
  return AES_CBC.includes(name) ? undefined : `is encrypted with a cipher other than AES-CBC (${name}): ${INSTEAD}`;
}

function tooDear(asked: string, allowed: string): string {
  return `asks for ${asked} to be opened, allowed ${allowed}: ${INSTEAD}`;
}

function oidOf(reader: DerReader): string {
  return dotted(reader.read(TAG.oid, 'an algorithm'));
}

/** Of a positive INTEGER of any size; inexact beyond 2^53, where every bound is long passed. */
function numberOf(reader: DerReader): number {
  const bytes = reader.read(TAG.integer, 'a parameter');
  if (bytes.length === 0 || (bytes[0] ?? 0) >= 0x80) throw new DerError('a parameter is not positive');
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}
