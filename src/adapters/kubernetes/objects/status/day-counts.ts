// How often each local policy applied, refused or would have refused, in the last 24 hours of this server.
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { DecisionObserver } from '../../../../ports/policy/decision-observer.ts';
import type { DayCounts, PolicyCounter, PolicyCounts } from '../../../../ports/policy/policy-counter.ts';

type Counts = { -readonly [What in keyof PolicyCounts]: number };

const NONE: PolicyCounts = { issued: 0, refused: 0, auditHits: 0 };

const HOUR_MS = 3_600_000;
const HOURS = 24;
/** Policies that are counted in one hour; of more some are not counted. */
const MAX_POLICIES = 10_000;

export class PolicyDayCounts implements PolicyCounter {
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly #beganMs: number;
  readonly #beganAtMs: number;
  /** By hour of the monotonic clock, then by the policy's title, as in `PolicyDecision.applied`. */
  readonly #hours = new Map<number, Map<string, Counts>>();

  constructor(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>) {
    this.#clock = clock;
    this.#beganMs = clock.nowMs();
    this.#beganAtMs = clock.monotonicMs();
  }

  add(title: string, counts: PolicyCounts): void {
    const hour = this.#hour();
    const titles = this.#hours.get(hour) ?? new Map<string, Counts>();
    if (titles.size === 0) this.#begin(hour, titles);
    if (!titles.has(title) && titles.size >= MAX_POLICIES) return;
    const known = titles.get(title) ?? { ...NONE };
    known.issued += counts.issued;
    known.refused += counts.refused;
    known.auditHits += counts.auditHits;
    titles.set(title, known);
  }

  async of(title: string): Promise<DayCounts> {
    const oldest = this.#hour() - HOURS;
    const sum: Counts = { ...NONE };
    for (const [hour, titles] of this.#hours) {
      const counts = hour <= oldest ? undefined : titles.get(title);
      sum.issued += counts?.issued ?? 0;
      sum.refused += counts?.refused ?? 0;
      sum.auditHits += counts?.auditHits ?? 0;
    }
    const isWhole = this.#clock.monotonicMs() - this.#beganAtMs >= HOURS * HOUR_MS;
    return isWhole ? sum : { ...sum, since: new Date(this.#beganMs).toISOString().replace(/\.\d+Z$/, 'Z') };
  }

  #begin(hour: number, titles: Map<string, Counts>): void {
    this.#hours.set(hour, titles);
    for (const old of this.#hours.keys()) if (old <= hour - HOURS) this.#hours.delete(old);
  }

  #hour(): number {
    return Math.floor(this.#clock.monotonicMs() / HOUR_MS);
  }
}

/** Each policy once, however many of its clauses failed. */
function titlesOf(clauses: readonly { readonly layer: string; readonly policy: string }[]): ReadonlySet<string> {
  return new Set(clauses.map(({ layer, policy }) => `${layer} ${policy}`));
}

/** @returns what counts each decision of local policies. */
export function countedDecisions(counter: Pick<PolicyCounter, 'add'>): DecisionObserver {
  const count = (titles: Iterable<string>, what: keyof PolicyCounts): void => {
    for (const title of titles) if (!title.startsWith('central ')) counter.add(title, { ...NONE, [what]: 1 });
  };
  return {
    decided: ({ outcome, policy }) => {
      if (policy === undefined) return;
      const { applied, failures = [], audits = [] } = policy;
      if (outcome === 'issued') count(applied, 'issued');
      else count(titlesOf(failures), 'refused');
      count(titlesOf(audits), 'auditHits');
    },
  };
}
