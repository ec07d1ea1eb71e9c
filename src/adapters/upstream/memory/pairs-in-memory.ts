// The pairs of issuers in the memory of this process. A key is there for as long as a pair names it, or waits for its certificate.
import { AuthorityError } from '../../../domain/errors.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { HeldPairs, PairsPlace } from './held-pairs.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface KeysInMemory {
  /** @returns hex SHA-256 of the public key of a new pair of keys. */
  make(): Promise<string>;
  forget(keyId: string): void;
}

export class PairsInMemory implements PairsPlace {
  readonly #keys: KeysInMemory;
  /** By the issuer's name: as many as are configured, and of each at most four keys. */
  readonly #pairs: Map<string, HeldPairs>;
  readonly #making = new Map<string, Promise<HeldPairs>>();
  readonly #listeners = new Listeners<[string]>();

  constructor(issuers: readonly string[], keys: KeysInMemory) {
    this.#keys = keys;
    this.#pairs = new Map(issuers.map((issuer) => [issuer, { revision: 0 }]));
  }

  async read(issuer: string): Promise<HeldPairs> {
    const found = this.#pairs.get(issuer);
    if (found !== undefined) return Promise.resolve(found);
    throw new AuthorityError('CAP-X03', { detail: `issuer ${issuer} keeps nothing in memory` });
  }

  async withWaiting(issuer: string): Promise<HeldPairs> {
    const found = await this.read(issuer);
    if (found.waiting !== undefined) return found;
    // Who asks twice gets one key.
    const making = this.#making.get(issuer) ?? this.#make(issuer);
    this.#making.set(issuer, making);
    try {
      return await making;
    } finally {
      this.#making.delete(issuer);
    }
  }

  async replace(issuer: string, next: HeldPairs): Promise<boolean> {
    const before = await this.read(issuer);
    if (next.revision !== before.revision) return false;
    const [had, has] = [keysOf(before), keysOf(next)];
    const unknown = [...has].find((keyId) => !had.has(keyId));
    if (unknown !== undefined)
      throw new AuthorityError('CAP-X03', { detail: `issuer ${issuer} has no key ${unknown}` });
    this.#put(issuer, next);
    for (const keyId of had) if (!has.has(keyId)) this.#keys.forget(keyId);
    return true;
  }

  onChange(listener: (issuer: string) => void, options: Waits): void {
    this.#listeners.add(listener, options);
  }

  async #make(issuer: string): Promise<HeldPairs> {
    const waiting = await this.#keys.make();
    return this.#put(issuer, { ...(await this.read(issuer)), waiting });
  }

  #put(issuer: string, next: HeldPairs): HeldPairs {
    const put = { ...next, revision: next.revision + 1 };
    this.#pairs.set(issuer, put);
    this.#listeners.notify(issuer);
    return put;
  }
}

function keysOf({ current, prepared, former, waiting }: HeldPairs): ReadonlySet<string> {
  const pairs = [current, prepared, former].flatMap((pair) => pair?.keyId ?? []);
  return new Set(waiting === undefined ? pairs : [...pairs, waiting]);
}
