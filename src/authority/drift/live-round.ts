// All certificates that live, or those of some namespaces, put to one revision of policies: a page of the inventory and its records are
// read, then judged in slices of the event loop that issuing does not feel. Held are a page, and what the reviewer keeps.
import type { InventoryConditions, InventoryPlace } from '../../domain/inventory/question.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Inventory, InventoryEnds, InventoryPage } from '../../ports/inventory/inventory.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { DecisionRecord, IssuedRecords } from '../../ports/storage/issuance-journal.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface LiveReviewer<Found> {
  /** @param record that issued a certificate; absent where it is not kept any more. */
  add(record: DecisionRecord | undefined): void;
  result(): Found;
}

export interface LiveRoundParts {
  readonly inventory: Pick<Inventory, 'page'> & InventoryEnds;
  readonly records: IssuedRecords;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
}

export interface LiveRoundSettings<Found> {
  readonly policies: PolicySet;
  /** When it begins, in ms since the epoch. */
  readonly asOfMs: number;
  /** By the policies, and by what is known of the clusters then. */
  readonly reviewer: LiveReviewer<Found>;
  /** Whose certificates; absent, those of all. */
  readonly namespaces?: readonly string[];
}

/** Entries that are read at once. */
const PAGE = 100;
/** Of the event loop at once, whatever a policy asks of a certificate: no more than one certificate above it. */
const SLICE_MS = 1;

export class LiveRound<Found> {
  readonly settings: LiveRoundSettings<Found>;
  readonly #parts: LiveRoundParts;
  /** Still to be gone through. */
  readonly #questions: InventoryConditions[];
  #after: InventoryPlace | undefined;
  /** Decisions of the last page: what a node proxy holds is an entry of each of its pods, which are neighbours. */
  #known: ReadonlySet<string> = new Set();
  /** Read, and not judged yet. */
  #waiting: (DecisionRecord | undefined)[] = [];
  #entries = 0;
  #of: number | undefined;

  constructor(parts: LiveRoundParts, settings: LiveRoundSettings<Found>) {
    this.#parts = parts;
    this.settings = settings;
    this.#questions = settings.namespaces?.map((namespace) => ({ namespace })) ?? [{}];
  }

  get isComplete(): boolean {
    return this.#questions.length === 0 && this.#waiting.length === 0;
  }

  /** Of the inventory, that were read. */
  get entries(): number {
    return this.#entries;
  }

  /** That lived when it began; nothing is counted of namespaces. */
  get of(): number {
    return this.#of ?? 0;
  }

  /**
   * Reads a page or judges some of it. One that throws may be done again.
   * @returns `early` while the inventory does not have yet what was issued before the round, by the policies of before.
   * @throws AuthorityError CAP-S04 when the store cannot be read now; the signal's reason.
   */
  async step(options: Waits): Promise<'read' | 'judged' | 'early'> {
    if (this.#waiting.length === 0) return this.#read(options);
    this.#judge();
    return 'judged';
  }

  #judge(): void {
    const { clock } = this.#parts;
    const sinceMs = clock.monotonicMs();
    let judged = 0;
    do this.settings.reviewer.add(this.#waiting[judged++]);
    while (judged < this.#waiting.length && clock.monotonicMs() - sinceMs < SLICE_MS);
    this.#waiting = this.#waiting.slice(judged);
  }

  async #read(options: Waits): Promise<'read' | 'early'> {
    const page = await this.#page(options);
    if (this.#isBehind(page)) return 'early';
    if (this.settings.namespaces === undefined) this.#of ??= await this.#count(options);
    const decisions = new Set(page.entries.map(({ decisionId }) => decisionId));
    const fresh = [...decisions].filter((decisionId) => !this.#known.has(decisionId));
    const records = fresh.length === 0 ? [] : await this.#parts.records.issuedBy(fresh, options);
    const found = new Map(records.map((record) => [record.decisionId, record]));
    // Only now, so that a page that is read again counts once; by name, as the inventory has them.
    this.#waiting = fresh.map((decisionId) => found.get(decisionId));
    this.#known = decisions;
    this.#entries += page.entries.length;
    this.#after = page.next;
    if (page.next === undefined) this.#questions.shift();
    return 'read';
  }

  async #page(options: Waits): Promise<InventoryPage> {
    const [conditions = {}] = this.#questions;
    const place = this.#after === undefined ? {} : { after: this.#after };
    // Who is late lives all the same.
    const question = { conditions, limit: PAGE, nowMs: this.#parts.clock.nowMs(), excused: [], ...place };
    return this.#parts.inventory.page(question, options);
  }

  async #count(options: Waits): Promise<number> {
    const nowMs = this.#parts.clock.nowMs();
    const ends = await this.#parts.inventory.endsIn({ nowMs, fromMs: nowMs, stepMs: 1, steps: 0 }, options);
    return ends.reduce((sum, count) => sum + count, 0);
  }

  /** A page from the middle says nothing new. */
  #isBehind({ asOfMs }: InventoryPage): boolean {
    return this.#entries === 0 && (asOfMs === undefined || asOfMs < this.settings.asOfMs);
  }
}
