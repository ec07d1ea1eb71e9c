// The public keys of one token issuer at one moment (RFC 7517 section 5), and where they come from.
import { createHash } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';

/** More than any issuer publishes while it rolls keys over. */
const MAX_KEYS = 100;

/** Another set is another object: what was verified with a former one is verified again. */
export interface KeySet {
  readonly resolve: JWTVerifyGetKey;
  /** First 16 hex digits of a SHA-256 over the keys. */
  readonly revision: string;
}

export interface KeySource {
  /** The keys in force, or `undefined` before there are any. Costs nothing. */
  peek(): KeySet | undefined;
  /** The keys to judge by. @throws AuthorityError CAP-S05 when there are none. */
  current(): Promise<KeySet>;
  /**
   * Asked for when a token names a key that is not in `than`: keys that came since, or `undefined` when the
   * set is known to be up to date. @throws AuthorityError CAP-S05 when that could not be found out.
   */
  newerThan(than: KeySet): Promise<KeySet | undefined>;
}

/** @throws Error saying why this is not a key set, in words for the operator. */
export function keySetFrom(...documents: readonly unknown[]): KeySet {
  const keys = documents.flatMap(keysIn);
  if (keys.length === 0) throw new Error('has no keys');
  if (keys.length > MAX_KEYS) throw new Error(`has ${keys.length} keys, allowed are ${MAX_KEYS}`);
  const revision = createHash('sha256').update(JSON.stringify(keys)).digest('hex').slice(0, 16);
  return { resolve: createLocalJWKSet({ keys }), revision };
}

function keysIn(document: unknown): JSONWebKeySet['keys'] {
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
  if (!isObject(document) || !('keys' in document) || !Array.isArray(document.keys))
    throw new Error('is not a JWK set');
  if (!document.keys.every(isObject)) throw new Error('is not a JWK set: a key is not an object');
  return document.keys;
}
