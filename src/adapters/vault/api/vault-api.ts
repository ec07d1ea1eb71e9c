// The Vault API as ourselves: each call with a token that is taken, or with a new one where that was refused meanwhile.
import type { Clock } from '../../../ports/platform/clock.ts';
import { VaultError } from './vault-error.ts';
import { VaultHttp, type Json, type ReadFile, type VaultRequest, type VaultServer } from './vault-http.ts';
import { VaultLogin, type VaultCredential } from './vault-login.ts';

/** At a token that nobody asks with. */
const LOOK_EVERY_MS = 60_000;

export interface VaultConnection extends VaultServer {
  readonly credential: VaultCredential;
}

export interface VaultApiParts {
  readonly clock: Pick<Clock, 'after' | 'monotonicMs' | 'sleep'>;
  readonly readFile: ReadFile;
}

export class VaultApi {
  readonly address: string;
  readonly #clock: VaultApiParts['clock'];
  readonly #http: VaultHttp;
  readonly #login: VaultLogin;

  constructor({ credential, ...server }: VaultConnection, parts: VaultApiParts) {
    this.address = server.address;
    this.#clock = parts.clock;
    this.#http = new VaultHttp(server, parts);
    this.#login = new VaultLogin(credential, { ...parts, http: this.#http });
  }

  /** @returns the object that was answered. @throws VaultError, the signal's reason. */
  async call(asked: VaultRequest, options: { readonly signal: AbortSignal }): Promise<Json> {
    const token = await this.#login.current(options);
    const { signal } = options;
    try {
      return await this.#http.send(asked, { token, signal });
    } catch (error) {
      if (!(error instanceof VaultError) || error.kind !== 'denied') throw error;
      const next = await this.#login.insteadOf(token, options);
      if (next === undefined) throw error;
      return await this.#http.send(asked, { token: next, signal });
    }
  }

  /**
   * Keeps the token alive also while nothing is asked, until the signal aborts: one in a file that is not renewed ends. What goes
   * wrong is for who asks.
   */
  async keepToken({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      await this.#login.current({ signal }).catch(() => undefined);
      await this.#clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  /** Connections end, and the token is not renewed any more. */
  close(): void {
    this.#login.close();
    this.#http.close();
  }
}
