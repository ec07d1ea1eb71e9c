// What a maker of heads knows of those that it made, and whether the journal still is what they say. Where it is not, no head is made
// until an operator takes that upon himself: a store that was restored is not what was signed, and nor is one that somebody rewrote.
import { lastHeadOf, type HeadStatement, type LastHead } from '../../domain/audit/head.ts';
import { keptSince, type StatedRetention } from '../../domain/audit/kept-since.ts';
import { steadyTime } from '../../live/steady-time.ts';
import type { KeptHead } from '../../ports/audit/audit-heads.ts';
import type { ChainState } from '../../ports/audit/chain-reader.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { OperationJournal } from '../../ports/storage/operation-journal.ts';
import { differenceAtStart, differenceSince, type ComparedParts, type ComparedTimes } from './compared-journal.ts';
import { signedRetention } from './signed-retention.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface ContinuityParts extends ComparedParts {
  readonly journal: OperationJournal;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
}

/** Who has heads go on from a journal that is not what was signed, and why. */
export interface Accepting {
  readonly actor: string;
  readonly role: string;
  readonly reason: string;
}

/** `accepted`: what differs. */
export type Acceptance = { readonly accepted: string } | { readonly problem: string };

/** The journal as it is. */
export interface StoredJournal {
  readonly states: readonly ChainState[];
  /** The newest head, whoever made it. */
  readonly newest: KeptHead | undefined;
  /** What this process made last, and is still there. */
  readonly last: LastHead | undefined;
  /** An operator has accepted that it is not what was signed. */
  readonly isAccepted?: true;
}

/** Heads whose keeping was not answered. */
const MAX_TRIED = 100;
/** Where another process makes heads meanwhile. */
const LOOKS = 3;

export class HeadContinuity {
  readonly #parts: ContinuityParts;
  readonly #settings: Omit<ComparedTimes, 'nowMs'>;
  #last: LastHead | undefined;
  #retentionNowMs: (() => number) | undefined;
  /** Since the last one that is known to be kept, by digest: the store may have kept one, and the answer been lost. */
  readonly #tried = new Map<string, LastHead>();
  #difference: string | undefined;
  /** What an operator has accepted; until the next head is kept. */
  #accepted: string | undefined;

  constructor(parts: ContinuityParts, settings: Omit<ComparedTimes, 'nowMs'>) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Another may have made heads meanwhile. */
  forget(): void {
    this.#last = undefined;
    this.#tried.clear();
    this.#difference = undefined;
  }

  /**
   * @returns what the next head is made of.
   * @throws Error in words for an operator where that is not what was signed of it, and nobody has accepted it; as the ports.
   */
  async look(options: Waits): Promise<StoredJournal> {
    let stored = await this.#read(options);
    this.#difference = await this.#differenceOf(stored, options);
    if (this.#difference !== undefined) {
      // What is recorded and removed between two questions is no difference: a second look does not find it.
      stored = await this.#read(options);
      this.#difference = await this.#differenceOf(stored, options);
    }
    if (this.#difference === undefined) return stored;
    if (this.#difference === this.#accepted) return { ...stored, last: undefined, isAccepted: true };
    throw new Error(differing(this.#difference));
  }

  /**
   * For who signs something else of the journal. Of a process that makes no heads, and so knows what is in the store alone.
   * @returns why it is not to be signed, in words for an operator. @throws as the ports.
   */
  async problem(options: Waits): Promise<string | undefined> {
    let difference: string | undefined;
    // Records and heads that come between two questions are no difference: they are not found again.
    for (let look = 0; look < LOOKS; look += 1) {
      difference = await this.#differenceOf(await this.#read(options), options);
      if (difference === undefined || difference === this.#accepted) return undefined;
    }
    return difference === undefined ? undefined : differing(difference);
  }

  /** What the next head states of retention. @throws as `StatementSigner.publicKey`. */
  async retention({ last, newest, isAccepted }: StoredJournal, options: Waits): Promise<StatedRetention> {
    const { signer, clock } = this.#parts;
    const { retentionMs: periodMs } = this.#settings;
    this.#retentionNowMs ??= steadyTime(clock);
    const { keptSinceMs, ...stated } = last?.retention ?? (await signedRetention(newest, signer, options));
    // Whoever may have put an old head in the place of the newest gets nothing by the period that was in force then.
    const before = { ...(keptSinceMs !== undefined && { keptSinceMs }), ...(isAccepted !== true && stated) };
    return { periodMs, keptSinceMs: keptSince(before, periodMs, this.#retentionNowMs()) };
  }

  /** Before a head is sent to the store. */
  tries(statement: HeadStatement, { states, last }: StoredJournal): LastHead {
    const made = lastHeadOf(statement, states, last);
    if (this.#tried.size >= MAX_TRIED) this.#tried.clear();
    this.#tried.set(made.digest, made);
    return made;
  }

  /** The store has it. */
  kept(made: LastHead): void {
    this.#tried.clear();
    this.#last = made;
    this.#accepted = undefined;
    this.#difference = undefined;
  }

  /**
   * Has heads go on from the journal as it is. That is on record when this resolves.
   * @throws AuthorityError CAP-S04 when it cannot be recorded.
   */
  async accept({ reason, ...by }: Accepting, options: Waits): Promise<Acceptance> {
    const accepted = this.#difference;
    if (accepted === undefined) return { problem: 'nothing that this server has found differs from what was signed' };
    const { journal, clock } = this.#parts;
    const details = { ...by, reason, target: 'heads of the journal' };
    const record = {
      timeMs: clock.nowMs(),
      operation: 'journal head --accept',
      was: accepted,
      is: 'accepted',
      details,
    };
    await journal.recordOperation(record, options);
    this.#accepted = accepted;
    return { accepted };
  }

  async #read(options: Waits): Promise<StoredJournal> {
    const { chains, heads } = this.#parts;
    const states = await chains.chains(options);
    const [newest] = await heads.lastHeads(1, options);
    const kept = newest && this.#tried.get(newest.digest);
    if (kept !== undefined) this.#last = kept;
    return { states, newest, last: this.#last };
  }

  async #differenceOf({ states, newest, last }: StoredJournal, options: Waits): Promise<string | undefined> {
    const times = { ...this.#settings, nowMs: this.#parts.clock.nowMs() };
    if (last === undefined) return differenceAtStart(states, this.#parts, times, options);
    return differenceSince(last, newest, states, this.#parts, times, options);
  }
}

function differing(difference: string): string {
  return `the journal is not what was signed of it: ${difference} (capstan journal head --accept)`;
}
