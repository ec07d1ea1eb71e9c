// How often each local policy applied, refused or would have refused, in the last 24 hours of this process.
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { DecisionObserver } from '../../../../ports/policy/decision-observer.ts';
import type { DecisionRecord } from '../../../../ports/storage/issuance-journal.ts';
import type { DayCounts } from './policy-status.ts';

interface Counts {
  issued: number;
  refused: number;
  auditHits: number;
}

const HOUR_MS = 3_600_000;
const HOURS = 24;
/** Policies that are counted in one hour; of more some are not counted. */
const MAX_POLICIES = 10_000;

export class PolicyDayCounts implements DecisionObserver {
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

  decided({ outcome, policy }: DecisionRecord): void {
    if (policy === undefined) return;
    const { applied, failures = [], audits = [] } = policy;
    if (outcome === 'issued') for (const title of applied) this.#count(title, 'issued');
    else for (const title of titlesOf(failures)) this.#count(title, 'refused');
    for (const title of titlesOf(audits)) this.#count(title, 'auditHits');
  }

  /** @param title `namespace shop/web`, or `cluster platform`. */
  of(title: string): DayCounts {
    const oldest = this.#hour() - HOURS;
    const sum: Counts = { issued: 0, refused: 0, auditHits: 0 };
    for (const [hour, titles] of this.#hours) {
      const counts = hour <= oldest ? undefined : titles.get(title);
      sum.issued += counts?.issued ?? 0;
      sum.refused += counts?.refused ?? 0;
      sum.auditHits += counts?.auditHits ?? 0;
    }
    const isWhole = this.#clock.monotonicMs() - this.#beganAtMs >= HOURS * HOUR_MS;
    return isWhole ? sum : { ...sum, since: new Date(this.#beganMs).toISOString().replace(/\.\d+Z$/, 'Z') };
  }

  #count(title: string, what: keyof Counts): void {
    if (title.startsWith('central ')) return;
    const hour = this.#hour();
    const titles = this.#hours.get(hour) ?? new Map<string, Counts>();
    if (titles.size === 0) this.#begin(hour, titles);
    const counts = titles.get(title) ?? { issued: 0, refused: 0, auditHits: 0 };
    if (!titles.has(title) && titles.size >= MAX_POLICIES) return;
    counts[what] += 1;
    titles.set(title, counts);
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
