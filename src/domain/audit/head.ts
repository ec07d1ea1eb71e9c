// A head says where the chains of a journal stood at a time, and which head came before: who has seen it can tell later
// whether the journal still is what it was. Between two heads most chains stand still, so a head names those that moved.
import { openingPoint, type ChainKind, type ChainOpening, type ChainPoint } from './chain.ts';
import type { StatedRetention } from './kept-since.ts';
import { statementDigest, type Signed } from './statement.ts';

/** Where a chain stood. */
export interface ChainInHead extends ChainPoint {
  readonly chain: string;
  readonly kind: ChainKind;
  /** Digest of its opening, which no link proves once retention took the first. Absent from heads of before it was named. */
  readonly opening?: string;
  /** The last link that retention had taken by then, from the chain's beginning on; absent where it took none. */
  readonly removed?: ChainPoint;
  /** The newest time of its records: older than what retention keeps, the chain may be gone as a whole. */
  readonly lastMs?: number;
}

export interface HeadStatement {
  readonly version: 1;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly timeMs: number;
  readonly trustDomain: string;
  /** Id of the server's cluster. */
  readonly cluster: string;
  /** Which server made it. */
  readonly server: string;
  /** Those that moved since the head before; all of them where `full`. */
  readonly chains: readonly ChainInHead[];
  readonly full?: true;
  /** How many chains there are beyond `MAX_CHAINS`, which a full head does not name: the oldest. */
  readonly older?: number;
  /** Digest of the head before; absent from the first of a journal. */
  readonly previous?: string;
  /** When that was made: of later than what is kept it cannot have left. Absent also from heads of before it was stated. */
  readonly previousMs?: number;
  readonly retention?: StatedRetention;
  /** When an operator last accepted that the journal is not what was signed of it: what a witness has of before need not be there. */
  readonly acceptedMs?: number;
}

export type Head = Signed<HeadStatement>;

/** A chain as the journal has it now. */
export interface ChainState {
  readonly opening: ChainOpening;
  readonly last: ChainPoint;
  readonly removed?: ChainPoint;
  readonly lastMs?: number;
}

/** Most chains that one head names: more have ended long ago, and heads from then name them. */
export const MAX_CHAINS = 1_000;
/** A full head is made this often, so that a chain which stands still is named again. */
export const FULL_EVERY_MS = 3_600_000;

/** Of a chain, without its name. */
export type NamedInHead = Pick<ChainInHead, 'sequence' | 'digest' | 'kind' | 'lastMs' | 'opening'>;

/** What the maker of heads remembers of the last ones that it made. */
export interface LastHead {
  readonly digest: string;
  /** By chain, where it stood. */
  readonly named: ReadonlyMap<string, NamedInHead>;
  readonly fullMs: number;
  readonly retention?: StatedRetention;
}

export interface HeadFacts extends Pick<
  HeadStatement,
  'timeMs' | 'trustDomain' | 'cluster' | 'server' | 'retention' | 'acceptedMs'
> {
  /** The last head of the journal, whoever made it. */
  readonly previous?: PreviousHead;
}

export interface PreviousHead {
  readonly digest: string;
  /** In ms since the epoch; absent of one that nobody can read. */
  readonly timeMs?: number;
}

/**
 * @param states every chain of the journal, in the order in which they were opened.
 * @param last what this maker remembers; nothing when it has begun, or another made the head before.
 * @returns the next head; nothing where no chain moved.
 */
export function nextHead(
  states: readonly ChainState[],
  last: LastHead | undefined,
  { previous, ...facts }: HeadFacts,
): HeadStatement | undefined {
  const moved = states.filter(
    ({ opening, last: { sequence } }) => last?.named.get(opening.chain)?.sequence !== sequence,
  );
  if (moved.length === 0) return undefined;
  const full = last === undefined || last.digest !== previous?.digest || last.fullMs + FULL_EVERY_MS <= facts.timeMs;
  const named = full ? states.slice(-MAX_CHAINS) : moved.slice(-MAX_CHAINS);
  const older = full ? states.length - named.length : 0;
  return {
    version: 1,
    ...facts,
    chains: named.map((state) => chainInHead(state)),
    ...(full && { full }),
    ...(older > 0 && { older }),
    ...(previous !== undefined && { previous: previous.digest }),
    ...(previous?.timeMs !== undefined && { previousMs: previous.timeMs }),
  };
}

/** @returns what is to be remembered of the head that was made of these states. */
export function lastHeadOf(
  statement: HeadStatement,
  states: readonly ChainState[],
  before: LastHead | undefined,
): LastHead {
  return {
    digest: statementDigest(statement),
    named: new Map(
      states.map((state) => [state.opening.chain, chainInHead(state, before?.named.get(state.opening.chain)?.opening)]),
    ),
    fullMs: statement.full === true ? statement.timeMs : (before?.fullMs ?? statement.timeMs),
    ...(statement.retention && { retention: statement.retention }),
  };
}

/** @param opening its digest, where that is known. */
function chainInHead(
  { opening: opened, last, removed, lastMs }: ChainState,
  opening = openingPoint(opened).digest,
): ChainInHead {
  const { chain, kind } = opened;
  return { chain, kind, opening, ...last, ...(removed && { removed }), ...(lastMs !== undefined && { lastMs }) };
}
