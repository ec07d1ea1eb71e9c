// What the names of secrets mean. A name is a request, never a proof: which secrets a name can stand
// for follows from the authenticated caller alone. The aliases are those of SPIRE and Istio.
import { SpiffeId } from '../../../../domain/identity/spiffe-id.ts';

/** The two secrets that a caller can have: its own certificate with key, and the trust bundle. */
export type SecretKind = 'svid' | 'bundle';

/** Distinct names on one stream, known or not; five are a caller's own. */
const MAX_NAMES = 100;
/**
 * Of all distinct names on one stream, which keeps them: thousands of streams of one tenant must not fill the memory
 * with names that mean nothing. A caller's own five come to 2,400 at most.
 */
const MAX_NAME_CHARACTERS = 16 * 1024;
/** The longest SPIFFE ID (SPIFFE-ID section 2.3); nothing longer can name a secret. */
export const MAX_NAME_LENGTH = 2048;

/** The xDS wildcard. Never served: a private key leaves only when it is asked for by name. */
export const WILDCARD = '*';
/** Stands for every name over the length limit, so that none of them is kept, echoed or logged. */
export const OVERLONG = '(a name of more than 2048 characters)';

/** `ALL` (SPIRE: bundles of all trust domains) is the one bundle there is, in the shape that the proxy asked for. */
const ALIASES: ReadonlyMap<string, SecretKind> = new Map([
  ['default', 'svid'],
  ['ROOTCA', 'bundle'],
  ['ALL', 'bundle'],
]);

/** Names in order, each once. */
export function distinctNames(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => (name.length > MAX_NAME_LENGTH ? OVERLONG : name)));
}

/** @returns why these are too many for one stream, if they are. */
export function excessOf(names: Iterable<string>): string | undefined {
  let [count, characters] = [0, 0];
  for (const name of names) {
    count += 1;
    characters += name.length;
  }
  if (count > MAX_NAMES) return `it names ${count}, allowed are ${MAX_NAMES}`;
  if (characters <= MAX_NAME_CHARACTERS) return undefined;
  return `its names have ${characters} characters, allowed are ${MAX_NAME_CHARACTERS}`;
}

/** @returns what `name` stands for in a request of `caller`; `undefined` when it is unknown or another's. */
export function secretKindOf(name: string, caller: SpiffeId): SecretKind | undefined {
  if (name === caller.uri) return 'svid';
  if (name === SpiffeId.ofTrustDomain(caller.trustDomain).uri) return 'bundle';
  return ALIASES.get(name);
}
