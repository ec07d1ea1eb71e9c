// Certificates that live, put to the policies of today: by one process for all that share the store, page by page of the inventory,
// at a share of a thread's time, so that issuing does not feel it. Who judges, and what is counted, is the reviewer's.
// While policies change a round is ended by what it began with, and another one follows; only another bundle begins anew at once.
import { AuthorityError } from '../../domain/errors.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import { Alarm } from '../../live/alarm.ts';
import type { Inventory } from '../../ports/inventory/inventory.ts';
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
  readonly inventory: Pick<Inventory, 'page'>;
  readonly records: IssuedRecords;
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

/**
 * How much longer than a step the pause after it is, so that it takes a tenth of a thread's time at most, and less where the machine is
 * busy and steps take longer.
 */
const RESTS = 10;
const SHORTEST_REST_MS = 5;
/** Between two rounds, for what changes without a change of policy: pods, accounts, certificates. */
export const AGAIN_AFTER_MS = 300_000;
/** Of an inventory that does not have yet what was issued before the round: by the policies of before. */
const EARLY_MS = 500;
/** Of a store that cannot be read now. */
const RETRY_MS = 10_000;

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
    while (!signal.aborted && !round.isComplete) {
      if (this.#hasOtherBundle(round)) round = this.#begin();
      const beganMs = clock.monotonicMs();
      const step = await this.#step(round, { signal });
      const restMs = Math.max(SHORTEST_REST_MS, RESTS * (clock.monotonicMs() - beganMs));
      const waitMs = { more: restMs, early: EARLY_MS, failed: RETRY_MS }[step];
      await clock.sleep(waitMs, { signal }).catch(() => undefined);
    }
  }

  #begin(): LiveRound<Found> {
    const { policies: source, review, clock } = this.#parts;
    const [policies, asOfMs] = [source.current(), clock.nowMs()];
    return new LiveRound(this.#parts, { policies, asOfMs, reviewer: review(policies, asOfMs) });
  }

  #hasOtherBundle({ settings: { policies } }: LiveRound<Found>): boolean {
    return policies.bundleDigest !== this.#parts.policies.current().bundleDigest;
  }

  async #step(round: LiveRound<Found>, options: Waits): Promise<'more' | 'early' | 'failed'> {
    try {
      const step = await round.step(options);
      if (step === 'more') this.#show(round);
      return step;
    } catch (cause) {
      // The store says by itself that it cannot be read; the page is asked for again.
      if (options.signal.aborted || cause instanceof AuthorityError) return 'failed';
      throw cause;
    }
  }

  /** A whole result stands until the next round is over, unless that is by another bundle. */
  #show(round: LiveRound<Found>): void {
    const { policies, asOfMs, reviewer } = round.settings;
    const { isComplete } = round;
    if (!isComplete && this.#seen?.isComplete === true && this.#seenBundle === policies.bundleDigest) return;
    this.#seen = { asOfMs, revision: policies.revision, isComplete, found: reviewer.result() };
    this.#seenBundle = policies.bundleDigest;
  }
}
