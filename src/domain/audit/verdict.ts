// What is said of an export in the end: whether it was tampered with, and what of it nobody has proven.
import { formatQuantity } from '../text/format-count.ts';
import { formatTime } from '../text/format-time.ts';
import type { ChainCheck } from './chain-check.ts';
import type { ChainRange, EndLine, EndStatement } from './export-line.ts';
import { isKeptForGood } from './kept-since.ts';
import type { HeadStatement } from './head.ts';
import type { Gap, GapCode, Tampering } from './findings.ts';
import type { NamedPoint, NamedPoints } from './named-points.ts';

/** How a chain came out. */
export interface ChainVerdict extends Pick<ChainRange, 'chain' | 'kind' | 'after' | 'through'> {
  readonly server: string;
  readonly links: number;
  /** Up to which sequence it is proven that nothing was changed. */
  readonly provenThrough: number;
}

/** `not_proven`: nothing speaks against it, and something that nobody has proven is in `gaps`. */
export type Result = 'proven' | 'not_proven' | 'tampered';

export interface Verdict {
  readonly result: Result;
  /** The first of them. */
  readonly tamperings: readonly Tampering[];
  readonly furtherTamperings: number;
  readonly gaps: readonly Gap[];
  readonly chains: readonly ChainVerdict[];
  readonly heads: number;
  /** Records of no chain. */
  readonly unchained: number;
  /** The end, where it is signed and the signature is good, or its digest was expected. */
  readonly end?: EndStatement;
}

export interface Seen {
  readonly chains: ReadonlyMap<string, ChainCheck>;
  readonly named: NamedPoints;
  readonly unchained: number;
  readonly end: EndLine | undefined;
  /** The end, where it can be believed. */
  readonly trustedEnd: EndStatement | undefined;
  /** Of those that the export has. */
  readonly oldestHead: HeadStatement | undefined;
}

/** Of two servers that share a journal: one makes a head, the other records. */
const MAX_CLOCKS_APART_MS = 300_000;

export function chainVerdict(check: ChainCheck, isEndTrusted: boolean): ChainVerdict {
  const { opening, after } = check.line;
  const { chain, kind, server } = opening;
  const through = check.last;
  const provenThrough = isEndTrusted ? through.sequence : Math.max(after.sequence, check.provenThrough);
  return { chain, kind, server, after, through, links: check.links, provenThrough };
}

/** What heads and whoever asks name, and is not there. */
export function missing({ chains, named, trustedEnd }: Seen): readonly Omit<Tampering, 'file' | 'line'>[] {
  const points = [...named.all].flatMap(([chain, all]) => {
    const check = chains.get(chain);
    if (check === undefined && trustedEnd === undefined) return [];
    const first = (check?.ahead ?? all).find((point) => !isLeftOut(point, check, trustedEnd));
    return first === undefined ? [] : [missingPoint(chain, first, check)];
  });
  const heads = [...named.unseen].map((digest) => ({
    code: 'missing_head' as const,
    text: `no head and no end in it has the digest ${digest}: it ends before that, unless the head is from after the export`,
  }));
  return [...points, ...heads];
}

/** A trusted end says what the export was made of, and since when retention had kept all. */
function isLeftOut(
  { kind, source, lastMs }: NamedPoint,
  check: ChainCheck | undefined,
  end: EndStatement | undefined,
): boolean {
  if (end === undefined) return false;
  if (source.fromElsewhere && source.timeMs > (end.untilMs ?? end.timeMs)) return true;
  return check === undefined && !isKeptForGood(kind) && lastMs !== undefined && lastMs < (end.keptSinceMs ?? 0);
}

function missingPoint(chain: string, { sequence, source }: NamedPoint, check: ChainCheck | undefined) {
  const has = check === undefined ? 'the chain is not there' : `it ends at record ${check.last.sequence}`;
  const code = check === undefined ? ('missing_chain' as const) : ('truncated' as const);
  return { code, chain, sequence, text: `${source.name} names record ${sequence} of the chain ${chain}, and ${has}` };
}

/** Nothing where all of it is proven. */
export function gapsIn(seen: Seen, chains: readonly ChainVerdict[]): readonly Gap[] {
  const { unchained, trustedEnd } = seen;
  return [
    ...(unchained > 0 ? [gap('unchained', ofNoChain(unchained))] : []),
    ...(trustedEnd === undefined ? [...goneChains(seen), ...openEnds(seen, chains)] : []),
    ...[...seen.chains.values()].flatMap((check) => openBeginning(check, trustedEnd)),
    ...lostHeads(seen.oldestHead, trustedEnd),
  ];
}

/**
 * Whoever can write the journal can say that retention took what is gone, and whoever cuts an export that it begins later: only
 * the end that a server signed says what may be gone, and heads say of when that is. It is no tampering, as retention may have
 * been shorter once.
 */
