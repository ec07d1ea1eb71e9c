// A key in another place, from its first opening to its last use. When the place is lost, nothing is signed and everybody is told so at
// once; it is opened again as soon as it is back, and must then have the same key.
import { AuthorityError } from '../domain/errors.ts';
import type { SignatureAlgorithm } from '../domain/x509/key-types.ts';
import type { KeyInventory } from '../ports/issuing/key-inventory.ts';
import type { KeyPlace } from '../ports/issuing/signer-opener.ts';
import type { Clock } from '../ports/platform/clock.ts';
import { KeyFailure } from './key-failure.ts';
import { Listeners } from './listeners.ts';

/** Between attempts to open a place that is away. */
const RETRY_MS = { first: 250, most: 5_000 } as const;
/** While nobody signs, so that a place that is lost is noticed. */
const CHECK_EVERY_MS = 5_000;

interface Waits {
  readonly signal: AbortSignal;
}

/** One opening of a key's place. All throw KeyFailure, and the signal's reason. */
export interface KeySession {
  /** DER SubjectPublicKeyInfo; the private key has signed for it. */
  readonly spki: Uint8Array;
  readonly warning?: string | undefined;
  /** Aborts when it ends by itself, with why as a KeyFailure. */
  readonly gone: AbortSignal;
  /** @returns a signature that was verified. */
  sign(algorithm: SignatureAlgorithm, tbs: Uint8Array, options: Waits): Promise<Uint8Array>;
  /** Whether the key is still there. */
  check(options: Waits): Promise<void>;
  /** May be called again. */
  close(): void;
}

export interface RemoteKeyParts<S extends KeySession> {
  readonly clock: Pick<Clock, 'sleep' | 'monotonicMs'>;
  /** What kind of place it is, such as `the token`. */
  readonly place: string;
  readonly openSession: (options: Waits) => Promise<S>;
  /** The keys that lie beside it; absent where that is nobody's business here. */
  readonly inventoryOf?: (key: RemoteKey<S>) => KeyInventory;
}

export class RemoteKey<S extends KeySession = KeySession> implements KeyPlace {
  readonly spki: Uint8Array;
  readonly warning: string | undefined;
  readonly inventory?: KeyInventory;
  readonly #parts: RemoteKeyParts<S>;
  readonly #closed = new AbortController();
  readonly #listeners = new Listeners();
  /** Absent while it is away. */
  #session: S | undefined;
  #problem: string | undefined;
  #answeredMs = 0;

  private constructor(parts: RemoteKeyParts<S>, session: S) {
    this.#parts = parts;
    this.spki = session.spki;
    this.warning = session.warning;
    if (parts.inventoryOf !== undefined) this.inventory = parts.inventoryOf(this);
    this.#use(session);
    void this.#keepChecking();
  }

  /** Opens it once. @throws KeyFailure, the signal's reason. */
  static async open<S extends KeySession>(parts: RemoteKeyParts<S>, options: Waits): Promise<RemoteKey<S>> {
    return new RemoteKey(parts, await parts.openSession(options));
  }

  /** Why nothing can be signed now. */
  get problem(): string | undefined {
    return this.#problem;
  }

  onChange(listener: () => void, options: Waits): void {
    this.#listeners.add(listener, options);
  }

  /** @throws AuthorityError CAP-S15 while the place is away, and with everything that it fails at. */
  async sign(algorithm: SignatureAlgorithm, tbs: Uint8Array, options: Waits): Promise<Uint8Array> {
    const session = this.#atHand();
    try {
      const signature = await session.sign(algorithm, tbs, options);
      this.#answeredMs = this.#parts.clock.monotonicMs();
      return signature;
    } catch (error) {
      if (!(error instanceof KeyFailure)) throw error;
      // A queue that is full is no loss of the place.
      if (error.lost) this.#lose(session, error.message);
      throw away(error.message);
    }
  }

  /**
   * What is asked beside signing takes nothing from those who sign.
   * @throws AuthorityError CAP-O03 where the place does not do it, CAP-S15 as `sign`.
   */
  async ask<T>(work: (session: S) => Promise<T>): Promise<T> {
    const session = this.#atHand();
    try {
      return await work(session);
    } catch (error) {
      if (!(error instanceof KeyFailure)) throw error;
      if (error.kind === 'configuration')
        throw new AuthorityError('CAP-O03', { detail: `${this.#parts.place} ${error.message}` });
      throw away(error.message);
    }
  }

  /** Nothing is signed with it any more. */
  close(): void {
    this.#closed.abort(new KeyFailure('away', 'it is closed'));
    this.#session?.close();
    this.#session = undefined;
    this.#problem = 'it is closed';
  }

  #atHand(): S {
    if (this.#session === undefined) throw away(this.#problem ?? '');
    return this.#session;
  }

  #use(session: S): void {
    this.#session = session;
    this.#problem = undefined;
    this.#answeredMs = this.#parts.clock.monotonicMs();
    const lost = (): void => this.#lose(session, (session.gone.reason as KeyFailure).message);
    if (session.gone.aborted) lost();
    else session.gone.addEventListener('abort', lost, { once: true });
  }

  #lose(session: S, problem: string): void {
    if (this.#session !== session || this.#closed.signal.aborted) return;
    this.#session = undefined;
    this.#problem = problem;
    session.close();
    this.#listeners.notify();
    void this.#untilBack();
  }

  async #untilBack(): Promise<void> {
    const { signal } = this.#closed;
    let pauseMs: number = RETRY_MS.first;
    for (let again = true; again && this.#session === undefined;) {
      await this.#parts.clock.sleep(pauseMs, { signal }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, RETRY_MS.most);
      again = !signal.aborted && (await this.#openAgain());
    }
  }

  /** @returns whether to try again, where it is still away. */
  async #openAgain(): Promise<boolean> {
    try {
      const session = await this.#reopened();
      if (this.#closed.signal.aborted) session.close();
      else this.#use(session);
      this.#listeners.notify();
      return true;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : 'unexpected failure';
      // What opens it was refused: the next try is for another one, and that is another key to us.
      const refused = error instanceof KeyFailure && error.kind === 'refused';
      if (refused) this.#listeners.notify();
      return !refused;
    }
  }

  async #reopened(): Promise<S> {
    const session = await this.#parts.openSession({ signal: this.#closed.signal });
    if (Buffer.from(session.spki).equals(this.spki)) return session;
    session.close();
    throw new KeyFailure('away', 'the key is another than before');
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
    const session = this.#session;
    if (session === undefined || this.#parts.clock.monotonicMs() - this.#answeredMs < CHECK_EVERY_MS / 2) return;
    try {
      await session.check({ signal: this.#closed.signal });
    } catch (error) {
      if (error instanceof KeyFailure && error.lost) this.#lose(session, error.message);
    }
  }
}

/** The words are for the log: a caller learns that the key does not answer. */
function away(problem: string): AuthorityError {
  return new AuthorityError('CAP-S15', { cause: new Error(problem) });
}
