// Refusals of one cause as one: what was refused for the same reason, in the same namespace and by the same clause of a policy, with
// why and what would pass.
import { kubernetesIdentityOf } from '../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../domain/identity/spiffe-id.ts';
import type { RefusedRecord } from '../../ports/storage/issuance-journal.ts';
import { formatTrace } from './format-trace.ts';
import { recordedDecision } from './traced-decision.ts';

export interface RefusalGroup {
  readonly reason: string;
  /** Absent where nobody knows for whom it was. */
  readonly namespace?: string;
  /** The first clause that did not hold, as `<policy> <field>`; absent where it was none of policy. */
  readonly rule?: string;
  /** Requests that were refused. */
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Whom it was about, at most `MAX_NAMED`, and how many there are of those that were looked at. */
  readonly identities: { readonly first: readonly string[]; readonly count: number };
  readonly latest: {
    readonly decisionId: string;
    /** The line that the caller got. */
    readonly message: string;
    /** As `capstan policy explain` says it; empty where policy was not asked. */
    readonly explanation: readonly string[];
    /** What would make it pass, each as an order. */
    readonly toPass: readonly string[];
  };
}

export const MAX_NAMED = 5;

interface Gathered {
  readonly latest: RefusedRecord;
  firstMs: number;
  count: number;
  readonly identities: Set<string>;
}

/** @param refusals newest first. @returns those with the most refusals first. */
export function refusalGroups(refusals: readonly RefusedRecord[]): readonly RefusalGroup[] {
  const groups = new Map<string, Gathered>();
  for (const record of refusals) {
    const key = JSON.stringify([record.reason, namespaceOf(record), ruleOf(record)]);
    const group = groups.get(key) ?? { latest: record, firstMs: record.timeMs, count: 0, identities: new Set() };
    groups.set(key, group);
    group.firstMs = record.timeMs;
    group.count += record.count ?? 1;
    const identity = identityOf(record);
    if (identity !== undefined) group.identities.add(identity);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count).map(groupFrom);
}

/** @returns nothing where the request was of nobody known, or of no namespace. */
export function namespaceOf(record: RefusedRecord): string | undefined {
  const parsed = SpiffeId.parse(identityOf(record) ?? '');
  const identity = parsed instanceof SpiffeId ? kubernetesIdentityOf(parsed) : parsed;
  return 'problem' in identity ? undefined : identity.namespace;
}

function identityOf({ policy, identity, caller }: RefusedRecord): string | undefined {
  return policy?.subject ?? identity ?? caller;
}

function ruleOf({ policy }: RefusedRecord): string | undefined {
  const [first] = policy?.failures ?? [];
  return first && `${first.policy} ${first.field}`;
}

function groupFrom({ latest, firstMs, count, identities }: Gathered): RefusalGroup {
  const [namespace, rule] = [namespaceOf(latest), ruleOf(latest)];
  const traced = recordedDecision(latest);
  return {
    reason: latest.reason,
    ...(namespace !== undefined && { namespace }),
    ...(rule !== undefined && { rule }),
    count,
    firstMs,
    lastMs: latest.timeMs,
    identities: { first: [...identities].slice(0, MAX_NAMED), count: identities.size },
    latest: {
      decisionId: latest.decisionId,
      message: latest.message,
      explanation: traced === undefined ? [] : formatTrace(traced),
      toPass: toPassOf(latest),
    },
  };
}

/** @returns what would make it pass, each as an order. */
export function toPassOf({ policy }: RefusedRecord): readonly string[] {
  return (policy?.failures ?? []).map(({ change, contact }) =>
    contact === undefined ? change : `${change}; ask ${contact}`,
  );
}
