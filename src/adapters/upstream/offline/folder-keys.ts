// The keys in the folder of an issuer: those of the certificates that it keeps, and one that waits for its own.
import { AuthorityError } from '../../../domain/errors.ts';
import type { HeldKey, KeyInventory } from '../../../ports/issuing/key-inventory.ts';
import type { IssuerFolder } from './issuer-folder.ts';

export interface FolderKeysParts {
  readonly folder: IssuerFolder;
  /** @returns DER SubjectPublicKeyInfo; nothing where the key cannot be opened. */
  readonly spkiOf: (pem: string, options: { readonly signal: AbortSignal }) => Promise<Uint8Array | undefined>;
}

export class FolderKeys implements KeyInventory {
  readonly #parts: FolderKeysParts;

  constructor(parts: FolderKeysParts) {
    this.#parts = parts;
  }

  /** @throws AuthorityError CAP-X03 when the folder cannot be read. */
  async keys(options: { readonly signal: AbortSignal }): Promise<readonly HeldKey[]> {
    const { folder } = this.#parts;
    const found = [
      { id: 'tls.key', pem: await folder.current('key'), hasCertificate: true },
      { id: 'prepared tls.key', pem: (await folder.kept('prepared'))?.key, hasCertificate: true },
      { id: 'former tls.key', pem: (await folder.kept('former'))?.key, hasCertificate: true },
      { id: 'next.key', pem: await folder.nextKey(), hasCertificate: false },
    ];
    const keys = found.map(async ({ id, pem, hasCertificate }): Promise<readonly HeldKey[]> => {
      if (pem === undefined) return [];
      const spki = await this.#parts.spkiOf(pem, options);
      return [{ label: folder.place, id, hasCertificate, ...(spki !== undefined && { spki }) }];
    });
    return (await Promise.all(keys)).flat();
  }

  async remove(spki: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void> {
    const { folder, spkiOf } = this.#parts;
    const pem = await folder.nextKey();
    const own = pem === undefined ? undefined : await spkiOf(pem, options);
    if (pem === undefined || own === undefined || Buffer.compare(own, spki) !== 0)
      throw new AuthorityError('CAP-O03', { detail: `${folder.place} has no such key that waits for its certificate` });
    await folder.alone(async () => folder.dropNextKey(pem));
  }
}
