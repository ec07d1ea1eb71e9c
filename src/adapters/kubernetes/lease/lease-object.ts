// What a Lease of coordination.k8s.io/v1 says, and when it is free. Clocks of the replicas decide nothing: another's lease is
// over when we have seen it unchanged for its whole term, as client-go judges it (client-go, tools/leaderelection).
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { ApiKind } from '../api/kubernetes-api.ts';

export const LEASE: ApiKind = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

/** LeaseSpec (Kubernetes API reference, Lease v1). Times are MicroTime. */
export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  /** How often it has passed to another holder. */
  readonly leaseTransitions?: number;
}

/** A state of another's lease, and since when we have seen it. */
export interface Observed {
  readonly state: string;
  /** By the monotonic clock. */
  readonly sinceMs: number;
}

/** Of a holder that does not say: what client-go takes by default. */
const USUAL_TERM_MS = 15_000;

export function specOf(lease: KubernetesObject): LeaseSpec {
  return lease['spec'] ?? {};
}

/** @returns the observation after looking at a lease: begun anew when it has changed since. */
export function observe(lease: KubernetesObject, before: Observed | undefined, monotonicMs: number): Observed {
  const { holderIdentity, renewTime, leaseTransitions } = specOf(lease);
  const state = JSON.stringify([lease.metadata.uid, holderIdentity, renewTime, leaseTransitions]);
  return before?.state === state ? before : { state, sinceMs: monotonicMs };
}

/**
 * Nobody's, over, or left to ourselves by a try whose answer we never got.
 * @param holder we, by the name that no other process has.
 */
export function isFree(lease: KubernetesObject, holder: string, { sinceMs }: Observed, monotonicMs: number): boolean {
  const { holderIdentity = '', leaseDurationSeconds } = specOf(lease);
  if (holderIdentity === '' || holderIdentity === holder) return true;
  const termMs = leaseDurationSeconds === undefined ? USUAL_TERM_MS : leaseDurationSeconds * 1000;
  return monotonicMs - sinceMs >= termMs;
}

/** MicroTime: RFC 3339 with six digits of a second. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
