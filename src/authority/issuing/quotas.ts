// How many certificates a namespace and an identity may have in a minute: one counter for each quota that applies to
// them. Each policy has counters of its own and all must have room: what a local policy says neither divides nor refills
// what the bundle counts.
import { AuthorityError } from '../../domain/errors.ts';
import type { CountedQuotas } from '../../domain/policy/evaluation/applicable.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { QuotaBucket, QuotaCounters } from '../../ports/storage/quota-counters.ts';

export interface QuotaSubject {
  readonly namespace: string;
  readonly spiffeId: string;
  /** What it is given is counted apart from what the same names in this server's cluster are. */
  readonly remoteCluster?: string;
}

interface Quota {
  readonly bucket: QuotaBucket;
  readonly reason: Reason;
  readonly who: string;
}

/**
 * Counts one certificate in every counter, or in none.
 * @param counted the bundle's quotas first.
 * @throws AuthorityError `quota_exceeded` (CAP-Q03 for a namespace, CAP-Q04 for an identity) by the first quota that is
 *   used up, with the time after which all of them have room; as `QuotaCounters.take`.
 */
export async function countIssuance(
  counters: QuotaCounters,
  subject: QuotaSubject,
  counted: readonly CountedQuotas[],
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const quotas = counted.flatMap((one) => quotasOf(subject, one));
  if (quotas.length === 0) return;
  const full = await counters.take(
    quotas.map(({ bucket }) => bucket),
    options,
  );
  const first = quotas.find(({ bucket }) => bucket.key === full[0]?.key);
  if (first === undefined) return;
  const retryAfterMs = Math.max(...full.map(({ roomAfterMs }) => roomAfterMs));
  throw new AuthorityError(first.reason, {
    detail: `${first.who} over ${first.bucket.perMinute} a minute`,
    retryAfterMs,
  });
}

/** Known by their policy, never by their number: one that is changed goes on from where it stands. */
function quotasOf(subject: QuotaSubject, { policy, quotas }: CountedQuotas): readonly Quota[] {
  const { namespace, spiffeId, remoteCluster } = subject;
  const where = remoteCluster === undefined ? '' : ` of cluster ${remoteCluster}`;
  const { perNamespacePerMinute, perIdentityPerMinute } = quotas;
  const ofNamespace = {
    reason: 'CAP-Q03',
    who: `namespace ${namespace}${where}`,
    perMinute: perNamespacePerMinute,
  } as const;
  const ofIdentity = { reason: 'CAP-Q04', who: `${spiffeId}${where}`, perMinute: perIdentityPerMinute } as const;
  const [prefix, central] = policy === undefined ? ['', true] : [`${policy} `, false];
  return [ofNamespace, ofIdentity]
    .filter(({ perMinute }) => perMinute !== Infinity)
    .map(({ reason, who, perMinute }) => ({ reason, who, bucket: { key: `${prefix}${who}`, perMinute, central } }));
}
