// Keys that lie elsewhere: a document names one of them and holds none.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { memorySigner } from '../../../../src/adapters/issuers/memory/memory-signer.ts';
import type { KeyDocument, OpenedKey, SignerOpener } from '../../../../src/ports/issuing/signer-opener.ts';

export class FakeSignerOpener implements SignerOpener {
  readonly custody = 'file';
  /** The names of the keys that signed, in order. */
  readonly signed: string[] = [];
  readonly #keys: ReadonlyMap<string, KeyObject>;

  /** @param keys PEM by name. */
  constructor(keys: Readonly<Record<string, string>>) {
    this.#keys = new Map(Object.entries(keys).map(([name, pem]) => [name, createPrivateKey(pem)]));
  }

  async open(
    { text: name }: KeyDocument,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<OpenedKey | { readonly problem: string }> {
    signal.throwIfAborted();
    const key = this.#keys.get(name);
    if (key === undefined) return { problem: 'names no key that is here' };
    return {
      spki: createPublicKey(key).export({ format: 'der', type: 'spki' }),
      signerFor: (algorithm) => {
        const signer = memorySigner(key, algorithm);
        return {
          algorithm: signer.algorithm,
          sign: async (tbs, options) => {
            this.signed.push(name);
            return signer.sign(tbs, options);
          },
        };
      },
    };
  }
}
