// Keys in PKCS#11 tokens, which sign there and never leave them. The document says which key it is; the secret is the PIN.
import { hash } from 'node:crypto';
import { AuthorityError } from '../../../domain/errors.ts';
import type { KeyDocument, OpenedKey, SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import type { PinTurns } from '../../../ports/issuing/pin-turns.ts';
import { KeyFailure } from '../../../live/key-failure.ts';
import type { TokenKeyReference } from './messages.ts';
import { openTokenKey, type TokenKey, type TokenKeyParts } from './token-key.ts';

/** PINs that a token did not take; the one that was refused longest ago is forgotten first. */
const MAX_REFUSED = 100;

type OpenerParts = Omit<TokenKeyParts, 'inTurn'>;

interface Shared {
  readonly key: Promise<TokenKey>;
  users: number;
}

export class Pkcs11Opener implements SignerOpener {
  readonly custody = 'pkcs11';
  readonly #parts: OpenerParts;
  readonly #turns: PinTurns | undefined;
  /** By what names the key, PIN and public key of the certificate: one that is renewed for the same key opens no second session. */
  readonly #shared = new Map<string, Shared>();
  /** What a token said of a PIN, by key and PIN: it is not asked about the same one again. */
  readonly #refused = new Map<string, string>();

  /** @param turns absent where no other process of the server has the same PIN. */
  constructor(parts: OpenerParts, turns?: PinTurns) {
    this.#parts = parts;
    this.#turns = turns;
  }

  async open(
    document: KeyDocument,
    options: { readonly signal: AbortSignal },
  ): Promise<OpenedKey | { readonly problem: string }> {
    const { text, secret, spki } = document;
    if (secret === undefined) return { problem: 'has no PIN configured (pinFile or pinEnv)' };
    // Whichever key is meant, it is the PIN of the token.
    const login = hash('sha256', JSON.stringify([text, secret]), 'hex');
    const refused = this.#refused.get(login);
    if (refused !== undefined) return { problem: refused };
    const id = `${login} ${spki === undefined ? '' : hash('sha256', spki, 'hex')}`;
    const shared = this.#shared.get(id) ?? this.#share({ id, login }, document, options);
    shared.users += 1;
    try {
      return this.#handle(id, shared, await shared.key);
    } catch (error) {
      this.#leave(id, shared);
      return this.#problemOf(login, error);
    }
  }

  /** Ends every session. */
  close(): void {
    for (const { key } of this.#shared.values())
      key.then(
        (one) => one.close(),
        () => undefined,
      );
    this.#shared.clear();
  }

  #share(
    { id, login }: { readonly id: string; readonly login: string },
    document: KeyDocument,
    options: { readonly signal: AbortSignal },
  ): Shared {
    const shared = { key: this.#logIn(login, document, options), users: 0 };
    this.#shared.set(id, shared);
    return shared;
  }

  async #logIn(
    login: string,
    { text, secret = '', spki: certified }: KeyDocument,
    options: { readonly signal: AbortSignal },
  ): Promise<TokenKey> {
    // As `openssl -passin file:` takes a passphrase: the first line.
    const [pin = ''] = secret.split(/\r?\n/, 1);
    const inTurn: TokenKeyParts['inTurn'] = async (logIn, signal) => this.#inTurn(login, logIn, signal);
    const opening = { reference: readReference(text), pin, ...(certified !== undefined && { certified }) };
    return openTokenKey({ ...this.#parts, inTurn }, opening, options);
  }

  /** Also when a token is back: its PIN may be another by now, for all processes of the server. */
  async #inTurn<T>(login: string, logIn: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const why = await this.#turns?.begin(login, { signal });
    if (why !== undefined) throw new KeyFailure('refused', why);
    let refused: string | undefined;
    try {
      return await logIn();
    } catch (error) {
      if (error instanceof KeyFailure && error.kind === 'refused') refused = error.message;
      throw error;
    } finally {
      this.#turns?.end(login, refused);
    }
  }

  #handle(id: string, shared: Shared, key: TokenKey): OpenedKey {
    const { spki, warning } = key;
    let released = false;
    return {
      spki,
      place: key,
      signerFor: (algorithm) => ({ algorithm, sign: async (tbs, options) => key.sign(algorithm, tbs, options) }),
      release: () => {
        if (!released) this.#leave(id, shared);
        released = true;
      },
      ...(warning !== undefined && { warning }),
    };
  }

  #leave(id: string, shared: Shared): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    if (this.#shared.get(id) === shared) this.#shared.delete(id);
    shared.key.then(
      (key) => key.close(),
      () => undefined,
    );
  }

  #problemOf(login: string, error: unknown): { readonly problem: string } {
    if (!(error instanceof KeyFailure)) throw error;
    if (error.kind === 'away') throw new AuthorityError('CAP-S15', { detail: error.message });
    if (error.kind === 'refused') {
      this.#refused.set(login, error.message);
      for (const oldest of this.#refused.keys()) if (this.#refused.size > MAX_REFUSED) this.#refused.delete(oldest);
    }
    return { problem: error.message };
  }
}

/** As a KeyDocument has it. */
export function writeReference(reference: TokenKeyReference): string {
  return JSON.stringify(reference);
}

function readReference(text: string): TokenKeyReference {
  return JSON.parse(text) as TokenKeyReference;
}
