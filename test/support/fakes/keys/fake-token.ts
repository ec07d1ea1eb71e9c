// A token of a test: every process that is forked for it is one more entry in `forked`, and answers as the token is then.
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { TokenRequest } from '../../../../src/adapters/issuers/pkcs11/messages.ts';
import { KeyFailure } from '../../../../src/live/key-failure.ts';
import type { HeldKey } from '../../../../src/ports/issuing/key-inventory.ts';
import type { TokenProcess } from '../../../../src/adapters/issuers/pkcs11/token-process.ts';

export class FakeToken {
  /** What each new session fails with. */
  refusal: KeyFailure | undefined;
  keys: readonly HeldKey[] = [];
  privateKey: KeyObject = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  /** PINs that it was opened with, one for each login. */
  readonly pins: string[] = [];
  /** Processes that were killed. */
  killed = 0;
  readonly #live = new Set<AbortController>();

  /** Ends every session, as when it is pulled; later ones fail until it is put back. */
  pull(words = 'CKR_DEVICE_REMOVED at C_Sign'): void {
    this.refusal = new KeyFailure('away', words);
  }

  putBack(): void {
    this.refusal = undefined;
  }

  /** Its process ends, as by a crash. */
  crash(): void {
    for (const gone of this.#live) gone.abort(new KeyFailure('away', 'its process ended (SIGSEGV)'));
    this.#live.clear();
  }

  readonly fork = (): TokenProcess => {
    const gone = new AbortController();
    this.#live.add(gone);
    const fake: Pick<TokenProcess, 'gone' | 'ask' | 'kill'> = {
      gone: gone.signal,
      ask: async (request) => {
        await Promise.resolve();
        return this.#answer(request);
      },
      kill: () => {
        if (this.#live.delete(gone)) this.killed += 1;
      },
    };
    return fake as TokenProcess;
  };

  get sessions(): number {
    return this.#live.size;
  }

  #answer(request: TokenRequest): unknown {
    if (request.do === 'open') this.pins.push(request.pin);
    if (this.refusal !== undefined) throw this.refusal;
    if (request.do === 'sign') return sign('sha256', request.tbs, this.privateKey);
    if (request.do === 'list') return this.keys;
    return { spki: createPublicKey(this.privateKey).export({ format: 'der', type: 'spki' }) };
  }
}
