// Where certificates were found, as the finder of rogue CAs is handed it: bytes of a place, and what is known of the place.

/** What kind of place it is: what brings a CA home depends on it. */
export type PlaceKind =
  | 'file'
  | 'istio-secret'
  | 'secret'
  | 'config-map'
  | 'istio-roots'
  | 'webhook'
  | 'crd'
  | 'api-service'
  | 'trust-bundle'
  | 'issuer';

export interface Place {
  readonly kind: PlaceKind;
  /** What an operator calls it: the path of a file, `Secret istio-system/cacerts`. */
  readonly name: string;
  /** Who made it and when, in words. */
  readonly madeBy?: string;
  /** What names it, each in words: `webhook example.org/validate`. */
  readonly usedBy?: readonly string[];
}

/** One text of a place: a file, a key of a Secret, a field of an object. */
export interface PlacePart {
  /** Empty where the place is one text. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** @returns a text of a place as an operator looks for it: `certs/ca.pem`, or `Secret istio-system/cacerts ca-cert.pem`. */
export function pathOfPart(kind: PlaceKind, place: string, part: string): string {
  if (kind !== 'file') return part === '' ? place : `${place} ${part}`;
  if (place === '' || place === '.') return part;
  return place.endsWith('/') ? `${place}${part}` : `${place}/${part}`;
}

/**
 * By which room is shared out, so that who fills one share hides nothing in another: the namespace of an object, and of files the first
 * folder below the path that was named.
 * @param paths that were named.
 */
export function shareOf({ kind, name }: Pick<Place, 'kind' | 'name'>, paths: readonly string[]): string {
  if (kind !== 'file') return namespaceIn(name);
  const root = paths.find((path) => name === path || name.startsWith(path.endsWith('/') ? path : `${path}/`));
  if (root === undefined) return name;
  const [first = ''] = name.slice(root.length).replace(/^\/+/, '').split('/', 1);
  return `${root}/${first}`;
}

/** @param title such as `Secret istio-system/cacerts`. @returns empty of what is in none. */
export function namespaceIn(title: string): string {
  return /^\S+ ([^/]+)\//.exec(title)?.[1] ?? '';
}

/** One certificate of one place. */
export interface Sighting {
  readonly place: Place;
  readonly part: string;
  /** Counted from 1, where lines mean anything. */
  readonly line?: number;
  /** Where a private key lies with it, in words. */
  readonly privateKey?: string;
}

/** What was not looked at: alike things are counted. */
export interface NotRead {
  /** In words that follow the name of one of them, or of a kind: `may not be listed`. */
  readonly why: string;
  readonly count: number;
  /** The first few by name. */
  readonly examples: readonly string[];
}

/** An issuer of cert-manager each of whose certificates signs itself: there is no certificate of its own to judge. */
export interface SelfSigningIssuer {
  /** `ClusterIssuer bootstrap`. */
  readonly name: string;
  readonly madeBy: string;
  readonly usedBy: readonly string[];
}
