// Private keys of issuers that are made in this process and end with it. Nothing here writes one anywhere, nor gives one away: what
// leaves is the name of a key, its public half and signatures.
import { generateKeyPair, hash, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Custody, KeyDocument, OpenedKey, SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import { memorySigner } from './memory-signer.ts';

const generate = promisify(generateKeyPair);
/** What every implementation of the mesh takes, as a ceremony asks for where nobody says otherwise. */
const CURVE = 'prime256v1';
/** A few for each of the issuers that a configuration may have; one more is a mistake of ours. */
const MAX_KEYS = 100;

interface Held {
  readonly privateKey: KeyObject;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

export class MemoryKeys implements SignerOpener {
  readonly custody: Custody = 'memory';
  readonly #held = new Map<string, Held>();

  /** @returns the name of a new key, which is the document that opens it: hex SHA-256 of its DER SubjectPublicKeyInfo. */
  async make(): Promise<string> {
    const { publicKey, privateKey } = await generate('ec', { namedCurve: CURVE });
    if (this.#held.size >= MAX_KEYS) throw new Error(`more than ${MAX_KEYS} keys of issuers`);
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const name = hash('sha256', spki, 'hex');
    this.#held.set(name, { privateKey, spki });
    return name;
  }

  /** Nobody will sign with it any more, nor does who has it open. */
  forget(name: string): void {
    this.#held.delete(name);
  }

  async open({ text }: KeyDocument): Promise<OpenedKey | { readonly problem: string }> {
    const held = this.#held.get(text);
    if (held === undefined) return Promise.resolve({ problem: 'is not in the memory of this server any more' });
    // Found again for each signature, so that what is forgotten is nowhere.
    const signerFor: OpenedKey['signerFor'] = (algorithm) => ({
      algorithm,
      sign: (tbs, options) => memorySigner(this.#keyOf(text), algorithm).sign(tbs, options),
    });
    return Promise.resolve({ spki: held.spki, signerFor });
  }

  #keyOf(name: string): KeyObject {
    const held = this.#held.get(name);
    if (held !== undefined) return held.privateKey;
    throw new AuthorityError('CAP-S15', { detail: 'the key was let go of: the certificate for it signs no more' });
  }
}
