// Which requests of an issuer are deleted: those for former certificates stay to be looked at, and not for ever.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { createdAtMs, newestFirst, outcomeOf } from './certificate-request.ts';

/** Of all replicas. */
const KEPT = 10;
/** The answer to a younger one may not have been read by the replica that asked. */
const YOUNG_MS = 3_600_000;
/** Who approves by hand has not looked at it for so long. */
const FORGOTTEN_MS = 30 * 86_400_000;
/** At a time. */
const MAX_DELETED = 20;

/** @param requests all of one issuer. @returns the oldest, beyond those that stay. */
export function dispensable(requests: readonly KubernetesObject[], nowMs: number): readonly KubernetesObject[] {
  const isOver = (request: KubernetesObject): boolean => {
    const ageMs = nowMs - createdAtMs(request);
    return outcomeOf(request).kind === 'waiting' ? ageMs > FORGOTTEN_MS : ageMs > YOUNG_MS;
  };
  return requests.toSorted(newestFirst).slice(KEPT).filter(isOver).slice(-MAX_DELETED);
}
