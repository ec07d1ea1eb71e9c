// Limits as the tools print them, in the spelling that policies use.
import { durationInWords } from '../../domain/text/duration.ts';
import { keysInWords, USAGES, type Bounds, type TtlLimit } from '../../domain/policy/bounds.ts';
import type { Quotas } from '../../domain/policy/documents.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';

/** @returns `10m to 24h, 1h unless asked`. */
export function ttlInWords(ttl: TtlLimit): string {
  const { maxMs, defaultMs } = ttl;
  const limits = intervalInWords(ttl);
  return defaultMs === Infinity ? limits : `${limits}, ${durationInWords(Math.min(defaultMs, maxMs))} unless asked`;
}

function intervalInWords({ minMs, maxMs }: TtlLimit): string {
  if (maxMs === Infinity) return minMs === 0 ? 'any lifetime' : `at least ${durationInWords(minMs)}`;
  return minMs === 0 ? `up to ${durationInWords(maxMs)}` : `${durationInWords(minMs)} to ${durationInWords(maxMs)}`;
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
    ...(perNamespacePerMinute === Infinity ? [] : [`${perNamespacePerMinute}/min for the namespace`]),
    ...(perIdentityPerMinute === Infinity ? [] : [`${perIdentityPerMinute}/min for the identity`]),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}
