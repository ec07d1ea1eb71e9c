// The token that we ask with: from a file that others keep, or for what proves who we are. It is renewed before it ends, and where
// that is not possible any more another one takes its place.
import { hash } from 'node:crypto';
import { AuthorityError } from '../../../domain/errors.ts';
import { orAborted } from '../../../live/abortable.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { VaultError } from './vault-error.ts';
import type { Json, ReadFile, VaultHttp } from './vault-http.ts';

/** How a server learns who we are. Files are read at each login. */
export type VaultCredential =
  | { readonly method: 'token'; readonly tokenFile: string }
  | { readonly method: 'appRole'; readonly mount: string; readonly roleId: string; readonly secretIdFile: string }
  | { readonly method: 'kubernetes'; readonly mount: string; readonly role: string; readonly tokenFile: string };

/** A role whose secret was wrong some times is locked for all (user lockout, five times in 15 minutes by default). */
const REFUSED_AGAIN_MS = 300_000;
/** Of a renewal that failed. */
const RENEW_AGAIN_MS = 5_000;
/** Between renewals: a token that lives for a year is renewed all the same, and one that is at its end not again and again. */
const PAUSE_MS = { least: 1_000, most: 12 * 3_600_000 } as const;
/** Of what a header carries. */
const TOKEN = /^[\x21-\x7e]{1,8192}$/;

interface Waits {
  readonly signal: AbortSignal;
}

interface Held {
  readonly token: string;
  readonly renewable: boolean;
  /** Of a whole life as it was first given, in ms; Infinity where it does not end. */
  readonly lifeMs: number;
  /** By the monotonic clock. */
  readonly endsMs: number;
}

interface Given {
  readonly token: string;
  readonly renewable: boolean;
  readonly lifeMs: number;
}

export interface VaultLoginParts {
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>;
  readonly http: Pick<VaultHttp, 'send'>;
  readonly readFile: ReadFile;
}

export class VaultLogin {
  readonly #credential: VaultCredential;
  readonly #parts: VaultLoginParts;
  readonly #closed = new AbortController();
  #held: Held | undefined;
  /** One for all who wait. */
  #loggingIn: Promise<Held> | undefined;
  /** What was refused, by its digest, and until when it is not tried again. */
  #refused: { readonly digest: string; readonly untilMs: number; readonly error: VaultError } | undefined;
  #cancelRenewal: () => void = () => undefined;

  constructor(credential: VaultCredential, parts: VaultLoginParts) {
    this.#credential = credential;
    this.#parts = parts;
  }

  /** @returns the token in use, or a new one where there is none. @throws VaultError, the signal's reason. */
  async current({ signal }: Waits): Promise<string> {
    const held = this.#held;
    if (held !== undefined && held.endsMs > this.#parts.clock.monotonicMs()) return held.token;
    return (await orAborted(this.#logIn(), signal)).token;
  }

  /**
   * After a call was denied: whether that was for its token, which may have ended or been revoked.
   * @returns another token; nothing where that one is as good as ever.
   * @throws VaultError where there is no other, the signal's reason.
   */
  async insteadOf(token: string, options: Waits): Promise<string | undefined> {
    if (this.#held?.token === token) {
      if (await this.#isAlive(token, options)) return undefined;
      if (this.#held.token === token) this.#drop();
    }
    const next = await this.current(options);
    return next === token ? undefined : next;
  }

  /** No token is renewed any more; the last one ends by itself. */
  close(): void {
    this.#closed.abort(new VaultError('away', 'is not asked any more'));
    this.#drop();
  }

  #drop(): void {
    this.#cancelRenewal();
    this.#held = undefined;
  }

  async #isAlive(token: string, { signal }: Waits): Promise<boolean> {
    try {
      await this.#parts.http.send({ method: 'GET', path: 'auth/token/lookup-self' }, { token, signal });
      return true;
    } catch (error) {
      if (error instanceof VaultError && error.kind === 'denied') return false;
      throw error;
    }
  }

  async #logIn(): Promise<Held> {
    this.#loggingIn ??= this.#tried().finally(() => (this.#loggingIn = undefined));
    return this.#loggingIn;
  }

  async #tried(): Promise<Held> {
    const secret = await this.#secret();
    const fromMs = this.#parts.clock.monotonicMs();
    const digest = hash('sha256', secret, 'hex');
    const refused = this.#refused;
    if (refused?.digest === digest && refused.untilMs > fromMs) throw refused.error;
    try {
      const held = this.#keep(await this.#given(secret), fromMs);
      this.#refused = undefined;
      return held;
    } catch (error) {
      throw error instanceof VaultError ? this.#explained(error, digest) : error;
    }
  }

  /** The words of a refused login are ours: the server's may have what it was handed. */
  #explained(error: VaultError, digest: string): VaultError {
    if (error.kind !== 'denied' && error.kind !== 'refused') return error;
    const explained = new VaultError('denied', `does not let us in: ${this.#wordsOfRefusal()}`, { cause: error });
    if (this.#credential.method === 'appRole') {
      const untilMs = this.#parts.clock.monotonicMs() + REFUSED_AGAIN_MS;
      this.#refused = { digest, untilMs, error: explained };
    }
    return explained;
  }

