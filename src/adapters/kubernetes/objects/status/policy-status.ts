// What the status of a policy object says: pure, from what was judged. Times change only with what they are the times of, so
// that a status that says the same is the same.
import { isDeepStrictEqual } from 'node:util';
import type { DayCounts } from '../../../../ports/policy/policy-counter.ts';

/** How a policy stands, as whoever judges it hands it in. */
export interface JudgedPolicy {
  /** What keeps it from being a policy, each with its field. */
  readonly problems: readonly { readonly field: string; readonly problem: string }[];
  /** Where it asks for more than the bundle gives. */
  readonly exceeding: readonly { readonly field: string; readonly actual: string; readonly allowed: string }[];
  readonly warnings: readonly string[];
  /** By field, such as `ttl.max`. */
  readonly effective: ReadonlyMap<string, string>;
  /** Whether what is in force is what is written. */
  readonly isInForce: boolean;
  /** Why it is not in force, beside `problems`. */
  readonly why?: string | undefined;
  /** `name@sequence`; absent before the first bundle. */
  readonly bundle?: string | undefined;
  /** Why the view of the cluster that conditions ask is not there. */
  readonly unsynced?: string | undefined;
}

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

export interface PolicyStatus {
  readonly observedGeneration?: number;
  readonly conditions: readonly Condition[];
  readonly effective?: Readonly<Record<string, string>>;
  readonly lastDay?: DayCounts;
}

/** Fields that one condition names; more are counted. */
const MAX_NAMED = 10;
const MAX_MESSAGE = 4_000;
const MAX_WORDS = 1_000;

/**
 * @param before the status as the API server has it, whoever wrote it.
 * @param counts absent, those of `before` stay.
 */
export function policyStatus(
  judged: JudgedPolicy,
  before: unknown,
  {
    generation,
    nowMs,
    counts,
  }: { readonly generation?: number | undefined; readonly nowMs: number; readonly counts?: DayCounts | undefined },
): PolicyStatus {
  const known = (before ?? {}) as Partial<PolicyStatus>;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const lastDay = counts ?? known.lastDay;
  const conditions = conditionsOf(judged).map((condition) => ({
    ...condition,
    ...observed,
    lastTransitionTime: sinceWhen(condition, known.conditions) ?? new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  }));
  return {
    ...observed,
    conditions,
    ...(judged.effective.size > 0 && { effective: effectiveOf(judged) }),
    ...(lastDay !== undefined && { lastDay }),
  };
}

/** Whether the API server has what would be written. */
export function isSameStatus(a: PolicyStatus, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}

type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

function conditionsOf(judged: JudgedPolicy): readonly Verdict[] {
  return [accepted(judged), exceeding(judged), synced(judged)];
}

function accepted({ problems, isInForce, why, warnings }: JudgedPolicy): Verdict {
  const verdict = (status: Condition['status'], reason: string, message: string): Verdict => ({
    type: 'Accepted',
    status,
    reason,
    message,
  });
  if (problems.length > 0) {
    const found = problems.map(({ field, problem }) => (field === '' ? problem : `${field} ${problem}`));
    return verdict('False', 'Invalid', listed(found));
  }
  if (!isInForce && why !== undefined) return verdict('False', 'NotInForce', why.slice(0, MAX_MESSAGE));
  if (!isInForce) return verdict('Unknown', 'Pending', 'it is about to come in force');
  return verdict(
    'True',
    'InForce',
    warnings.length === 0 ? 'in force as written' : `in force as written; ${listed(warnings)}`,
  );
}

function exceeding({ problems, exceeding: beyond, bundle }: JudgedPolicy): Verdict {
  const type = 'ExceedsCentral';
  if (problems.length > 0 || bundle === undefined) {
    const message = bundle === undefined ? 'no policy bundle is in force' : 'it is no policy as it is';
    return { type, status: 'Unknown', reason: 'NotJudged', message };
  }
  if (beyond.length === 0) return { type, status: 'False', reason: 'WithinCentral', message: `within ${bundle}` };
  const fields = beyond.map(({ field, actual, allowed }) => `${field} is ${actual}, ${bundle} gives ${allowed}`);
  return { type, status: 'True', reason: 'Exceeds', message: `what exceeds has no effect: ${listed(fields)}` };
}

function synced({ unsynced }: JudgedPolicy): Verdict {
  const type = 'SnapshotSynced';
  return unsynced === undefined
    ? { type, status: 'True', reason: 'Synced', message: 'conditions are judged by the cluster as it is' }
    : { type, status: 'False', reason: 'NotSynced', message: unsynced.slice(0, MAX_MESSAGE) };
}

function sinceWhen({ type, status }: Verdict, known: readonly Condition[] | undefined): string | undefined {
  if (!Array.isArray(known)) return undefined;
  const same = (known as readonly Condition[]).find((one) => one.type === type && one.status === status);
  return typeof same?.lastTransitionTime === 'string' ? same.lastTransitionTime : undefined;
}

/** `ttl.max` is `ttlMax` here. */
function effectiveOf({ effective, bundle }: JudgedPolicy): Readonly<Record<string, string>> {
  const fields = [...effective].map(([field, words]) => [
    field.replace(/\.([a-z])/, (_, letter: string) => letter.toUpperCase()),
    words.slice(0, MAX_WORDS),
  ]);
  return { ...(bundle !== undefined && { bundle }), ...(Object.fromEntries(fields) as Record<string, string>) };
}

function listed(words: readonly string[]): string {
  const more = words.length > MAX_NAMED ? `; and ${words.length - MAX_NAMED} more` : '';
  return (words.slice(0, MAX_NAMED).join('; ') + more).slice(0, MAX_MESSAGE);
}
