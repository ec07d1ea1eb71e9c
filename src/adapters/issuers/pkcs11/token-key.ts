// A key in a token: each session with it is a process of its own, which is never used again once the token was lost.
import type { SignatureAlgorithm } from '../../../domain/x509/key-types.ts';
import { RemoteKey, type KeySession } from '../../../live/remote-key.ts';
import type { HeldKey, KeyInventory } from '../../../ports/issuing/key-inventory.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { OpenedToken, TokenRequest } from './messages.ts';
import { OPEN_WITHIN_MS, SIGN_WITHIN_MS, type TokenProcess } from './token-process.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface TokenKeyParts {
  readonly clock: Pick<Clock, 'after' | 'sleep' | 'monotonicMs'>;
  readonly fork: () => TokenProcess;
  /** Logs in once nobody else of the server tries the same PIN, unless it is known to be wrong. */
  readonly inTurn: <T>(logIn: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

export type TokenKey = RemoteKey<TokenKeySession>;

/** Logs in, once. @throws KeyFailure, the signal's reason. */
export async function openTokenKey(
  parts: TokenKeyParts,
  opening: Omit<Extract<TokenRequest, { do: 'open' }>, 'do'>,
  options: Waits,
): Promise<TokenKey> {
  const logIn = async (signal: AbortSignal): Promise<TokenKeySession> => {
    const process = parts.fork();
    try {
      const asked = process.ask({ do: 'open', ...opening }, { withinMs: OPEN_WITHIN_MS, signal });
      return new TokenKeySession(process, (await asked) as OpenedToken);
    } catch (error) {
      process.kill();
      throw error;
    }
  };
  const openSession = async ({ signal }: Waits) => parts.inTurn(async () => logIn(signal), signal);
  return RemoteKey.open({ clock: parts.clock, place: 'the token', openSession, inventoryOf }, options);
}

function inventoryOf(key: TokenKey): KeyInventory {
  return {
    keys: async ({ signal }) =>
      (await key.ask(async (session) => session.ask({ do: 'list' }, { signal }))) as readonly HeldKey[],
    remove: async (spki, { signal }) => {
      await key.ask(async (session) => session.ask({ do: 'remove', spki }, { signal }));
    },
  };
}

class TokenKeySession implements KeySession {
  readonly spki: Uint8Array;
  readonly warning: string | undefined;
  readonly #process: TokenProcess;

  constructor(process: TokenProcess, { spki, warning }: OpenedToken) {
    this.#process = process;
    this.spki = spki;
    this.warning = warning;
  }

  get gone(): AbortSignal {
    return this.#process.gone;
  }

  async sign(algorithm: SignatureAlgorithm, tbs: Uint8Array, { signal }: Waits): Promise<Uint8Array> {
    const asked = this.#process.ask({ do: 'sign', algorithm, tbs }, { withinMs: SIGN_WITHIN_MS, signal });
    return (await asked) as Uint8Array;
  }

  async check({ signal }: Waits): Promise<void> {
    await this.#process.ask({ do: 'check' }, { withinMs: SIGN_WITHIN_MS, signal });
  }

  /** Something else of the token. */
  async ask(request: TokenRequest, { signal }: Waits): Promise<unknown> {
    return this.#process.ask(request, { withinMs: OPEN_WITHIN_MS, signal });
  }

  close(): void {
    this.#process.kill();
  }
}
