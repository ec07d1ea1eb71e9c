// Certificates that live, put to the policies of today: by one process for all that share the store, page by page of the inventory,
// at a share of a thread's time, so that issuing does not feel it. Who judges, and what is counted, is the reviewer's.
// While policies change a round is ended by what it began with, and another one follows; only another bundle begins anew at once. Where
// some namespaces changed theirs, the certificates of those are judged ahead, in turn with the round over all.
import { AuthorityError } from '../../domain/errors.ts';
import { changedNamespaces } from '../../domain/policy/history/changed-namespaces.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import { Alarm } from '../../live/alarm.ts';
import type { Inventory, InventoryEnds } from '../../ports/inventory/inventory.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';
import type { IssuedRecords } from '../../ports/storage/issuance-journal.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import { whileLeading, type Leading } from '../chores/while-leading.ts';
import { LiveRound, type LiveReviewer } from './live-round.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface LiveWatchParts<Found> {
  readonly inventory: Pick<Inventory, 'page'> & InventoryEnds;
  readonly records: IssuedRecords;
  readonly policies: PolicySource;
  /** Begins a round: by these policies, and by what is known of the clusters now. */
  readonly review: (policies: PolicySet, nowMs: number) => LiveReviewer<Found>;
  readonly lease: Lease;
  readonly clock: Clock;
}

export interface Judged<Found> {
  /** When the round began, in ms since the epoch. */
  readonly asOfMs: number;
  /** Of the policies that judged. */
  readonly revision: string;
  /** Whether all that lived were judged; else it goes on, and `found` grows. */
  readonly isComplete: boolean;
  readonly found: Found;
}

export interface JudgedCertificates<Found> extends Judged<Found> {
  /** Those of namespaces whose policies changed since, before all are judged by them. */
  readonly ahead?: Judged<Found> & { readonly namespaces: readonly string[] };
  /** How far the round over all is that goes on; absent between two. */
  readonly progress?: RoundProgress;
}

export interface RoundProgress {
  readonly asOfMs: number;
  readonly revision: string;
  /** Entries of the inventory that were read, of so many as lived when it began. */
  readonly entries: number;
  readonly of: number;
}

/**
 * How much longer than a step the pause after it is: of the event loop a tenth at most goes here, and of whoever answers for the store a
 * fifth; less where the machine is busy and steps take longer.
 */
const RESTS = { read: 4, judged: 10 };
const SHORTEST_REST_MS = 5;
/** Where more changed their policies, nobody is judged ahead of others. */
export const MOST_AHEAD = 20;
/** Between two rounds, for what changes without a change of policy: pods, accounts, certificates. */
export const AGAIN_AFTER_MS = 300_000;
/** Of an inventory that does not have yet what was issued before the round: by the policies of before. */
const EARLY_MS = 500;
/** Of a store that cannot be read now. */
const RETRY_MS = 10_000;

type Step = 'read' | 'judged' | 'early' | 'failed';

export class LiveWatch<Found> {
  readonly #parts: LiveWatchParts<Found>;
  readonly #alarm: Alarm;
  /** A whole one, where there is one by the bundle in force. */
  #shown: LiveRound<Found> | undefined;
  /** Over all: the last that began. */
  #all: LiveRound<Found> | undefined;
  #ahead: LiveRound<Found> | undefined;
  /** Revision for which it was looked last whether anything is to be judged ahead. */
  #lookedAhead: string | undefined;
  /** That had its turn last. */
  #last: LiveRound<Found> | undefined;

