// What a maker of heads knows of those that it made, and whether the journal still is what they say. Where it is not, no head is made
// until an operator takes that upon himself: a store that was restored is not what was signed, and nor is one that somebody rewrote.
import { lastHeadOf, type HeadFacts, type HeadStatement, type LastHead } from '../../domain/audit/head.ts';
import { keptSince, type StatedRetention } from '../../domain/audit/kept-since.ts';
import { headOf } from '../../domain/audit/last-named.ts';
import { steadyTime } from '../../live/steady-time.ts';
import type { HeadWitness, KeptHead } from '../../ports/audit/audit-heads.ts';
import type { ChainState } from '../../ports/audit/chain-reader.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { OperationJournal } from '../../ports/storage/operation-journal.ts';
import { AskedWitnesses, type WitnessWord } from './asked-witnesses.ts';
import {
  differenceAtStart,
  differenceFromWitness,
  differenceSince,
  type ComparedParts,
  type ComparedTimes,
} from './compared-journal.ts';
import { auditKeyOf } from './audit-key-of.ts';
import { signedRetention } from './signed-retention.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface ContinuityParts extends ComparedParts {
  readonly witnesses: readonly HeadWitness[];
  readonly journal: OperationJournal;
  readonly clock: Clock;
}

export interface ContinuitySettings extends Omit<ComparedTimes, 'nowMs'> {
  /** Whose heads are compared: a witness may have those of others. */
  readonly maker: Pick<HeadStatement, 'trustDomain' | 'cluster'>;
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
  /** Where that was the word of a witness: up to when its heads are not held against the journal any more. */
  readonly acceptedMs?: number;
}

interface Difference {
  /** For an operator; the same as long as it is there. */
  readonly words: string;
  /** Of the newest head that a witness has, where that differs. */
  readonly witnessedMs?: number;
}

/** Heads whose keeping was not answered. */
const MAX_TRIED = 100;
/** Where another process makes heads meanwhile. */
const LOOKS = 3;

export class HeadContinuity {
  readonly #parts: ContinuityParts;
  readonly #settings: ContinuitySettings;
  readonly #witnesses: AskedWitnesses;
  #last: LastHead | undefined;
  #retentionNowMs: (() => number) | undefined;
  /** Since the last one that is known to be kept, by digest: the store may have kept one, and the answer been lost. */
  readonly #tried = new Map<string, LastHead>();
  #difference: string | undefined;
  /** What an operator has accepted; until the next head is kept. */
  #accepted: string | undefined;

  constructor(parts: ContinuityParts, settings: ContinuitySettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#witnesses = new AskedWitnesses(parts);
  }

  /** Another may have made heads meanwhile. */
  forget(): void {
    this.#last = undefined;
    this.#tried.clear();
    this.#difference = undefined;
    this.#witnesses.forget();
  }

  /** @returns why nothing is to be added to what a witness has, in words for an operator. */
  problemOf(witness: HeadWitness): string | undefined {
    return this.#witnesses.problemOf(witness);
  }

