// Bounds compared field by field, in the order in which documents write them.
import { formatKeys, type Bounds } from '../bounds.ts';
import { directionOf, type Change } from './direction.ts';
import { coversKeys, coversNames, coversUsages } from './limits.ts';
import { formatDuration } from '../../text/duration.ts';
import { formatNames, formatPatterns } from './formats.ts';
import type { NameLimit } from '../name-patterns.ts';

export interface BoundField {
  /** As documents spell it, under `bounds` or `narrow`. */
  readonly field: string;
  readonly format: (bounds: Bounds) => string;
  /** Whether the first allows all that the second allows. */
  readonly covers: (outer: Bounds, inner: Bounds) => boolean;
}

function names(field: string, of: (bounds: Bounds) => NameLimit): BoundField {
  return {
    field,
    format: (bounds) => formatNames(of(bounds)),
    covers: (outer, inner) => coversNames(of(outer), of(inner)),
  };
}

function longest(field: string, of: (bounds: Bounds) => number): BoundField {
  return {
    field,
    format: (bounds) => formatDuration(of(bounds)),
    covers: (outer, inner) => of(outer) >= of(inner),
  };
}

/** Templates are compared as they are written: what begins alike before they are filled in does so after. */
export const BOUND_FIELDS: readonly BoundField[] = [
  names('trustDomains', ({ trustDomains }) => trustDomains),
  names('spiffeId', ({ spiffeIds }) => spiffeIds),
  names('serviceAccounts', ({ serviceAccounts }) => serviceAccounts),
  names('dnsNames', ({ dnsNames }) => dnsNames),
  {
    field: 'ttl.min',
    format: ({ ttl }) => formatDuration(ttl.minMs),
    covers: (outer, inner) => outer.ttl.minMs <= inner.ttl.minMs,
  },
  longest('ttl.max', ({ ttl }) => ttl.maxMs),
  longest('ttl.default', ({ ttl }) => ttl.defaultMs),
  {
    field: 'keys',
    format: ({ keys }) => (keys === undefined ? 'any' : formatKeys(keys)),
    covers: (outer, inner) => coversKeys(outer.keys, inner.keys),
  },
  {
    field: 'usages',
    format: ({ usages }) => formatPatterns(usages),
    covers: (outer, inner) => coversUsages(outer.usages, inner.usages),
  },
  names('impersonators', ({ impersonators }) => impersonators),
  names('issuer', ({ issuers }) => issuers),
];

export function coversBounds(outer: Bounds, inner: Bounds): boolean {
  return BOUND_FIELDS.every(({ covers }) => covers(outer, inner));
}

/** @param at where the bounds stand in their document. */
export function compareBounds(at: string, before: Bounds, after: Bounds): readonly Change[] {
  return BOUND_FIELDS.map(({ field, format, covers }) => ({
    field: `${at}.${field}`,
    before: format(before),
    after: format(after),
    direction: directionOf(before, after, covers),
  }));
}
