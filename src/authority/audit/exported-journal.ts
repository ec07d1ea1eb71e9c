// The journal as an export has it: header, chains, heads, records chain by chain, records of no chain. What ends it is the
// caller's, who may have a server sign it.
import { openingPoint, type ChainPoint } from '../../domain/audit/chain.ts';
import { readLine, type ChainRange } from '../../domain/audit/export-line.ts';
import type { ExportWriter } from '../../domain/audit/export-writer.ts';
import type { AuditHeadReader } from '../../ports/audit/audit-heads.ts';
import type { ChainReader, ChainState } from '../../ports/audit/chain-reader.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface ExportedParts {
  /** As it is now, whatever is recorded meanwhile. */
  readonly chains: ChainReader;
  readonly heads: AuditHeadReader;
  /** Counts and digests the lines. */
  readonly writer: ExportWriter;
}

/** Times in ms since the epoch. */
export interface ExportedTimes {
  readonly nowMs: number;
  /** Chains begin with the first record that is not from before. */
  readonly sinceMs?: number;
  /** Chains end before the first record from after. */
  readonly untilMs?: number;
}

/** @returns which part of each chain the export has, in the order of the chains. @throws AuthorityError as `ChainReader`. */
export async function exportedRanges(
  { chains }: Pick<ExportedParts, 'chains'>,
  { sinceMs, untilMs }: Omit<ExportedTimes, 'nowMs'>,
  options: Waits,
): Promise<readonly (ChainState & { readonly range: ChainRange })[]> {
  const states = await chains.chains(options);
  return Promise.all(
    states.map(async (state) => {
      const { chain, kind } = state.opening;
      const first = state.removed ?? openingPoint(state.opening);
      const before = async (timeMs: number): Promise<ChainPoint> =>
        (await chains.pointBefore(chain, timeMs, options)) ?? first;
      const after = sinceMs === undefined ? first : later(first, await before(sinceMs));
      const through = untilMs === undefined ? state.last : later(after, await before(untilMs + 1));
      return { ...state, range: { chain, kind, after, through, last: state.last.sequence } };
    }),
  );
}

function later(a: ChainPoint, b: ChainPoint): ChainPoint {
  return a.sequence > b.sequence ? a : b;
}

/**
 * @param exported as `exportedRanges` gave it.
 * @returns all lines but the end, each with its line feed.
 * @throws AuthorityError as the readers; the signal's reason.
 */
export async function* exportedLines(
  { chains, heads, writer }: ExportedParts,
  exported: readonly (ChainState & { readonly range: ChainRange })[],
  { nowMs, ...times }: ExportedTimes,
  options: Waits,
): AsyncGenerator<string> {
  yield writer.line({ kind: 'export', version: 1, timeMs: nowMs, ...times });
  for (const { opening, removed, range } of exported) {
    yield writer.line({ kind: 'chain', opening, after: range.after, ...(removed && { removed }) });
  }
  yield* headLines(
    { heads, writer },
    exported.map(({ range }) => range),
    { nowMs, ...times },
    options,
  );
  for (const { range } of exported) {
    const { chain, kind, after, through } = range;
    const wanted = { afterSequence: after.sequence, throughSequence: through.sequence };
    for await (const link of chains.links(chain, wanted, options)) yield writer.line({ kind, chain, ...link });
  }
  for await (const { kind, record } of chains.unchained(options)) {
    if (isWithin(record, times)) yield writer.line({ kind, record });
  }
}

/** Up to the first that names what the export has not: it was made of later records, and so were those behind it. */
async function* headLines(
  { heads, writer }: Pick<ExportedParts, 'heads' | 'writer'>,
  ranges: readonly ChainRange[],
  { nowMs, sinceMs, untilMs = nowMs }: ExportedTimes,
  options: Waits,
): AsyncGenerator<string> {
  const through = new Map(ranges.map((range) => [range.chain, range.through.sequence]));
  for await (const { text } of heads.heads(sinceMs === undefined ? {} : { sinceMs }, options)) {
    const head = readLine(text);
    // One that was damaged in the store is missing behind the one before it, and so it is found.
    if (head?.kind !== 'head') continue;
    if (head.statement.timeMs > untilMs) return;
    if (head.statement.chains.some(({ chain, sequence }) => sequence > (through.get(chain) ?? Infinity))) return;
    yield writer.line(head);
  }
}

function isWithin(record: object, { sinceMs = -Infinity, untilMs = Infinity }: Omit<ExportedTimes, 'nowMs'>): boolean {
  const { timeMs } = record as { readonly timeMs?: unknown };
  return typeof timeMs !== 'number' || (timeMs >= sinceMs && timeMs <= untilMs);
}
