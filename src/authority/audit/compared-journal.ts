// Compares the journal with what was signed of it, before more is signed: who changes records and deletes the heads that name them
// does not get a signature for it. What a process has signed itself it remembers; of what was signed before it began, the heads that
// are left are asked, and whether more records are left without one than were made in the time that heads may be late.
import { openingPoint } from '../../domain/audit/chain.ts';
import { FULL_EVERY_MS, type LastHead, type NamedInHead } from '../../domain/audit/head.ts';
import { isKeptForGood, keptSince } from '../../domain/audit/kept-since.ts';
import { lastNamed, type LastNamed } from '../../domain/audit/last-named.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import type { AuditHeads, KeptHead } from '../../ports/audit/audit-heads.ts';
import type { ChainState, ChainStates } from '../../ports/audit/chain-reader.ts';
import type { StatementSigner } from '../../ports/audit/statement-signer.ts';
import type { WitnessWord } from './asked-witnesses.ts';
import { auditKeyOf } from './audit-key-of.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface ComparedParts {
  readonly chains: ChainStates;
  readonly heads: Pick<AuditHeads, 'lastHeads'>;
  readonly signer: Pick<StatementSigner, 'publicKey'>;
}

export interface ComparedTimes {
  /** How long records are kept: a chain whose last one is older may be gone. */
  readonly retentionMs: number;
  /** The least time between two heads. */
  readonly everyMs: number;
  readonly nowMs: number;
}

/** Records without a head are signed by who has just begun if they are of no longer time than this, or than three heads take. */
export const MAX_UNSIGNED_MS = 300_000;
/** Of the records of a chain that are without a head, how many are looked at. */
const MAX_SAMPLES = 64;
const NONE: LastNamed = { named: new Map(), timeMs: 0, isComplete: true };
/** Heads that are read back to the last full one: of an hour in which one was made every second, and some. */
const MAX_READ_BACK = FULL_EVERY_MS / 1_000 + 100;

/**
 * For who has made heads since it began.
 * @param last the newest head of the store. @param known what was signed last.
 * @returns what differs, in words for an operator that stay the same while it does; nothing where all is as it was. @throws AuthorityError as `ChainStates`.
 */
export async function differenceSince(
  known: LastHead,
  last: KeptHead | undefined,
  states: readonly ChainState[],
  { chains }: Pick<ComparedParts, 'chains'>,
  times: Omit<ComparedTimes, 'everyMs'>,
  options: Waits,
): Promise<string | undefined> {
  if (last === undefined) return 'its heads are gone';
  if (last.digest !== known.digest) return `its last head is ${last.digest}, and ${known.digest} was signed last`;
  return differenceOf(known, states, { chains }, times, options);
}

/**
 * For who begins to make heads. @param states of chains. @returns, @throws as `differenceSince`; also as `StatementSigner.publicKey`.
 */
export async function differenceAtStart(
  states: readonly ChainState[],
  { chains, heads, signer }: ComparedParts,
  times: ComparedTimes,
  options: Waits,
): Promise<string | undefined> {
  const stored = await heads.lastHeads(MAX_READ_BACK, options);
  if (stored.length === 0) {
    const hasOld =
      lacksUnnamed(states, NONE) !== undefined || (await hasLongWithoutHead(states, NONE, { chains }, times, options));
    return hasOld
      ? 'it has old records and no head: the key of heads is new here, or somebody deleted them'
      : undefined;
  }
  const key = await auditKeyOf(signer, options);
  const last = lastNamed(stored, key);
  if ('problem' in last) return last.problem;
  const difference = await differenceOf(last, states, { chains }, times, options);
  if (difference !== undefined) return difference;
  const { goneMs = -1 } = stored.length < MAX_READ_BACK ? last : {};
  if (goneMs >= keptSince(last.retention ?? {}, times.retentionMs, times.nowMs)) {
    return `heads up to that of ${formatTime(goneMs)} are gone, and retention cannot have taken them`;
  }
  const lacking = lacksUnnamed(states, last);
  if (lacking !== undefined) {
    const { opening, removed } = lacking;
    const which = `records up to ${removed?.sequence ?? 0} of the chain ${opening.chain} of ${opening.kind}s`;
    return `${which} are gone, of which no head names the last: none was made, or somebody deleted them`;
  }
  if (!(await hasLongWithoutHead(states, last, { chains }, times, options))) return undefined;
  return `its last head is of ${formatTime(last.timeMs)}, long before its last records: none was made, or somebody deleted them`;
}

/** For who begins: the newest heads of a witness may be gone from the store, and what they name. @returns, @throws as `differenceSince`. */
export async function differenceFromWitness(
  word: WitnessWord,
  states: readonly ChainState[],
  { chains }: Pick<ComparedParts, 'chains'>,
  times: Pick<ComparedTimes, 'nowMs' | 'retentionMs'>,
  options: Waits,
): Promise<string | undefined> {
  const difference = await differenceOf(word, states, { chains }, times, options);
  return difference && `the witness ${word.name} has a head of ${formatTime(word.timeMs)}, and ${difference}`;
}

