// Where trust anchors are published for those who read them before they have a certificate, and what is there: which anchors, and
// which version of the place they were seen in.
import { formatQuantity } from '../../text/format-count.ts';
import { TrustBundle } from '../bundle.ts';
import type { TrustDomain } from '../../identity/trust-domain.ts';

export interface PublishedPlace {
  /** `ConfigMap`, `ClusterTrustBundle` and so on. */
  readonly kind: string;
  /** With its namespace, where it is in one. */
  readonly name: string;
  /** As the place itself counts (`resourceVersion`); absent where nothing is there. */
  readonly version?: string;
  /** Of the bundle that is there; absent where that is none. */
  readonly digest?: string;
  /** Hex SHA-256 of all that are there. */
  readonly anchors: readonly string[];
}

/** Of many, with those in the way first. */
export interface ShownPlaces {
  readonly count: number;
  readonly first: readonly PublishedPlace[];
}

/** In an answer for a program. */
export const MAX_PLACES = 1_000;
/** In an error. */
const NAMED = 3;

/** @returns what a text of PEM says; no anchors where it is no trust bundle. */
export function heldIn(text: string, trustDomain: TrustDomain): Pick<PublishedPlace, 'digest' | 'anchors'> {
  const bundle = TrustBundle.fromPem(trustDomain, text);
  if ('problem' in bundle) return { anchors: [] };
  const { anchors, undistributed, digest } = bundle;
  return { digest, anchors: [...anchors, ...undistributed.map(({ anchor }) => anchor)].map(({ sha256 }) => sha256) };
}

export function placesLacking(
  places: readonly PublishedPlace[],
  anchors: readonly string[],
): readonly PublishedPlace[] {
  return places.filter((place) => !anchors.every((anchor) => place.anchors.includes(anchor)));
}

export function placesHolding(
  places: readonly PublishedPlace[],
  anchors: readonly string[],
): readonly PublishedPlace[] {
  return places.filter((place) => anchors.some((anchor) => place.anchors.includes(anchor)));
}

/** @returns such as `2 places: ConfigMap shop/istio-ca-root-cert; ClusterTrustBundle capstan.dev:mesh:roots`. */
export function placesInWords(places: readonly PublishedPlace[]): string {
  const named = places.slice(0, NAMED).map(({ kind, name }) => `${kind} ${name}`);
  const more = places.length > NAMED ? `; and ${formatQuantity(places.length - NAMED, 'other')}` : '';
  return `${formatQuantity(places.length, 'place')}: ${named.join('; ')}${more}`;
}

/** @param behind those that are in the way: they are shown first. */
export function shownOf(places: readonly PublishedPlace[], behind: readonly PublishedPlace[]): ShownPlaces {
  const ahead = new Set(behind);
  const first = [...behind, ...places.filter((place) => !ahead.has(place))].slice(0, MAX_PLACES);
  return { count: places.length, first };
}
