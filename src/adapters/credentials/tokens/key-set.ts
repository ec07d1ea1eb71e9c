// The public keys of one token issuer at one moment (RFC 7517 section 5), and where they come from.
import { createHash } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { ResolveKey } from './token-signature.ts';

/** More than any issuer publishes while it rolls keys over. */
const MAX_KEYS = 100;

/** Another set is another object: what was verified with a former one is verified again. */
export interface KeySet {
  readonly resolve: ResolveKey;
  /** First 16 hex digits of a SHA-256 over the keys. */
  readonly revision: string;
}

export interface KeySource {
  /** The keys in force, or `undefined` before there are any. Costs nothing. */
  peek(): KeySet | undefined;
  /** The keys to judge by. @throws AuthorityError CAP-S05 when there are none, or the signal's reason. */
  current(options: { readonly signal: AbortSignal }): Promise<KeySet>;
  /**
   * Asked for when a token names a key that is not in `than`: keys that came since, or `undefined` when the
   * set is known to be up to date. @throws AuthorityError CAP-S05 when that could not be found out, or the signal's reason.
   */
  newerThan(than: KeySet, options: { readonly signal: AbortSignal }): Promise<KeySet | undefined>;
}

/**
 * A byte order mark is passed over, as in every other file (RFC 8259 section 8.1 allows it).
 * @throws SyntaxError when the text is not JSON.
 */
export function readJson(text: string): unknown {
  return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
}

/** @throws Error saying why this is not a set of public keys, in words for the operator that hold no key. */
export function keySetFrom(...documents: readonly unknown[]): KeySet {
  const keys = documents.flatMap(keysIn);
  if (keys.length === 0) throw new Error('has no keys');
  if (keys.length > MAX_KEYS) throw new Error(`has ${keys.length} keys, allowed are ${MAX_KEYS}`);
  keys.forEach(demandPublic);
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

/** RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2; `priv` of the type AKP, which ML-DSA has. */
const PRIVATE_PARTS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv'];
/** More of a name than finds a key. */
const MAX_NAME_CHARACTERS = 100;

/** A private key in a published document can be used to make tokens by all who read it; it must not be in use. */
function demandPublic(key: JSONWebKeySet['keys'][number], index: number): void {
  const named = typeof key.kid === 'string' ? JSON.stringify(key.kid.slice(0, MAX_NAME_CHARACTERS)) : undefined;
  const name = named ?? `key ${index + 1} of it`;
  if (key.kty === 'oct' || Object.hasOwn(key, 'k')) {
    throw new Error(`holds a shared secret: ${name}; whoever verifies could sign with it`);
  }
  if (PRIVATE_PARTS.some((part) => Object.hasOwn(key, part))) {
    throw new Error(`holds a private key: ${name}; publish its public part alone, and make another: this one is known`);
  }
}