async function differenceOf(
  { named, retention }: Pick<LastHead, 'named' | 'retention'>,
  states: readonly ChainState[],
  { chains }: Pick<ComparedParts, 'chains'>,
  { nowMs, retentionMs }: Pick<ComparedTimes, 'nowMs' | 'retentionMs'>,
  options: Waits,
): Promise<string | undefined> {
  const keptSinceMs = keptSince(retention ?? {}, retentionMs, nowMs);
  const byChain = new Map(states.map((state) => [state.opening.chain, state]));
  for (const [chain, point] of named) {
    const state = byChain.get(chain);
    const { kind, sequence, digest, lastMs, opening } = point;
    const which = `the chain ${chain} of ${kind}s`;
    if (state === undefined) {
      const isOver = lastMs !== undefined && lastMs < keptSinceMs && !isKeptForGood(kind);
      if (sequence === 0 || isOver) continue;
      return `${which} is gone`;
    }
    if (state.removed !== undefined && isKeptForGood(kind)) {
      return `${which} lacks records up to ${state.removed.sequence}, and retention takes none of its kind`;
    }
    // While its first record is there, that proves it.
    if (state.removed !== undefined && opening !== undefined && openingPoint(state.opening).digest !== opening) {
      return `the opening of ${which} is not the one that was signed`;
    }
    if (await isAnother(state, { sequence, digest }, { chains }, options)) {
      return `record ${sequence} in ${which} is not the one that was signed`;
    }
  }
  return undefined;
}

/** What retention has taken meanwhile says nothing. */
async function isAnother(
  { opening: { chain }, last, removed }: ChainState,
  named: Pick<NamedInHead, 'sequence' | 'digest'>,
  { chains }: Pick<ComparedParts, 'chains'>,
  options: Waits,
): Promise<boolean> {
  const { sequence, digest } = named;
  if (last.sequence < sequence) return true;
  if (last.sequence === sequence) return last.digest !== digest;
  if (removed !== undefined && removed.sequence >= sequence) {
    return removed.sequence === sequence && removed.digest !== digest;
  }
  const there = await chains.pointOf(chain, sequence, options);
  return there?.digest !== digest;
}

/**
 * Retention takes what heads named long ago. Where heads are deleted too, what is left says nothing of when the records were that are gone:
 * so somebody could take all of which he leaves no head, and say that it was old.
 */
function lacksUnnamed(
  states: readonly ChainState[],
  { named, isComplete }: Pick<LastNamed, 'named' | 'isComplete'>,
): ChainState | undefined {
  return states.find(({ opening: { chain }, removed }) => {
    // Of more chains than a head names the oldest are in none.
    const through = named.get(chain)?.sequence ?? (isComplete ? 0 : Infinity);
    return removed !== undefined && removed.sequence > through;
  });
}

/**
 * Whether records that are in no head, because they are of later than the last one, are of a time in which one would have been made. Who
 * rests, records and is killed leaves some that are of one moment, however long ago.
 */
async function hasLongWithoutHead(
  states: readonly ChainState[],
  { named, timeMs: lastHeadMs, isComplete }: LastNamed,
  { chains }: Pick<ComparedParts, 'chains'>,
  { nowMs, everyMs }: Pick<ComparedTimes, 'nowMs' | 'everyMs'>,
  options: Waits,
): Promise<boolean> {
  const lateMs = Math.max(MAX_UNSIGNED_MS, 3 * everyMs);
  const [fromMs, untilMs] = [lastHeadMs + lateMs, nowMs - lateMs];
  let [oldestMs, newestMs] = [Infinity, -Infinity];
  for (const { opening, last, lastMs = 0, removed } of states) {
    const known = named.get(opening.chain);
    // Of more chains than a head names the oldest are in none.
    if (known === undefined && !isComplete && lastMs <= fromMs) continue;
    const after = Math.max(known?.sequence ?? 0, removed?.sequence ?? 0);
    for (const sequence of samples(after, last.sequence)) {
      const { timeMs = 0 } = (await chains.pointOf(opening.chain, sequence, options)) ?? {};
      if (timeMs <= fromMs || timeMs >= untilMs) continue;
      [oldestMs, newestMs] = [Math.min(oldestMs, timeMs), Math.max(newestMs, timeMs)];
      if (newestMs - oldestMs > lateMs) return true;
    }
  }
  return false;
}

/** From all of them, with the first and the last: whoever wrote some of them may have given those a time that is not theirs. */
function samples(after: number, through: number): readonly number[] {
  const count = Math.min(through - after, MAX_SAMPLES);
  const step = count > 1 ? (through - after - 1) / (count - 1) : 0;
  return Array.from({ length: Math.max(count, 0) }, (_, nth) => after + 1 + Math.round(nth * step));
}
