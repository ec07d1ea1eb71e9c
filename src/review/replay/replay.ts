// A replay: recorded decisions of a span of time, put to a candidate policy before it is rolled out.
import { ReplayTally, type ChangedGroup, type ReplayResult } from '../../domain/policy/history/replay-tally.ts';
import { formatCount } from '../../domain/text/format-count.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import type { DecisionRecord } from '../../ports/storage/issuance-journal.ts';
import type { Finding, ReviewedCase, Severity } from '../findings.ts';
import type { Candidate } from '../sources/candidate.ts';
import { Replayer } from './replayer.ts';

/** Who was issued a certificate so long before the first decision is known to renew it. */
const WARM_UP_MS = 86_400_000;

export interface Replay {
  readonly result: ReplayResult;
  /** Decisions that were read. */
  readonly decisions: number;
  /** Of them: those that policy was not asked about, or whose request was not recorded. */
  readonly leftOut: number;
  readonly revision: string;
  readonly bundle: string;
}

export type ReplayChange = keyof ReplayResult['groups'];

export class PolicyReplay {
  readonly #policies: Candidate['policies'];
  readonly #replayer: Replayer;
  readonly #tally = new ReplayTally();
  readonly #fromMs: number;
  #decisions = 0;
  #leftOut = 0;

  /** @param fromMs milliseconds since the epoch: the first decision that counts. */
  constructor({ policies, snapshot }: Pick<Candidate, 'policies' | 'snapshot'>, fromMs: number) {
    this.#policies = policies;
    this.#replayer = new Replayer(policies, snapshot);
    this.#fromMs = fromMs;
  }

  /** From when on it needs records: those before the first decision say who held a certificate. */
  get sinceMs(): number {
    return this.#fromMs - WARM_UP_MS;
  }

  /** @param record in the order of time. */
  add(record: DecisionRecord): void {
    if (record.timeMs < this.#fromMs) {
      this.#replayer.observe(record);
      return;
    }
    this.#decisions += 1;
    const replayed = this.#replayer.replay(record);
    if (replayed === undefined) this.#leftOut += 1;
    else this.#tally.add(replayed);
  }

  result(): Replay {
    const { revision, bundleName: bundle } = this.#policies;
    return { result: this.#tally.result(), decisions: this.#decisions, leftOut: this.#leftOut, revision, bundle };
  }
}

/** What each change means: who would newly be refused comes first, and alone is an error. */
export const REPLAY_CHANGES: Readonly<
  Record<ReplayChange, { readonly sentence: string; readonly severity: Severity }>
> = {
  newlyRefused: { sentence: 'would newly be refused', severity: 'error' },
  newlyApproved: { sentence: 'would newly be approved', severity: 'note' },
  undecided: { sentence: 'cannot be told', severity: 'note' },
};

/** @returns a case for each identity that something changes for. */
export function replayCases({ result }: Replay): readonly ReviewedCase[] {
  const findings = (Object.keys(REPLAY_CHANGES) as ReplayChange[]).flatMap((change) =>
    result.groups[change].map((group) => findingOf(group, change)),
  );
  const byIdentity = [...Map.groupBy(findings, ({ subject = '' }) => subject)];
  return byIdentity.map(([name, own]) => ({ name, findings: own }));
}

function findingOf(group: ChangedGroup, change: ReplayChange): Finding {
  const { identity, refusalReason, decisionId } = group;
  const { sentence, severity } = REPLAY_CHANGES[change];
  const message = `${sentence}: ${formatTimes(group)}, ${refusalReason.where}: ${refusalReason.words}; such as decision ${decisionId}`;
  return { id: refusalReason.reason, severity, message, subject: identity };
}

/** `once, 2026-01-06 10:00:00 UTC`, or how often, from when to when. */
export function formatTimes({ count, firstMs, lastMs }: ChangedGroup): string {
  if (count === 1) return `once, ${formatTime(firstMs)}`;
  return `${formatCount(count)} times, ${formatTime(firstMs)} to ${formatTime(lastMs)}`;
}