  constructor(parts: LiveWatchParts<Found>) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
  }

  /** Nothing before the first page, and while another process judges. */
  get seen(): JudgedCertificates<Found> | undefined {
    if (this.#shown === undefined) return undefined;
    const { namespaces = [] } = this.#ahead?.settings ?? {};
    return {
      ...judgedBy(this.#shown),
      ...(this.#ahead !== undefined && { ahead: { ...judgedBy(this.#ahead), namespaces } }),
      ...(this.#all?.isComplete === false && { progress: progressOf(this.#all) }),
    };
  }

  /** Runs until the signal aborts. */
  async run(options: Waits): Promise<void> {
    this.#parts.policies.onChange(() => this.#alarm.ring(), options);
    await whileLeading(this.#parts, async (leading) => this.#lead(leading), options);
  }

  async #lead(options: Leading): Promise<void> {
    while (!options.signal.aborted) {
      await this.#judgeAll(options);
      await this.#alarm.sleep(AGAIN_AFTER_MS, options);
    }
    this.#shown = this.#all = this.#ahead = this.#last = this.#lookedAhead = undefined;
  }

  async #judgeAll({ signal }: Waits): Promise<void> {
    const { clock } = this.#parts;
    this.#all = this.#begin();
    for (let round = this.#next(); round !== undefined && !signal.aborted; round = this.#next()) {
      this.#last = round;
      const beganMs = clock.monotonicMs();
      const step = await this.#step(round, { signal });
      const waitMs = waitAfter(step, clock.monotonicMs() - beganMs);
      await clock.sleep(waitMs, { signal }).catch(() => undefined);
    }
  }

  #begin(namespaces?: readonly string[]): LiveRound<Found> {
    const { policies: source, review, clock } = this.#parts;
    const [policies, asOfMs] = [source.current(), clock.nowMs()];
    const whose = namespaces === undefined ? {} : { namespaces };
    return new LiveRound(this.#parts, { policies, asOfMs, reviewer: review(policies, asOfMs), ...whose });
  }

  /** In turn: whoever changes policies again and again does not keep the rest from being judged. */
  #next(): LiveRound<Found> | undefined {
    if (this.#all?.settings.policies.bundleDigest !== this.#parts.policies.current().bundleDigest) {
      this.#all = this.#begin();
      this.#ahead = this.#lookedAhead = undefined;
    }
    this.#lookAhead(this.#all);
    const [first, second] = [this.#ahead, this.#all].filter((round) => round?.isComplete === false);
    return first === this.#last && second !== undefined ? second : first;
  }

  /** One that goes on is ended first, as that over all is; and behind that another begins over all, which others may be ahead of. */
  #lookAhead(all: LiveRound<Found>): void {
    const inForce = this.#parts.policies.current();
    if (all.isComplete || this.#ahead?.isComplete === false || inForce.revision === this.#lookedAhead) return;
    this.#lookedAhead = inForce.revision;
    const { policies: judged } = (this.#shown?.isComplete === true ? this.#shown : all).settings;
    const namespaces = changedNamespaces(judged, inForce) ?? [];
    const isAhead = namespaces.length > 0 && namespaces.length <= MOST_AHEAD;
    this.#ahead = isAhead ? this.#begin(namespaces) : undefined;
  }

  async #step(round: LiveRound<Found>, options: Waits): Promise<Step> {
    try {
      const step = await round.step(options);
      if (step !== 'early' && round === this.#all) this.#show(round);
      return step;
    } catch (cause) {
      // The store says by itself that it cannot be read; the page is asked for again.
      if (options.signal.aborted || cause instanceof AuthorityError) return 'failed';
      throw cause;
    }
  }

  /** A whole result stands until the next round is over, unless that is by another bundle. */
  #show(round: LiveRound<Found>): void {
    const { policies, asOfMs } = round.settings;
    const isOfBundle = this.#shown?.settings.policies.bundleDigest === policies.bundleDigest;
    if (!round.isComplete && this.#shown?.isComplete === true && isOfBundle) return;
    this.#shown = round;
    if (round.isComplete && this.#ahead !== undefined && this.#ahead.settings.asOfMs <= asOfMs) this.#ahead = undefined;
  }
}

/** In ms. */
function waitAfter(step: Step, tookMs: number): number {
  if (step === 'early') return EARLY_MS;
  return step === 'failed' ? RETRY_MS : Math.max(SHORTEST_REST_MS, RESTS[step] * tookMs);
}

function judgedBy<Found>(round: LiveRound<Found>): Judged<Found> {
  const { policies, asOfMs, reviewer } = round.settings;
  return { asOfMs, revision: policies.revision, isComplete: round.isComplete, found: reviewer.result() };
}

function progressOf({ settings: { policies, asOfMs }, entries, of }: LiveRound<unknown>): RoundProgress {
  return { asOfMs, revision: policies.revision, entries, of: Math.max(of, entries) };
}
