// Whether the issuers can sign. Without the default one the server is not ready; what another signs is a part of what it does.
import type { Clock } from '../../../ports/platform/clock.ts';
import { degradedBy, notReady, type HealthState } from '../../../ports/platform/health.ts';
import type { DocumentIssuers } from './document-issuers.ts';

/** @param settings.minLifetimeMs an issuer with less left signs nothing. */
export function defaultIssuerHealth(
  { first }: Pick<DocumentIssuers, 'first'>,
  clock: Pick<Clock, 'nowMs'>,
  { minLifetimeMs }: { readonly minLifetimeMs: number },
): HealthState {
  const nowMs = clock.nowMs();
  const health = first.health(nowMs);
  if (health.state === 'not ready') return health;
  const { state } = first.named;
  const endMs = state.kind === 'ready' ? state.issuer.notAfterMs : Infinity;
  if (endMs < nowMs + minLifetimeMs) {
    return notReady(`the issuer certificate ends at ${new Date(endMs).toISOString()}, within lifetimes.min`);
  }
  return health;
}

export function additionalIssuersHealth(
  issuers: Pick<DocumentIssuers, 'additionalProblem'>,
  clock: Pick<Clock, 'nowMs'>,
): HealthState {
  return degradedBy(issuers.additionalProblem(clock.nowMs()));
}
