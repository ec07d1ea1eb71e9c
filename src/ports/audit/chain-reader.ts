// The chains of the journal as they are stored, for whoever signs or proves them. Every method throws AuthorityError as
// IssuanceJournalReader; a store of a newer Capstan is refused with CAP-X03, because its records may have fields that this one
// would leave out.
import type { ChainKind, ChainOpening, ChainPoint } from '../../domain/audit/chain.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface ChainState {
  readonly opening: ChainOpening;
  /** The newest link; the opening of a chain without links. */
  readonly last: ChainPoint;
  /**
   * The last of the links that retention has removed: always the oldest ones, so its sequence is their number. Absent where
   * none was removed.
   */
  readonly removed?: ChainPoint;
  /** Of the newest link, in ms since the epoch, also when it was removed; absent from a chain without links. */
  readonly lastMs?: number;
}

/** A point with the time of its record, or of the opening, in ms since the epoch. */
export interface StoredPoint extends ChainPoint {
  readonly timeMs: number;
}

/** A link of a chain that the reader knows already. */
export interface StoredLink extends ChainPoint {
  readonly record: object;
}

/** A record that no chain has: of before there were chains, or of a server of that version. */
export interface UnchainedRecord {
  readonly kind: ChainKind;
  readonly record: object;
}

/** What is asked of a running server's store again and again; an answer takes milliseconds. */
export interface ChainStates {
  /** All chains of the store, in the order in which they were opened. */
  chains(options: Waits): Promise<readonly ChainState[]>;
  /** @returns a link that is there, or with 0 the opening. */
  pointOf(chain: string, sequence: number, options: Waits): Promise<StoredPoint | undefined>;
}

export interface ChainReader extends ChainStates {
  /**
   * In order, and only some are held in memory.
   * @param range from the link after the one to the other.
   */
  links(
    chain: string,
    range: { readonly afterSequence: number; readonly throughSequence: number },
    options: Waits,
  ): AsyncIterable<StoredLink>;
  /**
   * @returns the point before the first link that is not from before a moment, given in ms since the epoch: so what follows it
   *   is of then and later, as far as clocks were right; nothing of a chain that is not there.
   */
  pointBefore(chain: string, timeMs: number, options: Waits): Promise<ChainPoint | undefined>;
  /** Kind by kind, each in the order in which they were recorded. */
  unchained(options: Waits): AsyncIterable<UnchainedRecord>;
}

export interface ChainSnapshots {
  /**
   * @returns a reader of the chains as they are now, whatever is recorded or removed before it is disposed of. Meanwhile the
   *   store cannot reuse the room of what is removed.
   */
  chainsNow(options: Waits): Promise<ChainReader & AsyncDisposable>;
}
