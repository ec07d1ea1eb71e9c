// Keys in the transit engine of Vault or OpenBao, as issuers have them. The document says which key it is, at which server, and what
// proves there who we are; that itself is in files, which are read when it is needed.
import { hash } from 'node:crypto';
import { AuthorityError } from '../../../domain/errors.ts';
import { KeyFailure } from '../../../live/key-failure.ts';
import { RemoteKey } from '../../../live/remote-key.ts';
import type { KeyDocument, OpenedKey, SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import { VaultApi, type VaultApiParts, type VaultConnection } from '../api/vault-api.ts';
import { TransitSession, type TransitKeyName } from './transit-session.ts';

export interface TransitKeyReference extends TransitKeyName {
  readonly connection: VaultConnection;
}

type TransitKey = RemoteKey<TransitSession>;

export class TransitOpener implements SignerOpener {
  readonly custody = 'transit';
  readonly #parts: VaultApiParts;
  /** By server and credential: all keys there have one token. As many as the configuration names. */
  readonly #apis = new Map<string, VaultApi>();
  readonly #keys = new Set<TransitKey>();

  constructor(parts: VaultApiParts) {
    this.#parts = parts;
  }

  async open(
    { text, spki: wanted }: KeyDocument,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<OpenedKey | { readonly problem: string }> {
    const { connection, ...name } = readTransitReference(text);
    const api = this.#apiFor(connection);
    let known = wanted;
    const openSession = async (options: { readonly signal: AbortSignal }): Promise<TransitSession> => {
      const session = await TransitSession.open(api, name, known, options);
      // A newer version that comes meanwhile is another key.
      known = session.spki;
      return session;
    };
    try {
      return this.#handle(
        await RemoteKey.open({ clock: this.#parts.clock, place: 'the transit engine', openSession }, { signal }),
      );
    } catch (error) {
      if (!(error instanceof KeyFailure)) throw error;
      if (error.kind === 'away') throw new AuthorityError('CAP-S15', { detail: error.message });
      return { problem: error.message };
    }
  }

  close(): void {
    for (const key of this.#keys) key.close();
    for (const api of this.#apis.values()) api.close();
    this.#keys.clear();
    this.#apis.clear();
  }

  #apiFor(connection: VaultConnection): VaultApi {
    const id = hash('sha256', JSON.stringify(connection), 'hex');
    const api = this.#apis.get(id) ?? new VaultApi(connection, this.#parts);
    this.#apis.set(id, api);
    return api;
  }

  #handle(key: TransitKey): OpenedKey {
    this.#keys.add(key);
    const { spki, warning } = key;
    return {
      spki,
      place: key,
      signerFor: (algorithm) => ({ algorithm, sign: async (tbs, options) => key.sign(algorithm, tbs, options) }),
      release: () => {
        key.close();
        this.#keys.delete(key);
      },
      ...(warning !== undefined && { warning }),
    };
  }
}

/** As a KeyDocument has it. */
export function writeTransitReference(reference: TransitKeyReference): string {
  return JSON.stringify(reference);
}

function readTransitReference(text: string): TransitKeyReference {
  return JSON.parse(text) as TransitKeyReference;
}
