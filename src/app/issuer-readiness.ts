// What /readyz says of the issuers. Without the default one the server is not ready; what another signs is a part of what it does.
import type { DocumentIssuers } from '../adapters/issuers/documents/document-issuers.ts';
import type { Clock } from '../ports/platform/clock.ts';
import type { ReadinessCheck } from './readiness.ts';

/** @param settings.minLifetimeMs an issuer with less left signs nothing. */
export function issuerReadiness(
  { first }: Pick<DocumentIssuers, 'first'>,
  clock: Pick<Clock, 'nowMs'>,
  { minLifetimeMs }: { readonly minLifetimeMs: number },
): ReadinessCheck {
  return () => {
    const nowMs = clock.nowMs();
    const problem = first.problem(nowMs);
    if (typeof problem === 'string') return problem;
    const { state } = first.named;
    const endMs = state.kind === 'ready' ? state.issuer.notAfterMs : Infinity;
    const over = endMs < nowMs + minLifetimeMs;
    return over ? `the issuer certificate ends at ${new Date(endMs).toISOString()}, within lifetimes.min` : problem;
  };
}
