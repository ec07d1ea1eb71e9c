// Private keys in PEM files, held in this process's memory while they sign.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { decodePem } from '../../../domain/x509/pem.ts';
import type { KeyDocument, SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import { encryptionProblem } from './key-encryption.ts';
import { memorySigner } from './memory-signer.ts';

/** What OpenSSL takes of a passphrase (PEM_BUFSIZE). */
const MAX_PASSPHRASE_BYTES = 1_024;
const ENCRYPTED = 'ENCRYPTED PRIVATE KEY';

type Read = { readonly key: KeyObject; readonly warning?: string } | { readonly problem: string };

/**
 * The document is the key itself: PKCS#8, encrypted as `encryptionProblem` takes it, with its passphrase as secret; or plain PKCS#8,
 * SEC1 or PKCS#1, with a warning. Opening an encrypted key takes some tens of milliseconds of this thread, a second at most.
 */
export const pemSignerOpener: SignerOpener = {
  custody: 'file',
  open: (document) => {
    const read = readKey(document);
    if ('problem' in read) return Promise.resolve(read);
    const { key, warning } = read;
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    const signerFor = (algorithm: Parameters<typeof memorySigner>[1]) => memorySigner(key, algorithm);
    return Promise.resolve({ spki, signerFor, ...(warning !== undefined && { warning }) });
  },
};

function readKey({ text, secret }: KeyDocument): Read {
  // Indented, as cut out of a YAML file, or behind a byte order mark, it is the same key; chains are read so too.
  const pem = text.replace(/^[\uFEFF \t]+/gm, '');
  if (/^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return {
      problem:
        'is encrypted in the legacy form of OpenSSL (Proc-Type), which protects little: encrypt it by `openssl pkcs8 -topk8 -scrypt`',
    };
  }
  return pem.trimStart().startsWith(`-----BEGIN ${ENCRYPTED}`) ? readEncrypted(pem, secret) : readPlain(pem, secret);
}

/** Causes are dropped on purpose: OpenSSL's message may quote what it read. */
function readPlain(pem: string, secret: string | undefined): Read {
  try {
    const key = createPrivateKey(pem);
    const despite = secret === undefined ? '' : ', although a passphrase is configured';
    return { key, warning: `is not encrypted${despite}: whoever reads the file, or a copy of its disk, has the key` };
  } catch {
    return { problem: 'is not a PEM private key (PKCS#8, SEC1 or PKCS#1)' };
  }
}

function readEncrypted(pem: string, secret: string | undefined): Read {
  const der = decodePem(pem, ENCRYPTED);
  if ('problem' in der) return der;
  const problem = encryptionProblem(der);
  if (problem !== undefined) return { problem };
  if (secret === undefined) return { problem: 'is encrypted, and no passphrase is configured (keyPassphraseFile)' };
  // As `openssl -passin file:` takes it.
  const [passphrase = ''] = secret.split(/\r?\n/, 1);
  const bytes = Buffer.byteLength(passphrase);
  if (bytes === 0 || bytes > MAX_PASSPHRASE_BYTES) {
    return { problem: `needs a passphrase of 1 to ${MAX_PASSPHRASE_BYTES} bytes, in the first line` };
  }
  try {
    return { key: createPrivateKey({ key: pem, format: 'pem', passphrase }) };
  } catch {
    return { problem: 'does not open with the passphrase that is configured' };
  }
}
