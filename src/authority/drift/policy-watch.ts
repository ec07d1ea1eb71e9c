// Whether the policies in force are those that should be: looked at whenever either changes, and again and again for what
// no change tells of. What differs is told of once, and once more when it differs in another way; issuing goes on by what
// is in force, whatever is found here. What was in force for a moment alone, and was put back, is told of too: a moment is
// enough to have a certificate issued.
import { digestOf, policyDrift, type KnownPolicy, type PolicyDrift } from '../../domain/policy/history/policy-drift.ts';
import { Recent } from '../../domain/bounded/recent.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import { Alarm, type AlarmEnd } from '../../live/alarm.ts';
import { ReportEachOnce, ReportOnce } from '../../live/report-once.ts';
import { within } from '../../live/within.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { ExpectedPolicies, PoliciesKept } from '../../ports/policy/expected-policies.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface PolicyWatchParts {
  readonly policies: PolicySource;
  /** Absent, only the digest of the bundle is known. */
  readonly expected?: ExpectedPolicies;
  readonly clock: Clock;
  /** Absent where another process of this server tells. */
  readonly events?: Pick<Events, 'policyDrifted' | 'policyDriftOver' | 'policyDriftUnknown'>;
}

export interface PolicyWatchSettings {
  /** Hex SHA-256 of the bundle that should be in force, whatever the checkout has. */
  readonly bundleDigest?: string;
}

/** What the last look found. */
export interface WatchedPolicies {
  /** In ms since the epoch. */
  readonly asOfMs: number;
  /** Of the checkout. */
  readonly gitRevision?: string;
  /** Of the last commit seen here whose policies are those in force; absent when none of them is. */
  readonly gitRevisionInForce?: string;
  /** Why the checkout cannot be read; `drifts` are those from what was read last. */
  readonly problem?: string;
  readonly drifts: readonly PolicyDrift[];
}

interface Compared {
  readonly inForce: PolicySet;
  readonly kept: PoliciesKept | undefined;
  readonly drifts: readonly PolicyDrift[];
}

/** Between two looks that nothing asked for. */
export const LOOKED_EVERY_MS = 15_000;
/** Of a checkout with 10,000 files on a busy machine some ten seconds; one on a file system that stalls never comes. */
export const READ_WITHIN_MS = 40_000;
const LATE_WITHIN_MS = 1_000;
/** Of more that come at once the first are compared field by field, and told of; the numbers count all. */
const MAX_REPORTED = 100;
/** Files and objects that are changed together come one after the other. */
export const SETTLED_AFTER_MS = 5_000;
/** Revisions of policies whose commit is remembered. */
const MAX_COMMITS = 100;
/** Revisions that were in force between two looks, the first of them. */
const MAX_PASSING = 10;

export class PolicyWatch {
  readonly #parts: PolicyWatchParts;
  readonly #settings: PolicyWatchSettings;
  readonly #alarm: Alarm;
  readonly #reported = new ReportEachOnce();
  readonly #unread: ReportOnce;
  /** By the revision of the policies. */
  readonly #commits = new Recent<string>(MAX_COMMITS);
  #kept: PoliciesKept | undefined;
  /** A reading that has not come back: a second one would hang as it does, and hold as much. */
  #reading: Promise<PoliciesKept> | undefined;
  #compared: Compared | undefined;
  /** Of the last look. */
  #revision: string | undefined;
  /** What has been in force since then, by its revision. */
  #passing = new Map<string, PolicySet>();
  #seen: WatchedPolicies | undefined;

  constructor(parts: PolicyWatchParts, settings: PolicyWatchSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#alarm = new Alarm(parts.clock);
    this.#unread = new ReportOnce((problem) => parts.events?.policyDriftUnknown({ problem }));
  }

  /** Nothing before the first look. */
  get seen(): WatchedPolicies | undefined {
    return this.#seen;
  }

  /** Looks once, then follows both until the signal aborts. */
  async run(options: Waits): Promise<void> {
    const { policies, expected } = this.#parts;
    const ring = (): void => this.#alarm.ring();
    const changed = (): void => {
      this.#keepPassing();
      ring();
    };
    policies.onChange(changed, options);
    expected?.onChange(ring, options);
    let end: AlarmEnd = 'reached';
    while (end !== 'aborted') {
      if (end === 'rung') await this.#settle(options);
      await this.#look(options);
      end = await this.#alarm.sleep(LOOKED_EVERY_MS, options);
    }
  }

