// The newest refusal about each pod: why it has no certificate, and what would pass.
import { accountIn, type CoverageRow } from '../../domain/inventory/coverage.ts';
import type { RefusedRecord } from '../../ports/storage/issuance-journal.ts';
import { toPassOf } from './refusal-groups.ts';

export interface PodRefusal {
  readonly decisionId: string;
  readonly timeMs: number;
  readonly reason: string;
  /** The line that the caller got. */
  readonly message: string;
  /** What would make it pass, each as an order. */
  readonly toPass: readonly string[];
}

/** A pod that is not covered, with the newest refusal about it where it has no identity and should have one. */
export type ExplainedRow = CoverageRow & { readonly refusal?: PodRefusal };

/**
 * @param refusals newest first. @param own the cluster of records that name none.
 * @returns how to find that of a pod: about the pod itself, or else about its account where the record names no pod.
 */
export function podRefusals(
  refusals: readonly RefusedRecord[],
  own: string,
): (pod: CoverageRow) => PodRefusal | undefined {
  const newest = new Map<string, RefusedRecord>();
  for (const record of refusals) {
    for (const about of subjectsOf(record)) {
      const key = keyOf(record.cluster ?? own, about);
      if (!newest.has(key)) newest.set(key, record);
    }
  }
  return ({ cluster, podUid, namespace, serviceAccount = '' }) => {
    const record = newest.get(keyOf(cluster, podUid)) ?? newest.get(keyOf(cluster, `${namespace}/${serviceAccount}`));
    return record && refusalIn(record);
  };
}

/** UIDs of pods, or an account, whose slash no UID has. A node proxy asks for other pods than its own. */
function subjectsOf({ podUid, policy, identity, caller }: RefusedRecord): readonly string[] {
  const served = policy?.actor === undefined ? undefined : policy.podNames;
  const pods = served?.flatMap(({ uid }) => uid ?? []) ?? (podUid === undefined ? [] : [podUid]);
  return pods.length > 0 ? pods : [accountIn(policy?.subject ?? identity ?? caller ?? '') ?? ''];
}

function keyOf(cluster: string, about: string): string {
  return `${cluster} ${about}`;
}

function refusalIn(record: RefusedRecord): PodRefusal {
  const { decisionId, timeMs, reason, message } = record;
  return { decisionId, timeMs, reason, message, toPass: toPassOf(record) };
}
