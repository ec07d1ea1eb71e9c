// Certificates that live, put to the policies of today: by one process for all that share the store, page by page of the inventory,
// at a share of a thread's time, so that issuing does not feel it. Who judges, and what is counted, is the reviewer's.
// While policies change a round is ended by what it began with, and another one follows; only another bundle begins anew at once.
import { AuthorityError } from '../../domain/errors.ts';
import type { InventoryPlace } from '../../domain/inventory/question.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import { Alarm } from '../../live/alarm.ts';
import type { Inventory, InventoryPage } from '../../ports/inventory/inventory.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';
import type { DecisionRecord, IssuanceJournalReader } from '../../ports/storage/issuance-journal.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import { whileLeading, type Leading } from '../chores/while-leading.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface LiveReviewer<Found> {
  /** @param record that issued a certificate; absent where it is not kept any more. */
  add(record: DecisionRecord | undefined): void;
  result(): Found;
}

export interface LiveWatchParts<Found> {
  readonly inventory: Pick<Inventory, 'page'>;
  readonly records: Pick<IssuanceJournalReader, 'list'>;
  readonly policies: PolicySource;
  /** Begins a round: by these policies, and by what is known of the clusters now. */
  readonly review: (policies: PolicySet, nowMs: number) => LiveReviewer<Found>;
  readonly lease: Lease;
  readonly clock: Clock;
}

export interface JudgedCertificates<Found> {
  /** When the round began, in ms since the epoch. */
  readonly asOfMs: number;
  /** Of the policies that judged. */
  readonly revision: string;
  /** Whether all that lived were judged; else it goes on, and `found` grows. */
  readonly isComplete: boolean;
  readonly found: Found;
}

/** Certificates of one step. */
const PAGE = 100;
/** Records that are asked for at once. */
const AT_ONCE = 10;
/** How much longer than a step the pause after it is: a thirtieth of a thread's time goes here; 10,000 certificates take about a minute, 500,000 an hour. */
const RESTS = 20;
const SHORTEST_REST_MS = 20;
/** Between two rounds, for what changes without a change of policy: pods, accounts, certificates. */
export const AGAIN_AFTER_MS = 300_000;
/** Of an inventory that does not have yet what was issued before the round: by the policies of before. */
const EARLY_MS = 500;
/** Of a store that cannot be read now. */
const RETRY_MS = 10_000;

interface Round<Found> {
  readonly policies: PolicySet;
  readonly asOfMs: number;
  readonly reviewer: LiveReviewer<Found>;
  after: InventoryPlace | undefined;
  /** Decisions of the last page: what a node proxy holds is an entry of each of its pods. */
  known: ReadonlySet<string>;
}

export class LiveWatch<Found> {
  readonly #parts: LiveWatchParts<Found>;
  readonly #alarm: Alarm;
  #seen: JudgedCertificates<Found> | undefined;
  /** Digest of the bundle that judged what is seen. */
  #seenBundle: string | undefined;

  constructor(parts: LiveWatchParts<Found>) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
  }

  /** Nothing before the first page, and while another process judges. */
  get seen(): JudgedCertificates<Found> | undefined {
    return this.#seen;
  }

  /** Runs until the signal aborts. */
  async run(options: Waits): Promise<void> {
    this.#parts.policies.onChange(() => this.#alarm.ring(), options);
    await whileLeading(this.#parts, async (leading) => this.#lead(leading), options);
  }

  async #lead(options: Leading): Promise<void> {
    while (!options.signal.aborted) {
      await this.#round(options);
      await this.#alarm.sleep(AGAIN_AFTER_MS, options);
    }
    this.#seen = undefined;
  }

  async #round({ signal }: Waits): Promise<void> {
    const { clock } = this.#parts;
    let round = this.#begin();
    while (!signal.aborted) {
      if (this.#hasOtherBundle(round)) round = this.#begin();
      const beganMs = clock.monotonicMs();
      const step = await this.#step(round, { signal });
      if (step === 'done') return;
      const restMs = Math.max(SHORTEST_REST_MS, RESTS * (clock.monotonicMs() - beganMs));
      const waitMs = { more: restMs, early: EARLY_MS, failed: RETRY_MS }[step];
      await clock.sleep(waitMs, { signal }).catch(() => undefined);
    }
  }

  #begin(): Round<Found> {
    const { policies, review, clock } = this.#parts;
    const [inForce, asOfMs] = [policies.current(), clock.nowMs()];
    const reviewer = review(inForce, asOfMs);
    return { policies: inForce, asOfMs, reviewer, after: undefined, known: new Set() };
  }

  #hasOtherBundle({ policies }: Round<Found>): boolean {
    return policies.bundleDigest !== this.#parts.policies.current().bundleDigest;
  }

  async #step(round: Round<Found>, options: Waits): Promise<'more' | 'done' | 'early' | 'failed'> {
    try {
      const page = await this.#page(round, options);
      if (isBehind(page, round)) return 'early';
      await this.#judge(round, page, options);
      round.after = page.next;
      const isComplete = page.next === undefined;
      this.#show(round, isComplete);
      return isComplete ? 'done' : 'more';
    } catch (cause) {
      // The store says by itself that it cannot be read; the page is asked for again.
      if (options.signal.aborted || cause instanceof AuthorityError) return 'failed';
      throw cause;
    }
  }

  async #page({ after }: Round<Found>, options: Waits): Promise<InventoryPage> {
    const { inventory, clock } = this.#parts;
    const place = after === undefined ? {} : { after };
    // Who is late lives all the same.
    return inventory.page({ conditions: {}, limit: PAGE, nowMs: clock.nowMs(), excused: [], ...place }, options);
  }

  /** All of the page are read first, so that one which is read again counts once. */
  async #judge(round: Round<Found>, { entries }: InventoryPage, options: Waits): Promise<void> {
    const decisions = [...new Set(entries.map(({ decisionId }) => decisionId))];
    const fresh = decisions.filter((decisionId) => !round.known.has(decisionId));
    const records: (DecisionRecord | undefined)[] = [];
    for (let first = 0; first < fresh.length; first += AT_ONCE) {
      const some = fresh.slice(first, first + AT_ONCE);
      records.push(...(await Promise.all(some.map(async (decisionId) => this.#record(decisionId, options)))));
    }
    for (const record of records) round.reviewer.add(record);
    round.known = new Set(decisions);
  }

  async #record(decisionId: string, options: Waits): Promise<DecisionRecord | undefined> {
    const [record] = await this.#parts.records.list({ decisionId, outcome: 'issued', limit: 1 }, options);
    return record;
  }

  /** A whole result stands until the next round is over, unless that is by another bundle. */
  #show({ policies, asOfMs, reviewer }: Round<Found>, isComplete: boolean): void {
    if (!isComplete && this.#seen?.isComplete === true && this.#seenBundle === policies.bundleDigest) return;
    this.#seen = { asOfMs, revision: policies.revision, isComplete, found: reviewer.result() };
    this.#seenBundle = policies.bundleDigest;
  }
}

/** A page from the middle says nothing new. */
function isBehind({ asOfMs }: InventoryPage, { after, asOfMs: beganMs }: Round<unknown>): boolean {
  return after === undefined && (asOfMs === undefined || asOfMs < beganMs);
}