  /**
   * @returns what the next head is made of.
   * @throws Error in words for an operator where that is not what was signed of it, and nobody has accepted it; as the ports.
   */
  async look(options: Waits): Promise<StoredJournal> {
    let stored = await this.#read(options);
    let difference = await this.#differenceOf(stored, options);
    if (difference !== undefined) {
      // What is recorded and removed between two questions is no difference: a second look does not find it.
      stored = await this.#read(options);
      difference = await this.#differenceOf(stored, options);
    }
    this.#difference = difference?.words;
    if (difference === undefined) return stored;
    const { words, witnessedMs } = difference;
    if (words !== this.#accepted) throw new Error(differing(words));
    // A clock may have been ahead when the witness got what is not there.
    const acceptedMs = witnessedMs && Math.max(this.#parts.clock.nowMs(), witnessedMs);
    return { ...stored, last: undefined, isAccepted: true, ...(acceptedMs !== undefined && { acceptedMs }) };
  }

  /**
   * For who signs something else of the journal. Of a process that makes no heads, and so knows what is in the store and at the witnesses.
   * @returns why it is not to be signed, in words for an operator. @throws as the ports.
   */
  async problem(options: Waits): Promise<string | undefined> {
    let words: string | undefined;
    // Records and heads that come between two questions are no difference: they are not found again.
    for (let look = 0; look < LOOKS; look += 1) {
      ({ words } = (await this.#differenceOf(await this.#read(options), options)) ?? { words: undefined });
      if (words === undefined || words === this.#accepted) return undefined;
    }
    return words === undefined ? undefined : differing(words);
  }

  /** What the next head states of those before it. @throws as `StatementSigner.publicKey`. */
  async follows(
    stored: StoredJournal,
    options: Waits,
  ): Promise<Pick<HeadFacts, 'previous' | 'retention' | 'acceptedMs'>> {
    const { newest, isAccepted } = stored;
    // By what the digest is of: the time in the store is whoever's who writes to it.
    const { timeMs, acceptedMs: before } = (newest && headOf(newest)?.statement) ?? {};
    // A head that an operator had to accept may be anybody's.
    const acceptedMs = isAccepted === true ? stored.acceptedMs : before;
    return {
      ...(newest && { previous: { digest: newest.digest, ...(timeMs !== undefined && { timeMs }) } }),
      ...(acceptedMs !== undefined && { acceptedMs }),
      retention: await this.#retention(stored, options),
    };
  }

  async #retention({ last, newest, isAccepted }: StoredJournal, options: Waits): Promise<StatedRetention> {
    const { signer, clock } = this.#parts;
    const { retentionMs: periodMs } = this.#settings;
    this.#retentionNowMs ??= steadyTime(clock);
    const { keptSinceMs, ...stated } = last?.retention ?? (await signedRetention(newest, signer, options));
    // Whoever may have put an old head in the place of the newest gets nothing by the period that was in force then.
    const before = { ...(keptSinceMs !== undefined && { keptSinceMs }), ...(isAccepted !== true && stated) };
    return { periodMs, keptSinceMs: keptSince(before, periodMs, this.#retentionNowMs()) };
  }

  /** Whether the key was replaced since the newest head. One that is away has replaced none: nothing waits for it. */
  async isOfFormerKey({ newest }: Pick<StoredJournal, 'newest'>, options: Waits): Promise<boolean> {
    const made = newest && headOf(newest);
    if (made === undefined) return false;
    const key = await auditKeyOf(this.#parts.signer, options).catch(() => undefined);
    return key !== undefined && key.keyId !== made.keyId;
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
    if (this.#accepted !== undefined) this.#witnesses.accept();
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

  /** All in one, so that who accepts it knows what it is. */
  async #differenceOf(stored: StoredJournal, options: Waits): Promise<Difference | undefined> {
    const { states, newest, last } = stored;
    const times = { ...this.#settings, nowMs: this.#parts.clock.nowMs() };
    const words =
      last === undefined
        ? await differenceAtStart(states, this.#parts, times, options)
        : await differenceSince(last, newest, states, this.#parts, times, options);
    // A head that differs may be anybody's.
    const { acceptedMs = -1 } = (words === undefined && newest && headOf(newest)?.statement) || {};
    const said = await this.#saidByWitnesses(states, acceptedMs, times, options);
    const all = [...(words === undefined ? [] : [{ words }]), ...said];
    if (all.length === 0) return undefined;
    const witnessedMs = said.length > 0 && { witnessedMs: Math.max(...said.map((each) => each.witnessedMs)) };
    return { words: all.map((each) => each.words).join('; '), ...witnessedMs };
  }

  async #saidByWitnesses(
    states: readonly ChainState[],
    acceptedMs: number,
    times: Pick<ComparedTimes, 'nowMs' | 'retentionMs'>,
    options: Waits,
  ): Promise<readonly Required<Difference>[]> {
    if (!this.#witnesses.areLeft) return [];
    const key = await auditKeyOf(this.#parts.signer, options);
    const differs = async (word: WitnessWord): Promise<Required<Difference> | undefined> => {
      const words = await differenceFromWitness(word, states, this.#parts, times, options);
      return words === undefined ? undefined : { words, witnessedMs: word.timeMs };
    };
    return this.#witnesses.differences({ ...this.#settings.maker, key, acceptedMs }, differs, options);
  }
}

function differing(difference: string): string {
  return `the journal is not what was signed of it: ${difference} (capstan journal head --accept)`;
}
