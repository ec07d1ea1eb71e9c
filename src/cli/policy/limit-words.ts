// Limits as the tools print them, in the spelling that policies use.
import { keysInWords, USAGES, type Bounds, type TtlLimit } from '../../domain/policy/bounds.ts';
import type { Quotas } from '../../domain/policy/documents.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** @returns `90m`, as parseDuration reads it: the largest unit of which it is a whole number, less than a second cut. */
export function durationInWords(ms: number): string {
  const [unit, size] = UNITS.find(([, unitMs]) => ms >= unitMs && ms % unitMs === 0) ?? ['s', 1_000];
  return `${Math.floor(ms / size)}${unit}`;
}

/** @returns `10m to 24h, 1h unless asked`. */
export function ttlInWords({ minMs, maxMs, defaultMs }: TtlLimit): string {
  const longest = maxMs === Infinity ? 'any lifetime' : `up to ${durationInWords(maxMs)}`;
  const limits = minMs === 0 ? longest : `at least ${durationInWords(minMs)} and ${longest}`;
  return defaultMs === Infinity ? limits : `${limits}, ${durationInWords(Math.min(defaultMs, maxMs))} unless asked`;
}

/** @returns `rsa-2048`, as certificates are spoken of. */
export function keyInWords({ type, bits }: PolicyRequest['key']): string {
  return bits === 0 ? type : `${type}-${bits}`;
}

/** The limits that a person asks about first; usages only when not all are allowed. */
export function boundsInWords({ ttl, keys, usages }: Bounds): string {
  return [
    ttlInWords(ttl),
    ...(keys === undefined ? [] : [keysInWords(keys)]),
    ...(usages === undefined || usages.length === USAGES.length ? [] : [usages.join(' ')]),
  ].join('; ');
}

/** @returns nothing when there is no quota. */
export function quotasInWords({ perNamespacePerMinute, perIdentityPerMinute }: Quotas): string | undefined {
  const parts = [
    ...(perNamespacePerMinute === Infinity ? [] : [`${perNamespacePerMinute} a minute for the namespace`]),
    ...(perIdentityPerMinute === Infinity ? [] : [`${perIdentityPerMinute} a minute for the identity`]),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}
