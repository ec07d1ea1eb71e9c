// What a condition that turned false means for an identity that already has a certificate. An object that
// is deleted must not break a running service at once, unless security says that it must.
import type { Condition } from './condition.ts';
import type { OnRenew } from './documents.ts';
import type { HeldCertificate } from './request.ts';

/** How long a failing condition is passed over on renewal, in ms: none for `enforce`, without end for `warn`. */
export function graceMsOf(onRenew: OnRenew, lifetimeMs: number): number {
  if (onRenew.kind === 'enforce') return 0;
  return onRenew.kind === 'warn' ? Infinity : (onRenew.graceMs ?? lifetimeMs);
}

/**
 * @param key the condition's key.
 * @param ceiling the gentlest that the bundle lets this condition be.
 * @returns when the condition last held, if that excuses it now; nothing when it must be enforced.
 */
export function excusedSince(
  key: string,
  { onRenew }: Condition,
  ceiling: OnRenew,
  held: HeldCertificate | undefined,
  nowMs: number,
): number | undefined {
  if (held === undefined || held.notAfterMs <= nowMs) return undefined;
  const lifetimeMs = held.notAfterMs - held.issuedMs;
  const graceMs = Math.min(graceMsOf(onRenew, lifetimeMs), graceMsOf(ceiling, lifetimeMs));
  const sinceMs = held.excused[key] ?? held.issuedMs;
  return nowMs < sinceMs + graceMs ? sinceMs : undefined;
}
