// How long a certificate lives. Too long is capped and too short is raised, never refused: clients trust the
// certificate's own notAfter (Istio's agent) and renew at half of what they got. None is over, or nearly over,
// when it arrives.

import type { TtlLimit } from '../policy/bounds.ts';

/** Operator's bounds, all in ms. */
export interface LifetimeSettings {
  readonly defaultMs: number;
  readonly maxMs: number;
  /** Least that is left of a certificate when it is signed: a shorter wish is raised to it. Not more than `maxMs`. */
  readonly minMs: number;
  /** How far notBefore lies in the past, against clocks that run late; at most two minutes. */
  readonly backdateMs: number;
  /** Up to this share of the lifetime, in percent, is taken off so that fleets do not renew in step. */
  readonly jitterPercent: number;
  /** Where who asks takes no other certificate: how long the whole validity must be, backdating included. */
  readonly whole?: WholeValidity;
}

/** Least and most from notBefore to notAfter, in ms; whole seconds. */
export interface WholeValidity {
  readonly minMs: number;
  readonly maxMs: number;
}

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Backdating never takes more than this share of the lifetime: ztunnel renews half-way from notBefore. */
const MAX_BACKDATE_SHARE = 1 / 8;

/** Why there is no validity: the issuer's time, or policy's bound, does not let a certificate be long enough. */
export type NoValidity = 'issuer' | 'policy';

/**
 * @param requestedMs zero or less asks for the default.
 * @param granted what policy grants. Where nothing was asked for, its least wins over the server's default.
 * @param fraction a random number in [0, 1).
 * @returns the validity in whole seconds, counted from now: backdating takes nothing of it. `issuer` when the issuer is
 *   not valid now or ends too soon; `policy` when policy allows less than the least: nothing widens it.
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
): Validity | NoValidity {
  const { granted } = facts;
  const unasked = Math.max(Math.min(settings.defaultMs, granted.defaultMs), granted.minMs);
  const wantedMs = facts.requestedMs > 0 ? facts.requestedMs : unasked;
  if (granted.maxMs < settings.minMs) return 'policy';
  const grantedMs = Math.min(Math.max(wantedMs, settings.minMs), settings.maxMs, granted.maxMs);
  const jitteredMs = Math.max(grantedMs * (1 - (settings.jitterPercent / 100) * facts.fraction), settings.minMs);
  const tooSoon = facts.issuer.notAfterMs < facts.nowMs + settings.minMs;
  if (tooSoon || facts.issuer.notBeforeMs > facts.nowMs) return 'issuer';
  // Rounding to seconds takes nothing of the least, and gives nothing beyond what is granted.
  const longestMs = Math.min(settings.maxMs, granted.maxMs);
  const leastMs = Math.min(wholeSeconds(facts.nowMs + settings.minMs + 999), wholeSeconds(facts.nowMs + longestMs));
  const endMs = Math.max(wholeSeconds(facts.nowMs + jitteredMs), leastMs);
  const notAfterMs = Math.min(endMs, facts.issuer.notAfterMs);
  const backdateMs = Math.min(settings.backdateMs, (notAfterMs - facts.nowMs) * MAX_BACKDATE_SHARE);
  const notBeforeMs = Math.max(wholeSeconds(facts.nowMs - backdateMs), facts.issuer.notBeforeMs);
  const validity = { notBeforeMs, notAfterMs };
  if (settings.whole === undefined) return validity;
  return fitted(validity, settings.whole, {
    policyEndMs: wholeSeconds(facts.nowMs + longestMs),
    issuerEndMs: facts.issuer.notAfterMs,
  });
}

/** Cut to the most, or stretched to the least where neither what is granted nor the issuer ends before. */
function fitted(
  { notBeforeMs, notAfterMs }: Validity,
  { minMs, maxMs }: WholeValidity,
  { policyEndMs, issuerEndMs }: { readonly policyEndMs: number; readonly issuerEndMs: number },
): Validity | NoValidity {
  const leastEndMs = notBeforeMs + minMs;
  if (leastEndMs > policyEndMs) return 'policy';
  if (leastEndMs > issuerEndMs) return 'issuer';
  return { notBeforeMs, notAfterMs: Math.max(leastEndMs, Math.min(notAfterMs, notBeforeMs + maxMs)) };
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
