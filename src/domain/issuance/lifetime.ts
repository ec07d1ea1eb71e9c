// How long a certificate lives. Too long is capped, never refused: clients trust the
// certificate's own notAfter (Istio's agent) and renew at half of what they got.

import type { TtlLimit } from '../policy/bounds.ts';

/** Operator's bounds, all in ms. */
export interface LifetimeSettings {
  readonly defaultMs: number;
  readonly maxMs: number;
  /** How far notBefore lies in the past, against clocks that run late; at most two minutes. */
  readonly backdateMs: number;
  /** Up to this share of the lifetime, in percent, is taken off so that fleets do not renew in step. */
  readonly jitterPercent: number;
}

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Backdating never takes more than this share of the lifetime: ztunnel renews half-way from notBefore. */
const MAX_BACKDATE_SHARE = 1 / 8;

/**
 * @param requestedMs zero or less asks for the default.
 * @param granted what policy grants. Where nothing was asked for, its least wins over the server's default.
 * @param fraction a random number in [0, 1).
 * @returns the validity in whole seconds, or `undefined` when the issuer is not valid now.
 */
export function validityOf(
  settings: LifetimeSettings,
  facts: {
    readonly nowMs: number;
    readonly requestedMs: number;
    readonly granted: TtlLimit;
    readonly issuer: Validity;
    readonly fraction: number;
  },
): Validity | undefined {
  const { granted } = facts;
  const unasked = Math.max(Math.min(settings.defaultMs, granted.defaultMs), granted.minMs);
  const wantedMs = facts.requestedMs > 0 ? facts.requestedMs : unasked;
  const grantedMs = Math.min(wantedMs, settings.maxMs, granted.maxMs);
  const jitteredMs = grantedMs * (1 - (settings.jitterPercent / 100) * facts.fraction);
  const notAfterMs = wholeSeconds(Math.min(facts.nowMs + jitteredMs, facts.issuer.notAfterMs));
  if (notAfterMs <= facts.nowMs || facts.issuer.notBeforeMs > facts.nowMs) return undefined;
  const backdateMs = Math.min(settings.backdateMs, (notAfterMs - facts.nowMs) * MAX_BACKDATE_SHARE);
  const notBeforeMs = Math.max(wholeSeconds(facts.nowMs - backdateMs), facts.issuer.notBeforeMs);
  return { notBeforeMs, notAfterMs };
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
