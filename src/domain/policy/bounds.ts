// What a policy lets a certificate be, field by field. Each field is an element of a lattice whose order
// is "allows no more than"; layers are combined with the meet, so that no layer can widen another.
import { KEY_TYPES, type KeyType } from '../x509/key-types.ts';
import { USAGES, type Usage } from '../x509/usage.ts';
import { ANY_NAME, meetNames, type NameLimit } from './name-patterns.ts';
import { compareText } from '../text/compare-text.ts';

export { KEY_TYPES, USAGES, type KeyType, type Usage };

/** The least number of bits of each type; 0 where the type fixes it. */
export type KeyLimit = Readonly<Partial<Record<KeyType, number>>>;

/** In milliseconds. An interval with `minMs > maxMs` is empty: nothing passes. */
export interface TtlLimit {
  readonly minMs: number;
  /** A longer requested lifetime is cut to this; Infinity is no limit. */
  readonly maxMs: number;
  /** When the request names none; Infinity leaves it to the server. */
  readonly defaultMs: number;
}

export interface Bounds {
  readonly trustDomains: NameLimit;
  /** SPIFFE IDs with `{trustDomain}`, `{namespace}` and `{serviceAccount}` standing for the subject's own. */
  readonly spiffeIds: NameLimit;
  readonly serviceAccounts: NameLimit;
  readonly dnsNames: NameLimit;
  /** Names of issuers, as the configuration calls them. */
  readonly issuers: NameLimit;
  /** `namespace/serviceAccount` of who may ask on the subject's behalf. */
  readonly impersonators: NameLimit;
  /** Absent: no limit. */
  readonly keys?: KeyLimit;
  /** Absent: no limit. In the order of USAGES. */
  readonly usages?: readonly Usage[];
  readonly ttl: TtlLimit;
}

/** Limits nothing: the neutral element of `meet`. */
export const UNBOUNDED: Bounds = {
  trustDomains: ANY_NAME,
  spiffeIds: ANY_NAME,
  serviceAccounts: ANY_NAME,
  dnsNames: ANY_NAME,
  issuers: ANY_NAME,
  impersonators: ANY_NAME,
  ttl: { minMs: 0, maxMs: Infinity, defaultMs: Infinity },
};

/** What both allow. Associative, commutative and idempotent. */
export function meet(a: Bounds, b: Bounds): Bounds {
  const keys = meetKeys(a.keys, b.keys);
  const usages = meetUsages(a.usages, b.usages);
  const both = {
    trustDomains: meetNames(a.trustDomains, b.trustDomains),
    spiffeIds: meetNames(a.spiffeIds, b.spiffeIds),
    serviceAccounts: meetNames(a.serviceAccounts, b.serviceAccounts),
    dnsNames: meetNames(a.dnsNames, b.dnsNames),
    issuers: meetNames(a.issuers, b.issuers),
    impersonators: meetNames(a.impersonators, b.impersonators),
    ttl: meetTtl(a.ttl, b.ttl),
  };
  // Plain cases instead of conditional spreads: every statement of every decision passes here.
  if (keys === undefined) return usages === undefined ? both : { ...both, usages };
  return usages === undefined ? { ...both, keys } : { ...both, keys, usages };
}

export function meetTtl(a: TtlLimit, b: TtlLimit): TtlLimit {
  return {
    minMs: Math.max(a.minMs, b.minMs),
    maxMs: Math.min(a.maxMs, b.maxMs),
    defaultMs: Math.min(a.defaultMs, b.defaultMs),
  };
}

function meetKeys(a: KeyLimit | undefined, b: KeyLimit | undefined): KeyLimit | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const shared = KEY_TYPES.flatMap((type): [KeyType, number][] => {
    const [mine, theirs] = [a[type], b[type]];
    return mine === undefined || theirs === undefined ? [] : [[type, Math.max(mine, theirs)]];
  });
  return Object.fromEntries(shared);
}

function meetUsages(a: readonly Usage[] | undefined, b: readonly Usage[] | undefined): readonly Usage[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return USAGES.filter((usage) => a.includes(usage) && b.includes(usage));
}

/** How a policy would write the limit: `ec-p256 rsa>=3072`. */
export function formatKeys(keys: KeyLimit): string {
  const words = KEY_TYPES.flatMap((type) => {
    const bits = keys[type];
    return bits === undefined ? [] : [bits === 0 ? type : `${type}>=${bits}`];
  });
  return words.length === 0 ? 'none' : words.sort(compareText).join(' ');
}
