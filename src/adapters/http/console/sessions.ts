// Who is signed in to the console. Sessions are in this process's memory alone: they end with it, and a stolen id is of no
// use once its session was ended or is over.
import { createHash } from 'node:crypto';
import type { RoledOperator } from '../../../authority/administration/roles.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Random } from '../../../ports/platform/random.ts';

export interface SessionSettings {
  /** Without a request of the person's own. */
  readonly idleMs: number;
  /** Whatever the person does. */
  readonly longestMs: number;
}

/** What a person who signed in is known by. */
export interface SignedIn {
  readonly operator: RoledOperator;
  /** As the person is called, where that is another name than the operator's. */
  readonly called?: string;
  /** SHA-256 of the client certificate that it was shown with: without that the session is nobody's. */
  readonly certificate?: string;
}

export interface Session extends SignedIn {
  /** At the latest, in ms since the epoch. */
  readonly endsMs: number;
}

/** The hash of a session's id. */
export type SessionHandle = string & { readonly sessionHandle: true };

interface KeptSession extends SignedIn {
  readonly startedMs: number;
  usedMs: number;
}

/** All at once, and of one person; for one more the oldest makes way, of that person or of all. */
const MAX_SESSIONS = 1_000;
const MAX_OF_ONE = 20;
const ID_BYTES = 32;

export class Sessions {
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly #random: Pick<Random, 'bytes'>;
  readonly #settings: SessionSettings;
  /** By the hash of their ids, the oldest first: who reads this memory has no session. */
  readonly #kept = new Map<string, KeptSession>();

  constructor(
    parts: { readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>; readonly random: Pick<Random, 'bytes'> },
    settings: SessionSettings,
  ) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#settings = settings;
  }

  /** @returns its id, for the cookie alone. */
  open(signedIn: SignedIn): string {
    this.#makeRoom(signedIn.operator.actor);
    const id = Buffer.from(this.#random.bytes(ID_BYTES)).toString('base64url');
    const nowMs = this.#clock.monotonicMs();
    this.#kept.set(hashOf(id), { ...signedIn, startedMs: nowMs, usedMs: nowMs });
    return id;
  }

  /**
   * @param use.automatic the page asks by itself: that keeps nobody signed in.
   * @param use.certificate SHA-256 of the one that the connection shows.
   */
  find(id: string, use: { readonly automatic: boolean; readonly certificate?: string }): Session | undefined {
    const key = hashOf(id);
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    const nowMs = this.#clock.monotonicMs();
    if (this.#isOver(kept, nowMs)) {
      this.#kept.delete(key);
      return undefined;
    }
    const { operator, called, certificate, startedMs } = kept;
    if (certificate !== undefined && certificate !== use.certificate) return undefined;
    if (!use.automatic) kept.usedMs = nowMs;
    const endsMs = Math.round(this.#clock.nowMs() + startedMs + this.#settings.longestMs - nowMs);
    return { operator, ...(called !== undefined && { called }), endsMs };
  }

  close(id: string): void {
    this.end(this.handleOf(id));
  }

  /** @returns what ends a session later and is of no other use: it can be kept where the id cannot. */
  handleOf(id: string): SessionHandle {
    return hashOf(id) as SessionHandle;
  }

  end(handle: SessionHandle): void {
    this.#kept.delete(handle);
  }

  #isOver({ startedMs, usedMs }: KeptSession, nowMs: number): boolean {
    return nowMs - startedMs >= this.#settings.longestMs || nowMs - usedMs >= this.#settings.idleMs;
  }

  #makeRoom(actor: string): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, kept] of this.#kept) if (this.#isOver(kept, nowMs)) this.#kept.delete(key);
    const own = [...this.#kept].filter(([, { operator }]) => operator.actor === actor);
    const [oldest] = own.length >= MAX_OF_ONE ? own : this.#kept.size >= MAX_SESSIONS ? this.#kept : [];
    if (oldest !== undefined) this.#kept.delete(oldest[0]);
  }
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
