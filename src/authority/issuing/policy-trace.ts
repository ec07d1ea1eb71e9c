// A policy decision as the journal keeps it: what was asked, what was answered and why. Empty parts are
// left out, because most decisions have nothing to record there.
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import type { PolicyTrace } from '../../ports/storage/issuance-journal.ts';

export function policyTraceOf(decision: PolicyDecision): PolicyTrace {
  const { choice } = decision.request.issuer;
  const { request, failures, audits, waived, objects, pods } = decision;
  return {
    subject: request.subject.spiffeId,
    class: decision.class,
    key: request.key,
    ...(request.requestedTtlMs > 0 && { requestedTtlMs: request.requestedTtlMs }),
    ...(request.dnsNames.length > 0 && { dnsNames: request.dnsNames }),
    ...(request.actor !== undefined && { actor: request.actor }),
    ...(request.pods !== undefined && { podNames: request.pods }),
    issuer: request.issuer.name,
    ...(choice !== undefined && choice.why !== 'only' && { issuerChoice: choice }),
    bundle: decision.bundle,
    snapshot: decision.snapshot,
    ...(request.clusterStaleMs !== undefined && { clusterStaleMs: request.clusterStaleMs }),
    applied: decision.applied,
    ...(failures.length > 0 && { failures }),
    ...(audits.length > 0 && { audits }),
    ...(waived.length > 0 && { waived }),
    ...(objects.length > 0 && { objects }),
    ...(pods !== undefined && { pods }),
  };
}