  #wordsOfRefusal(): string {
    const credential = this.#credential;
    switch (credential.method) {
      case 'token':
        return `the token in ${credential.tokenFile} has ended, or may not look itself up (policy default)`;
      case 'appRole':
        return `the role, or the secret in ${credential.secretIdFile}, which is tried again when it is another, and after five minutes`;
      case 'kubernetes':
        return `the role ${credential.role} at auth/${credential.mount}, or the service account's token in ${credential.tokenFile}`;
    }
  }

  /** What proves who we are, from its file. */
  async #secret(): Promise<string> {
    const credential = this.#credential;
    const path = credential.method === 'appRole' ? credential.secretIdFile : credential.tokenFile;
    // A kubelet writes the token of a pod for everybody in it.
    const confidential = credential.method !== 'kubernetes';
    try {
      const [first = ''] = (await this.#parts.readFile({ path, confidential })).split(/\r?\n/, 1);
      const secret = first.trim();
      if (TOKEN.test(secret)) return secret;
    } catch (error) {
      if (!(error instanceof AuthorityError)) throw error;
      throw new VaultError('configuration', `is not asked: ${error.detail ?? error.message}`, { cause: error });
    }
    throw new VaultError('configuration', `is not asked: ${path} has no token or secret in its first line`);
  }

  async #given(secret: string): Promise<Given> {
    const credential = this.#credential;
    const { signal } = this.#closed;
    if (credential.method === 'token') return this.#lookedUp(secret, signal);
    const { mount } = credential;
    const body: Json =
      credential.method === 'appRole'
        ? { role_id: credential.roleId, secret_id: secret }
        : { role: credential.role, jwt: secret };
    return grantOf(await this.#parts.http.send({ method: 'POST', path: `auth/${mount}/login`, body }, { signal }));
  }

  async #lookedUp(token: string, signal: AbortSignal): Promise<Given> {
    const asked = { method: 'GET', path: 'auth/token/lookup-self' } as const;
    const { data } = await this.#parts.http.send(asked, { token, signal });
    const { ttl, renewable } = (data ?? {}) as { readonly ttl?: unknown; readonly renewable?: unknown };
    return { token, renewable: renewable === true, lifeMs: lifeMsOf(ttl) };
  }

  #keep({ token, renewable, lifeMs }: Given, fromMs: number, firstLifeMs = lifeMs): Held {
    this.#cancelRenewal();
    const held = { token, renewable, lifeMs: firstLifeMs, endsMs: fromMs + lifeMs };
    this.#held = held;
    if (lifeMs !== Infinity) this.#renewIn(Math.max(PAUSE_MS.least, Math.min(lifeMs / 2, PAUSE_MS.most)), held);
    return held;
  }

  #renewIn(ms: number, held: Held): void {
    if (this.#closed.signal.aborted) return;
    this.#cancelRenewal = this.#parts.clock.after(ms, () => void this.#renew(held));
  }

  /** Whatever goes wrong is tried again until the token ends; then whoever asks learns of it. */
  async #renew(held: Held): Promise<void> {
    try {
      if (await this.#isLonger(held)) return;
      await this.#logIn();
    } catch {
      const leftMs = held.endsMs - this.#parts.clock.monotonicMs();
      if (this.#held === held && leftMs > 0) this.#renewIn(Math.min(leftMs, RENEW_AGAIN_MS), held);
    }
  }

  /** @returns false where it is near the end that its server sets, or is not renewed at all. */
  async #isLonger(held: Held): Promise<boolean> {
    if (!held.renewable) return false;
    const fromMs = this.#parts.clock.monotonicMs();
    const { signal } = this.#closed;
    const asked = { method: 'POST', path: 'auth/token/renew-self', body: {} } as const;
    try {
      const renewed = grantOf(await this.#parts.http.send(asked, { token: held.token, signal }));
      // Infinity is what a renewal says of a token that has less than a second left.
      if (renewed.lifeMs === Infinity || this.#held !== held) return false;
      this.#keep(renewed, fromMs, held.lifeMs);
      return renewed.lifeMs >= held.lifeMs / 2;
    } catch (error) {
      if (error instanceof VaultError && error.kind === 'away') throw error;
      return false;
    }
  }
}

/** @throws VaultError when a login was answered with something else than a token. */
function grantOf({ auth }: Json): Given {
  const { client_token: token, renewable, lease_duration: seconds } = (auth ?? {}) as Json;
  if (typeof token !== 'string' || !TOKEN.test(token)) throw new VaultError('away', 'answered a login with no token');
  return { token, renewable: renewable === true, lifeMs: lifeMsOf(seconds) };
}

/** Zero is what servers say of a token that does not end. */
function lifeMsOf(seconds: unknown): number {
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : Infinity;
}
