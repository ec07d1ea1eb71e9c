// The keys that the API server of one cluster signs service account tokens with, and the name that it gives itself in
// them. Both are read from the API server again and again, and those of before a restart serve until that succeeds.
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { Events } from '../../../../ports/platform/events.ts';
import type { KeptTokenKeys, TokenKeyDocuments } from '../../../../ports/cluster/token-reviews.ts';
import { FetchedKeys } from '../fetched-keys.ts';
import { keySetFrom, type KeySet, type KeySource } from '../key-set.ts';

/** A key that was withdrawn goes out of use after this long at most. */
export const READ_EVERY_MS = 60_000;

export interface ClusterKeysParts {
  readonly clock: Clock;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
  readonly documents: TokenKeyDocuments;
}

export interface ClusterKeysSettings {
  /** As messages name the cluster. */
  readonly cluster: string;
  /** How old keys may be that tokens are judged by. */
  readonly staleAfterMs: number;
}

export class ClusterKeys implements KeySource {
  readonly #parts: ClusterKeysParts;
  readonly #settings: ClusterKeysSettings;
  readonly #fetched: FetchedKeys;
  #issuer: string | undefined;

  constructor(parts: ClusterKeysParts, settings: ClusterKeysSettings) {
    this.#parts = parts;
    this.#settings = settings;
    const { clock, events, documents } = parts;
    const fetch = async (options: { readonly signal: AbortSignal }): Promise<unknown> => {
      const { issuer, keys } = await documents.read(options);
      this.#issuer = issuer;
      return keys;
    };
    const name = `of the cluster ${settings.cluster}`;
    this.#fetched = new FetchedKeys({ clock, events, fetch }, { ...settings, issuer: name });
  }

  /** As tokens spell it; nothing before it is known. */
  get issuer(): string | undefined {
    return this.#issuer;
  }

  /** Takes what is kept, and reads anew until the signal aborts. An API server that is away stops no start. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const kept = await this.#parts.documents.kept();
    if (kept !== undefined) this.#seed(kept);
    void this.#fetched.keepFresh(this.#readEveryMs, { signal });
  }

  peek(): KeySet | undefined {
    return this.#fetched.peek();
  }

  async current(options: { readonly signal: AbortSignal }): Promise<KeySet> {
    return this.#fetched.current(options);
  }

  async newerThan(than: KeySet, options: { readonly signal: AbortSignal }): Promise<KeySet | undefined> {
    return this.#fetched.newerThan(than, options);
  }

  /** Why no token can be judged by keys now. */
  problem(): string | undefined {
    return this.#fetched.problem();
  }

  /** As `AttestedCluster.seenBeforeStartMs`. */
  seenBeforeStartMs(): number | undefined {
    const ageMs = this.#fetched.seededAgeMs;
    return ageMs !== undefined && ageMs < this.#settings.staleAfterMs ? ageMs : undefined;
  }

  /** However short the time for which they count, an outage that begins now leaves three quarters of it. */
  get #readEveryMs(): number {
    return Math.min(READ_EVERY_MS, this.#settings.staleAfterMs / 4);
  }

  #seed({ issuer, keys, readAtMs }: KeptTokenKeys): void {
    // A clock that was set back since must not make them younger than they are.
    const ageMs = this.#parts.clock.nowMs() - readAtMs;
    if (ageMs < 0 || ageMs >= this.#settings.staleAfterMs) return;
    try {
      this.#fetched.seed(keySetFrom(keys), ageMs);
      this.#issuer = issuer;
    } catch (error) {
      const problem = `the kept keys of the cluster ${this.#settings.cluster}: ${(error as Error).message}`;
      this.#parts.events.reloadFailed({ source: 'token-keys', problem, kept: false });
    }
  }
}
