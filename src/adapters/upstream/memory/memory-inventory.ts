// The keys of an issuer that end with the server: those of its certificates, and one that waits for its own.
import { AuthorityError } from '../../../domain/errors.ts';
import type { HeldKey, KeyInventory } from '../../../ports/issuing/key-inventory.ts';
import type { SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import { keyIdOf } from '../issuer-pair.ts';
import type { PairsPlace } from './held-pairs.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface MemoryInventoryParts {
  readonly pairs: PairsPlace;
  readonly opener: Pick<SignerOpener, 'open'>;
}

export class MemoryInventory implements KeyInventory {
  readonly #parts: MemoryInventoryParts;
  readonly #issuer: string;

  /** @param issuer as policies call it. */
  constructor(parts: MemoryInventoryParts, issuer: string) {
    this.#parts = parts;
    this.#issuer = issuer;
  }

  async keys(options: Waits): Promise<readonly HeldKey[]> {
    const { current, prepared, former, waiting } = await this.#parts.pairs.read(this.#issuer, options);
    const found = [
      { id: 'current', keyId: current?.keyId },
      { id: 'prepared', keyId: prepared?.keyId },
      { id: 'former', keyId: former?.keyId },
      { id: 'waiting', keyId: waiting },
    ];
    const keys = found.map(async ({ id, keyId }): Promise<readonly HeldKey[]> => {
      const key = keyId === undefined ? undefined : await this.#parts.opener.open({ text: keyId }, options);
      if (key === undefined || 'problem' in key) return [];
      return [{ label: 'memory', id, hasCertificate: id !== 'waiting', spki: key.spki }];
    });
    return (await Promise.all(keys)).flat();
  }

  async remove(spki: Uint8Array, options: Waits): Promise<void> {
    const { pairs } = this.#parts;
    const { waiting, ...rest } = await pairs.read(this.#issuer, options);
    const gone = waiting === keyIdOf(spki) && (await pairs.replace(this.#issuer, rest, options));
    if (gone) return;
    const detail = `issuer ${this.#issuer} has no such key that waits for its certificate`;
    throw new AuthorityError('CAP-O03', { detail });
  }
}
