// A key in a token, from its first login to its last use. When the token is lost, nothing is signed and everybody is told so at once;
// it is opened again, by a new process, as soon as it is back, and must then have the same key.
import { AuthorityError } from '../../../domain/errors.ts';
import type { SignatureAlgorithm } from '../../../domain/x509/key-types.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { HeldKey, KeyInventory } from '../../../ports/issuing/key-inventory.ts';
import type { KeyPlace } from '../../../ports/issuing/signer-opener.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { TokenFailure, type OpenedToken, type TokenKeyReference, type TokenRequest } from './messages.ts';
import { OPEN_WITHIN_MS, SIGN_WITHIN_MS, type TokenProcess } from './token-process.ts';

/** Between attempts to open a token that is away. */
const RETRY_MS = { first: 250, most: 5_000 } as const;
/** While nobody signs, so that a token that was pulled is noticed. */
const CHECK_EVERY_MS = 5_000;

export interface TokenKeyParts {
  readonly clock: Pick<Clock, 'after' | 'sleep' | 'monotonicMs'>;
  readonly fork: () => TokenProcess;
  /** Logs in once nobody else of the server tries the same PIN, unless it is known to be wrong. */
  readonly inTurn: <T>(logIn: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

export class TokenKey implements KeyPlace, KeyInventory {
  readonly opened: OpenedToken;
  readonly #parts: TokenKeyParts;
  readonly #reopen: () => Promise<TokenProcess>;
  readonly #closed = new AbortController();
  readonly #listeners = new Listeners();
  /** Absent while it is away. */
  #process: TokenProcess | undefined;
  #problem: string | undefined;
  #answeredMs = 0;

  private constructor(
    parts: TokenKeyParts,
    opened: OpenedToken,
    process: TokenProcess,
    reopen: () => Promise<TokenProcess>,
  ) {
    this.#parts = parts;
    this.opened = opened;
    this.#reopen = reopen;
    this.#use(process);
    void this.#keepChecking();
  }

  /** Logs in, once. @throws TokenFailure, the signal's reason. */
  static async open(
    parts: TokenKeyParts,
    reference: TokenKeyReference,
    pin: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<TokenKey> {
    const logInNow = async (until: AbortSignal): Promise<readonly [TokenProcess, OpenedToken]> => {
      const process = parts.fork();
      try {
        const options = { withinMs: OPEN_WITHIN_MS, signal: until };
        return [process, (await process.ask({ do: 'open', reference, pin }, options)) as OpenedToken];
      } catch (error) {
        process.kill();
        throw error;
      }
    };
    const logIn = async (until: AbortSignal) => parts.inTurn(async () => logInNow(until), until);
    const [process, opened] = await logIn(signal);
    const key: TokenKey = new TokenKey(parts, opened, process, async () => {
      const [again, now] = await logIn(key.#closed.signal);
      if (Buffer.from(now.spki).equals(opened.spki)) return again;
      again.kill();
      throw new TokenFailure('away', 'the key in the token is another than before');
    });
    return key;
  }

  /** Why nothing can be signed now. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get inventory(): KeyInventory {
    return this;
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** @throws AuthorityError CAP-S15 while the token is away, and with everything that it fails at. */
  async sign(
    algorithm: SignatureAlgorithm,
    tbs: Uint8Array,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    const process = this.#process;
    if (process === undefined) throw away(this.#problem ?? '');
    try {
      const signature = await process.ask({ do: 'sign', algorithm, tbs }, { withinMs: SIGN_WITHIN_MS, signal });
      this.#answeredMs = this.#parts.clock.monotonicMs();
      return signature as Uint8Array;
    } catch (error) {
      if (!(error instanceof TokenFailure)) throw error;
      // A queue that is full is no loss of the token.
      if (error.lost) this.#lose(process, error.message);
      throw away(error.message);
    }
  }

  async keys(options: { readonly signal: AbortSignal }): Promise<readonly HeldKey[]> {
    return (await this.#ask({ do: 'list' }, options)) as readonly HeldKey[];
  }

  async remove(spki: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void> {
    await this.#ask({ do: 'remove', spki }, options);
  }

  /** What is asked beside signing takes nothing from those who sign. */
  async #ask(request: TokenRequest, { signal }: { readonly signal: AbortSignal }): Promise<unknown> {
    const process = this.#process;
    if (process === undefined) throw away(this.#problem ?? '');
    try {
      return await process.ask(request, { withinMs: OPEN_WITHIN_MS, signal });
    } catch (error) {
      if (!(error instanceof TokenFailure)) throw error;
      if (error.kind === 'configuration') throw new AuthorityError('CAP-O03', { detail: `the token ${error.message}` });
      throw away(error.message);
    }
  }

  /** Nothing is signed with it any more. */
  close(): void {
    this.#closed.abort(new TokenFailure('away', 'it is closed'));
    this.#process?.kill();
    this.#process = undefined;
    this.#problem = 'it is closed';
  }

  #use(process: TokenProcess): void {
    this.#process = process;
    this.#problem = undefined;
    this.#answeredMs = this.#parts.clock.monotonicMs();
    const lost = (): void => this.#lose(process, (process.gone.reason as TokenFailure).message);
    if (process.gone.aborted) lost();
    else process.gone.addEventListener('abort', lost, { once: true });
  }

  #lose(process: TokenProcess, problem: string): void {
    if (this.#process !== process || this.#closed.signal.aborted) return;
    this.#process = undefined;
    this.#problem = problem;
    process.kill();
    this.#listeners.notify();
    void this.#untilBack();
  }

  async #untilBack(): Promise<void> {
    const { signal } = this.#closed;
    let pauseMs: number = RETRY_MS.first;
    for (let again = true; again && this.#process === undefined;) {
      await this.#parts.clock.sleep(pauseMs, { signal }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, RETRY_MS.most);
      again = !signal.aborted && (await this.#openAgain());
    }
  }

  /** @returns whether to try again, where it is still away. */
  async #openAgain(): Promise<boolean> {
    try {
      const process = await this.#reopen();
      if (this.#closed.signal.aborted) process.kill();
      else this.#use(process);
      this.#listeners.notify();
      return true;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : 'unexpected failure';
      // A token locks itself after some wrong PINs: the next try is for another PIN, and that is another key to us.
      const refused = error instanceof TokenFailure && error.kind === 'pin';
      if (refused) this.#listeners.notify();
      return !refused;
    }
  }

  async #keepChecking(): Promise<void> {
    const { signal } = this.#closed;
    for (let more = true; more;) {
      await this.#parts.clock.sleep(CHECK_EVERY_MS, { signal }).catch(() => undefined);
      more = !signal.aborted;
      if (more) await this.#check();
    }
  }

  /** Unless it signed a moment ago, or is away anyway. */
  async #check(): Promise<void> {
    const process = this.#process;
    if (process === undefined || this.#parts.clock.monotonicMs() - this.#answeredMs < CHECK_EVERY_MS / 2) return;
    try {
      await process.ask({ do: 'check' }, { withinMs: SIGN_WITHIN_MS, signal: this.#closed.signal });
    } catch (error) {
      if (error instanceof TokenFailure && error.lost) this.#lose(process, error.message);
    }
  }
}

/** The words are for the log: a caller learns that the key does not answer. */
function away(problem: string): AuthorityError {
  return new AuthorityError('CAP-S15', { cause: new Error(problem) });
}
