// Everybody who has a certificate, as it can be asked for. It is derived from the journal, a little later than that: nothing waits for
// it, an answer says as of when it is, and what is lost of it is made again.
import type { InventoryEntry } from '../../domain/inventory/entry.ts';
import type { ExcusedTime } from '../../domain/trust/interruption.ts';
import type { InventoryConditions, InventoryPlace } from '../../domain/inventory/question.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface InventoryQuestion {
  readonly conditions: InventoryConditions;
  /** From the beginning where absent; of the order of the conditions. */
  readonly after?: InventoryPlace;
  /** At most `MAX_PAGE`. */
  readonly limit: number;
  /** Of the rows that one page may be looked for in, for a page that is put together of several; all of them where absent. */
  readonly share?: number;
  /** False where nobody wants to know what proxies acknowledged, which is looked up for each entry. */
  readonly acknowledged?: boolean;
  readonly nowMs: number;
  /** In which who had to renew could not. */
  readonly excused: readonly ExcusedTime[];
}

export const MAX_PAGE = 1_000;

export interface InventoryPage {
  /** Fewer than were asked for, and even none, does not mean that there are no more. */
  readonly entries: readonly InventoryEntry[];
  /** Where the next page begins; absent when there is none. */
  readonly next?: InventoryPlace;
  /** What was on record by then is in it, in ms since the epoch; absent before anything was read. */
  readonly asOfMs?: number;
}

export interface Inventory {
  /**
   * What bans have revoked is not known here: state `revoked` stands for all that lives.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be read now; the signal's reason.
   */
  page(question: InventoryQuestion, options: Waits): Promise<InventoryPage>;
}

export interface InventoryProgress {
  /** Whether all that was on record is in it. */
  readonly isCurrent: boolean;
  readonly asOfMs: number;
}

/** For who keeps it: one process of all that share the journal. */
export interface InventoryKeeping {
  /**
   * Takes in some of what is on record and not in it yet: no more than takes about a fiftieth of a second.
   * @throws as `Inventory`; what was taken in stays.
   */
  follow(moment: { readonly nowMs: number }, options: Waits): Promise<InventoryProgress>;
  /** Those who are overdue at `nowMs` and were not told of, and how many are in all. */
  overdue(question: OverdueQuestion, options: Waits): Promise<OverdueFound>;
  /** That these were told of, with the certificates that they had. It is kept, as far as the inventory is. */
  reportedOverdue(entries: readonly InventoryEntry[], options: Waits): Promise<void>;
  /** Which of the entries that came since are the first of their identity on their node. */
  newPairs(question: NewPairsQuestion, options: Waits): Promise<NewPairsFound>;
}

/** Entries are numbered in the order in which they were first seen, from 1. */
export interface NewPairsQuestion {
  /** Only what came after this one; absent, nothing is asked but which is the newest. */
  readonly after?: number;
  /** Of an identity and of a node that an entry up to this one has had. */
  readonly knownUntil: number;
}

export interface NewPairsFound {
  readonly entries: readonly InventoryEntry[];
  /** The last that was looked at, of no more than takes a moment; where none came since, the newest that there is, 0 without any. */
  readonly upTo: number;
}

export interface OverdueQuestion extends Pick<InventoryQuestion, 'nowMs' | 'excused'> {
  /** At most this many are named. */
  readonly limit: number;
}

export interface OverdueFound {
  /** First who was first late. */
  readonly entries: readonly InventoryEntry[];
  readonly count: number;
}

/** Over all that live: whoever asks keeps the answer for a while. */
export interface InventoryEnds {
  /**
   * @returns for each step how many certificates end in it, and as one more how many end after the last. Who renews while it is counted
   *   may be in it twice, with the former end and the new one.
   * @throws as `Inventory`.
   */
  endsIn(question: EndsQuestion, options: Waits): Promise<readonly number[]>;
}

/** In ms, moments since the epoch. */
export interface EndsQuestion {
  /** What is over by then does not count. */
  readonly nowMs: number;
  readonly fromMs: number;
  readonly stepMs: number;
  readonly steps: number;
}
