// Limits as the tools print them, in the spelling that policies use.
import { formatDuration } from '../../domain/text/duration.ts';
import { formatKeys, USAGES, type Bounds, type TtlLimit } from '../../domain/policy/bounds.ts';
import type { Quotas } from '../../domain/policy/documents.ts';

/** @returns `10m to 24h, 1h unless asked`. */
export function formatTtl(ttl: TtlLimit): string {
  const { maxMs, defaultMs } = ttl;
  const limits = formatInterval(ttl);
  return defaultMs === Infinity ? limits : `${limits}, ${formatDuration(Math.min(defaultMs, maxMs))} unless asked`;
}

function formatInterval({ minMs, maxMs }: TtlLimit): string {
  if (maxMs === Infinity) return minMs === 0 ? 'any lifetime' : `at least ${formatDuration(minMs)}`;
  return minMs === 0 ? `up to ${formatDuration(maxMs)}` : `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
}

/** The limits that a person asks about first; usages only when not all are allowed. */
export function formatBounds({ ttl, keys, usages }: Bounds): string {
  return [
    formatTtl(ttl),
    ...(keys === undefined ? [] : [formatKeys(keys)]),
    ...(usages === undefined || usages.length === USAGES.length ? [] : [usages.join(' ')]),
  ].join('; ');
}

/** @returns nothing when there is no quota. */
export function formatQuotas({ perNamespacePerMinute, perIdentityPerMinute }: Quotas): string | undefined {
  const parts = [
    ...(perNamespacePerMinute === Infinity ? [] : [`${perNamespacePerMinute}/min for the namespace`]),
    ...(perIdentityPerMinute === Infinity ? [] : [`${perIdentityPerMinute}/min for the identity`]),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}
