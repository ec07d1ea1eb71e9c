// Whether the issuers can sign. Without the default one the server is not ready; what another signs is a part of what it does.
import type { Clock } from '../../../ports/platform/clock.ts';
import { degraded, degradedBy, notReady, READY, type HealthState } from '../../../ports/platform/health.ts';
import type { Issuer } from '../../../domain/x509/issuer.ts';
import type { IssuerState } from '../../../ports/issuing/issuers.ts';
import type { DocumentIssuers } from './document-issuers.ts';
import { formatShort } from './issuer-lifetime.ts';

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

interface FoundOfIssuer {
  readonly state: IssuerState;
  /** Why it should live longer. */
  readonly short: string | undefined;
  /** Why what is given is not in force. */
  readonly problem: string | undefined;
  /** Why the key does not answer. */
  readonly key: string | undefined;
}

/** @param issuer the one in force. */
export function healthInForce(
  { notBeforeMs, notAfterMs }: Issuer,
  { state, short, problem, key }: FoundOfIssuer,
  nowMs: number,
): HealthState {
  if (notBeforeMs > nowMs) {
    return notReady(`the issuer certificate is not valid before ${new Date(notBeforeMs).toISOString()}`);
  }
  if (notAfterMs <= nowMs) return notReady('the issuer certificate has expired');
  if (key !== undefined) return notReady(`the signing key does not answer: ${key}`);
  if (state.kind === 'unavailable') return notReady(problem ?? `the issuer ${state.why}`);
  if (problem !== undefined) return degraded(`the last good issuer stays: ${problem}`);
  return short === undefined ? READY : degraded(formatShort(short));
}
