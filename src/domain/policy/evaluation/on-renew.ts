// What a condition that turned false means for an identity that already has a certificate. An object that
// is deleted must not break a running service at once, unless security says that it must.
import type { Condition, Expression } from '../condition.ts';
import type { OnRenew } from '../documents.ts';
import type { CurrentCertificate } from '../request.ts';

/** How long a failing condition is waived on renewal, in ms: none for `enforce`, without end for `warn`. */
export function graceMsOf(onRenew: OnRenew, lifetimeMs: number): number {
  if (onRenew.kind === 'enforce') return 0;
  return onRenew.kind === 'warn' ? Infinity : (onRenew.graceMs ?? lifetimeMs);
}

/**
 * Whether a condition reads only what all pods of an identity share. What one pod or one request brings must not
 * be waived because another had it: the identity is one, and its history too.
 */
export function isShared({ check }: Condition): boolean {
  switch (check.kind) {
    case 'exists':
      return !check.selectsPod && !readsRequest(check.where);
    case 'matches':
      return check.target !== 'pod' && !readsRequest(check.where);
    case 'claim':
      return false;
    case 'expression':
      return !readsRequest(check.expression);
  }
}

function readsRequest(where: Expression | undefined): boolean {
  return where !== undefined && /\brequest\b/.test(where.source);
}

/**
 * @param key the condition's key.
 * @param ceiling the gentlest that the bundle lets this condition be.
 * @returns when the condition last held, if that waives it now; nothing when it must be enforced.
 */
export function waivedSince(
  key: string,
  condition: Condition,
  ceiling: OnRenew,
  currentCertificate: CurrentCertificate | undefined,
  nowMs: number,
): number | undefined {
  if (currentCertificate === undefined || currentCertificate.notAfterMs <= nowMs || !isShared(condition))
    return undefined;
  const lifetimeMs = currentCertificate.notAfterMs - currentCertificate.issuedMs;
  const graceMs = Math.min(graceMsOf(condition.onRenew, lifetimeMs), graceMsOf(ceiling, lifetimeMs));
  const sinceMs = currentCertificate.waived[key] ?? currentCertificate.issuedMs;
  return nowMs < sinceMs + graceMs ? sinceMs : undefined;
}