  async #settle({ signal }: Waits): Promise<void> {
    await this.#parts.clock.sleep(SETTLED_AFTER_MS, { signal }).catch(() => undefined);
  }

  async #look(options: Waits): Promise<void> {
    await this.#readKept(options);
    const inForce = currentOf(this.#parts.policies);
    if (inForce === undefined) return;
    this.#tellPassing(inForce);
    const drifts = this.#driftsOf(inForce);
    const { gitRevision } = this.#kept ?? {};
    if (gitRevision !== undefined && drifts.length === 0) this.#commits.set(inForce.revision, gitRevision);
    const gitRevisionInForce = this.#commits.get(inForce.revision);
    const { problem } = this.#unread;
    this.#seen = {
      asOfMs: this.#parts.clock.nowMs(),
      ...(gitRevision !== undefined && { gitRevision }),
      ...(gitRevisionInForce !== undefined && { gitRevisionInForce }),
      ...(problem !== undefined && { problem }),
      drifts,
    };
    this.#tell(this.#seen, inForce.revision);
  }

  #keepPassing(): void {
    const inForce = currentOf(this.#parts.policies);
    if (inForce !== undefined && this.#passing.size < MAX_PASSING) this.#passing.set(inForce.revision, inForce);
  }

  /** Only what was put back: on the way from one revision to another, as files and objects come one by one, there are others. */
  #tellPassing({ revision }: PolicySet): void {
    const passed = this.#passing.values().filter((one) => one.revision !== revision);
    if (revision === this.#revision) for (const one of passed) this.#tell({ drifts: this.#compare(one) }, one.revision);
    this.#passing = new Map();
    this.#revision = revision;
  }

  /** What cannot be read leaves what was read last. */
  async #readKept({ signal }: Waits): Promise<void> {
    const { expected, clock } = this.#parts;
    if (expected === undefined) return;
    // Who waits for one that was late already would have a hand edit reported late.
    const waitMs = this.#reading === undefined ? READ_WITHIN_MS : LATE_WITHIN_MS;
    try {
      this.#reading ??= expected.read().finally(() => (this.#reading = undefined));
      const reading = this.#reading;
      const kept = await within(waitMs, clock, async () => reading, { signal });
      if (kept === undefined) throw new Error(`reading it takes more than ${READ_WITHIN_MS / 1_000} s`);
      this.#kept = kept;
      this.#unread.over();
    } catch (error) {
      if (signal.aborted) return;
      this.#unread.found(error instanceof Error ? error.message : String(error));
    }
  }

  /** Compares nothing that was compared already. */
  #driftsOf(inForce: PolicySet): readonly PolicyDrift[] {
    const last = this.#compared;
    if (last?.inForce === inForce && last.kept === this.#kept) return last.drifts;
    const drifts = this.#compare(inForce);
    this.#compared = { inForce, kept: this.#kept, drifts };
    return drifts;
  }

  #compare(inForce: PolicySet): readonly PolicyDrift[] {
    const known = knownIn(inForce);
    const drifts =
      this.#kept === undefined ? [] : policyDrift(known.map(digestOf), known, this.#kept.policies, MAX_REPORTED);
    const title = `PolicyBundle ${inForce.bundle.name}`;
    const { bundleDigest = inForce.bundleDigest } = this.#settings;
    const asExpected = bundleDigest === inForce.bundleDigest || drifts.some((each) => each.title === title);
    return asExpected ? drifts : [{ title, drift: 'different' }, ...drifts];
  }

  #tell({ drifts, gitRevision, gitRevisionInForce }: Omit<WatchedPolicies, 'asOfMs'>, revision: string): void {
    const { events } = this.#parts;
    const before = this.#reported.problems.size;
    const { fresh } = this.#reported.look(new Map(drifts.map((one) => [one.title, wordsOf(one)])));
    const commits = { ...(gitRevision && { gitRevision }), ...(gitRevisionInForce && { gitRevisionInForce }) };
    for (const { title, drift } of drifts.filter((each) => fresh.has(each.title)).slice(0, MAX_REPORTED)) {
      events?.policyDrifted({ policy: title, drift, revision, ...commits });
    }
    if (before > 0 && drifts.length === 0) events?.policyDriftOver({ revision, ...commits });
  }
}

function currentOf(policies: PolicySource): PolicySet | undefined {
  try {
    return policies.current();
  } catch {
    // CAP-S02: readiness says so.
    return undefined;
  }
}

function knownIn({ bundle, bundleDigest, local }: PolicySet): readonly KnownPolicy[] {
  const locals = local.map(({ policy, digest }) => ({ document: policy, digest }));
  return [{ document: bundle, digest: bundleDigest }, ...locals];
}

/** The same for the same difference. */
function wordsOf({ drift, fields = [] }: PolicyDrift): string {
  return JSON.stringify([drift, ...fields.map(({ field, before, after }) => [field, before, after])]);
}