function openBeginning({ line, named }: ChainCheck, end: EndStatement | undefined): readonly Gap[] {
  const { opening, after, removed } = line;
  const gone = end === undefined ? after.sequence : (removed?.sequence ?? 0);
  if (gone === 0) return [];
  const what = `in the chain ${opening.chain} of ${opening.kind}s ${firstRecords(gone)} not there`;
  const { keptSinceMs, sinceMs = 0 } = end ?? {};
  if (keptSinceMs === undefined) {
    const text = `${what}: a signed end would say whether retention took what is missing`;
    return [gap('unproven_beginning', text, opening.chain)];
  }
  const sinceWhen = Math.max(keptSinceMs, sinceMs);
  const late = named.find(
    ({ sequence, lastMs = -Infinity, source }) => sequence <= gone && lastMs >= sinceWhen && source.isTrusted,
  );
  const before = named.findLast(
    ({ sequence, source }) => sequence < gone && source.timeMs >= sinceWhen + MAX_CLOCKS_APART_MS && source.isTrusted,
  );
  // Who removed them, and the heads that name them, cannot change the opening: other heads name it, and the server knows it.
  const isYoung = opening.openedMs >= sinceWhen;
  const from =
    late !== undefined
      ? `record ${late.sequence} is of ${formatTime(late.lastMs ?? sinceWhen)}, as ${late.source.name} says`
      : before !== undefined
        ? `record ${before.sequence + 1} was not there yet when ${before.source.name} was made`
        : isYoung
          ? `the chain was opened at ${formatTime(opening.openedMs)}`
          : undefined;
  if (from === undefined) return [];
  const since = `all since ${formatTime(sinceWhen)} is said to be kept`;
  const text = `${what}, though ${from}, and ${since}: retention was shorter once, or somebody removed them`;
  return [gap('unproven_beginning', text, opening.chain)];
}

/** What only they named may be gone with them. */
function lostHeads(oldest: HeadStatement | undefined, end: EndStatement | undefined): readonly Gap[] {
  const { previousMs } = oldest ?? {};
  const { keptSinceMs, sinceMs = 0 } = end ?? {};
  if (previousMs === undefined || keptSinceMs === undefined) return [];
  const sinceWhen = Math.max(keptSinceMs, sinceMs);
  if (previousMs < sinceWhen) return [];
  const [gone, since] = [formatTime(previousMs), formatTime(sinceWhen)];
  const text = `heads up to that of ${gone} are not there, though all since ${since} is said to be kept: what they name may be gone with them`;
  return [gap('lost_heads', text)];
}

function firstRecords(through: number): string {
  return through === 1 ? 'record 1 is' : `records 1 to ${through} are`;
}

function ofNoChain(count: number): string {
  const are = count === 1 ? 'is' : 'are';
  return `${formatQuantity(count, 'record')} of no chain ${are} not proven: from before chains, or of a server of a version from before`;
}

function goneChains({ chains, named }: Seen): readonly Gap[] {
  return [...named.all].flatMap(([chain, [first]]) =>
    chains.has(chain) || first === undefined
      ? []
      : [
          gap(
            'lost_chain',
            `${first.source.name} names the chain ${chain}, which is not there: a signed end would say whether retention took it`,
            chain,
          ),
        ],
  );
}

function openEnds({ chains, named, end }: Seen, verdicts: readonly ChainVerdict[]): readonly Gap[] {
  if (![...chains.values()].some(({ knownThrough }) => knownThrough !== undefined)) {
    const proof = `${upTo(verdicts)}, nothing proves the end`;
    if (end === undefined) return [gap('no_end', `it has no end: ${proof}`)];
    if (end.signature === undefined) return [gap('unsigned_end', `its end is not signed: ${proof}`)];
    // A bad signature is said already.
    return named.unverified ? [gap('no_key', `no key was given to verify signatures with: ${proof}`)] : [];
  }
  return verdicts.flatMap(({ chain, kind, through, after }) => {
    const known = chains.get(chain)?.knownThrough ?? after.sequence;
    if (known >= through.sequence) return [];
    const which =
      known + 1 === through.sequence ? `record ${through.sequence}` : `records ${known + 1} to ${through.sequence}`;
    const text = `in the chain ${chain} of ${kind}s nothing proves ${which}, behind the last head that is known from elsewhere`;
    return [gap('unproven_records', text, chain)];
  });
}

/** How far the chains go: all that can be said where nothing proves the end. */
function upTo(chains: readonly ChainVerdict[]): string {
  if (chains.length === 0) return 'there are no chains';
  const each = chains.map(({ kind, chain, through }) => `${kind} ${through.sequence} of ${chain}`);
  return `complete up to ${each.join(', ')}`;
}

function gap(code: GapCode, text: string, chain?: string): Gap {
  return { code, text, ...(chain !== undefined && { chain }) };
}
