// What /readyz says of the issuer in force.
import type { DocumentIssuer } from '../adapters/issuers/documents/document-issuer.ts';
import type { Clock } from '../ports/platform/clock.ts';
import type { ReadinessCheck } from './readiness.ts';

/** @param settings.minLifetimeMs an issuer with less left signs nothing. */
export function issuerReadiness(
  issuers: Pick<DocumentIssuer, 'problem' | 'current'>,
  clock: Pick<Clock, 'nowMs'>,
  { minLifetimeMs }: { readonly minLifetimeMs: number },
): ReadinessCheck {
  return () => {
    const nowMs = clock.nowMs();
    const problem = issuers.problem(nowMs);
    if (typeof problem === 'string') return problem;
    const endMs = issuers.current().signing.issuer.notAfterMs;
    const over = endMs < nowMs + minLifetimeMs;
    return over ? `the issuer certificate ends at ${new Date(endMs).toISOString()}, within lifetimes.min` : problem;
  };
}
