// A decision as data for other programs, and as the bytes that golden vectors hold.
import { canonicalJson } from '../../domain/text/canonical-json.ts';
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';

/**
 * @returns plain JSON data. JSON has no infinity: a limit that is no limit (a quota, the longest lifetime, what
 *   remains of an issuer) is null.
 */
export function decisionData(decision: PolicyDecision): unknown {
  return JSON.parse(JSON.stringify(decision));
}

/** The one spelling of a decision (RFC 8785): equal decisions are equal bytes on every machine. */
export function canonicalDecision(decision: PolicyDecision): string {
  return canonicalJson(decisionData(decision));
}
