// Private keys in PEM files, held in this process's memory while they sign.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import { memorySigner } from './memory-signer.ts';

/** The document is the key itself: PKCS#8, SEC1 or PKCS#1, unencrypted. */
export const pemSignerOpener: SignerOpener = {
  custody: 'file',
  open: (document) => {
    const key = readKey(document);
    if ('problem' in key) return Promise.resolve(key);
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return Promise.resolve({ spki, signerFor: (algorithm) => memorySigner(key, algorithm) });
  },
};

/** The cause is dropped on purpose: OpenSSL's message may quote what it read. */
function readKey(pem: string): KeyObject | { readonly problem: string } {
  if (/^\s*-----BEGIN ENCRYPTED |^\s*Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return { problem: 'is encrypted; Capstan takes an unencrypted key in a file that only its owner may read' };
  }
  try {
    // Indented, as cut out of a YAML file, or behind a byte order mark, it is the same key; chains are read so too.
    return createPrivateKey(pem.replace(/^[\uFEFF \t]+/gm, ''));
  } catch {
    return { problem: 'is not a PEM private key (PKCS#8, SEC1 or PKCS#1)' };
  }
}
