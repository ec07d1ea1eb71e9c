// What a candidate policy changes for decisions of the past, counted by identity and cause: who would newly
// be refused, who would newly be approved, and for whom it cannot be decided.
import type { RefusalReason, Verdict } from './replay-verdict.ts';

/** What policy had said: `unjudged` when it could not judge then. */
export type PriorVerdict =
  | { readonly outcome: 'approved' | 'unjudged' }
  | { readonly outcome: 'refused'; readonly refusalReason: RefusalReason };

export const VERDICT_CHANGES = ['newlyRefused', 'newlyApproved', 'undecided', 'unchanged'] as const;
export type VerdictChange = (typeof VERDICT_CHANGES)[number];

export interface ReplayedDecision {
  readonly decisionId: string;
  readonly timeMs: number;
  /** SPIFFE ID. */
  readonly identity: string;
  readonly before: PriorVerdict;
  readonly after: Verdict;
}

/** Decisions of one identity that change for one cause. */
export interface ChangedGroup {
  readonly identity: string;
  readonly refusalReason: RefusalReason;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The first of them. */
  readonly decisionId: string;
}

export interface ReplayResult {
  readonly counts: Readonly<Record<VerdictChange, number>>;
  /** The largest group first. */
  readonly groups: Readonly<Record<Exclude<VerdictChange, 'unchanged'>, readonly ChangedGroup[]>>;
  /** Decisions that are counted, but in no group, because there are too many groups. */
  readonly ungrouped: number;
}

/** Groups of one change; of a candidate that changes more only the count is kept. */
const MAX_GROUPS = 10_000;

type MutableGroup = { -readonly [K in keyof ChangedGroup]: ChangedGroup[K] };

export class ReplayTally {
  readonly #counts = { newlyRefused: 0, newlyApproved: 0, undecided: 0, unchanged: 0 };
  readonly #groups = {
    newlyRefused: new Map<string, MutableGroup>(),
    newlyApproved: new Map<string, MutableGroup>(),
    undecided: new Map<string, MutableGroup>(),
  };
  #ungrouped = 0;

  /** @param decision in the order of time. */
  add(decision: ReplayedDecision): void {
    const { change, refusalReason } = changeOf(decision);
    this.#counts[change] += 1;
    if (change === 'unchanged' || refusalReason === undefined) return;
    const groups = this.#groups[change];
    const key = `${decision.identity} ${refusalReason.reason} ${refusalReason.where}`;
    const known = groups.get(key);
    if (known !== undefined) extend(known, decision.timeMs);
    else if (groups.size < MAX_GROUPS) groups.set(key, groupOf(decision, refusalReason));
    else this.#ungrouped += 1;
  }

  result(): ReplayResult {
    const { newlyRefused, newlyApproved, undecided } = this.#groups;
    return {
      counts: { ...this.#counts },
      groups: {
        newlyRefused: largestFirst(newlyRefused),
        newlyApproved: largestFirst(newlyApproved),
        undecided: largestFirst(undecided),
      },
      ungrouped: this.#ungrouped,
    };
  }
}

function changeOf({ before, after }: ReplayedDecision): {
  readonly change: VerdictChange;
  readonly refusalReason?: RefusalReason;
} {
  if (after.outcome === 'undecided') return { change: 'undecided', refusalReason: after.refusalReason };
  if (before.outcome === 'unjudged') return { change: 'undecided', refusalReason: UNJUDGED };
  if (before.outcome === after.outcome) return { change: 'unchanged' };
  if (after.outcome === 'refused') return { change: 'newlyRefused', refusalReason: after.refusalReason };
  return 'refusalReason' in before
    ? { change: 'newlyApproved', refusalReason: before.refusalReason }
    : { change: 'unchanged' };
}

const UNJUDGED: RefusalReason = {
  reason: 'CAP-S10',
  where: 'the record',
  words: 'policy could not judge it then',
};

function groupOf({ identity, timeMs, decisionId }: ReplayedDecision, refusalReason: RefusalReason): MutableGroup {
  return { identity, refusalReason, count: 1, firstMs: timeMs, lastMs: timeMs, decisionId };
}

function extend(group: MutableGroup, timeMs: number): void {
  group.count += 1;
  group.lastMs = timeMs;
}

function largestFirst(groups: ReadonlyMap<string, ChangedGroup>): readonly ChangedGroup[] {
  return [...groups.values()].sort((a, b) => b.count - a.count || (a.identity < b.identity ? -1 : 1));
}
