// What goes on record of pods that lost their identity: pure, of what is known of them and what they were given.
import {
  MAX_SERIALS,
  type ClosedPod,
  type ClosingRecord,
  type FollowedUntil,
} from '../../../ports/storage/closing-journal.ts';
import type { PodIssuance } from '../../../ports/storage/pod-issuances.ts';
import type { GonePod } from './gone-pods.ts';

/** Whose pods they are. */
export interface ClosedCluster extends Pick<FollowedUntil, 'remoteCluster'> {
  readonly cluster: string;
}

/**
 * @param gone of one identity. @param issuances to them. @param closed those that are on record.
 * @returns one for each pod and account that was ever given something and is not on record.
 */
export function closingsOf(
  { cluster, remoteCluster }: ClosedCluster,
  gone: readonly GonePod[],
  issuances: readonly PodIssuance[],
  closed: ReadonlySet<string>,
): readonly ClosingRecord[] {
  const byPod = Map.groupBy(issuances, ({ podUid }) => podUid);
  const closings = new Map<string, ClosingRecord>();
  for (const pod of gone) {
    const ofPod = (byPod.get(pod.podUid) ?? []).filter((issuance) => isOf(issuance, pod));
    for (const [key, given] of Map.groupBy(ofPod, closingKey)) {
      const [first] = given;
      if (first === undefined || closed.has(key) || closings.has(key)) continue;
      const of = { cluster, ...(remoteCluster !== undefined && { remoteCluster }) };
      closings.set(key, { ...closingOf(pod, first, given), ...of });
    }
  }
  return [...closings.values()];
}

function closingOf(
  { namespace, podName, podUid, reason, atMs: timeMs, lastSeenMs }: GonePod,
  { identity, nodeName, serviceAccountUid }: PodIssuance,
  given: readonly PodIssuance[],
): Omit<ClosingRecord, 'cluster'> {
  const live = given.filter(({ notAfterMs }) => notAfterMs > timeMs).sort((a, b) => b.notAfterMs - a.notAfterMs);
  return {
    timeMs,
    identity,
    reason,
    namespace,
    podName,
    podUid,
    ...(serviceAccountUid !== undefined && { serviceAccountUid }),
    ...(nodeName !== undefined && { nodeName }),
    ...(lastSeenMs !== undefined && { lastSeenMs: lastOf([lastSeenMs, ...given.map((one) => one.timeMs)]) }),
    liveCertificates: live.length,
    latestEndMs: lastOf(given.map(({ notAfterMs }) => notAfterMs)),
    serials: live.slice(0, MAX_SERIALS).map(({ serial }) => serial),
  };
}

/** @param moments may be many: no arguments of a call. */
function lastOf(moments: readonly number[]): number {
  return moments.reduce((lastMs, ms) => Math.max(lastMs, ms), 0);
}

/** What came by a node proxy names no account. */
function isOf({ serviceAccountUid: account }: PodIssuance, { serviceAccountUid }: GonePod): boolean {
  return serviceAccountUid === undefined || account === undefined || account === serviceAccountUid;
}

/** What names a closing, within one cluster. */
export function closingKey({ podUid, serviceAccountUid = '', identity }: ClosedPod): string {
  return `${podUid} ${serviceAccountUid} ${identity}`;
}
