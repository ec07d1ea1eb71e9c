// Signs the end of an export that somebody has made of the journal, as long as the journal is what heads say of it. What is said of
// chains is compared with the journal before it is signed; how many records of no chain there are, and the digest of the lines, are
// the word of whoever made the export.
import { openingPoint } from '../../domain/audit/chain.ts';
import type { ChainRange, EndStatement } from '../../domain/audit/export-line.ts';
import type { HeadStatement } from '../../domain/audit/head.ts';
import { keptSince, type StatedRetention } from '../../domain/audit/kept-since.ts';
import { statementDigest, type Signed } from '../../domain/audit/statement.ts';
import { formatQuantity } from '../../domain/text/format-count.ts';
import type { AuditHeads } from '../../ports/audit/audit-heads.ts';
import type { ChainState, ChainStates } from '../../ports/audit/chain-reader.ts';
import type { StatementSigner } from '../../ports/audit/statement-signer.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { OperationJournal } from '../../ports/storage/operation-journal.ts';
import { signedRetention } from './signed-retention.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Data all through. Times in ms since the epoch. */
export interface AskedEnd extends Pick<EndStatement, 'sinceMs' | 'untilMs' | 'unchained' | 'content'> {
  /** When the export was begun: chains that were opened later are not in it. */
  readonly timeMs: number;
  /** Of every chain the sequences behind which, and through which, the export has it. */
  readonly chains: readonly (readonly [chain: string, after: number, through: number])[];
}

/** `problem`: what the export has that the journal has not, or lacks. */
export type AnsweredEnd = Signed<EndStatement> | { readonly problem: string };

export interface ExportEndParts {
  readonly chains: ChainStates;
  readonly heads: Pick<AuditHeads, 'lastHeads'>;
  readonly signer: StatementSigner;
  /** Why nothing is to be signed of the journal as it is, in words for an operator. */
  readonly differs: (options: Waits) => Promise<string | undefined>;
  readonly journal: OperationJournal;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export interface ExportEndSettings extends Pick<HeadStatement, 'trustDomain' | 'cluster' | 'server'> {
  readonly retentionMs: number;
}

export class ExportEnds {
  readonly #parts: ExportEndParts;
  readonly #settings: ExportEndSettings;

  constructor(parts: ExportEndParts, settings: ExportEndSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /**
   * Resolves when it is on record that somebody asked for it.
   * @throws AuthorityError CAP-S04 when the journal cannot be read or written; as `StatementSigner`.
   */
  async sign(
    asked: AskedEnd,
    by: { readonly actor: string; readonly role: string },
    options: Waits,
  ): Promise<AnsweredEnd> {
    const { chains, heads, signer, journal, clock, differs } = this.#parts;
    const difference = await differs(options);
    if (difference !== undefined) return { problem: difference };
    const [newest] = await heads.lastHeads(1, options);
    const { keptSinceMs } = await signedRetention(newest, signer, options);
    const states = new Map((await chains.chains(options)).map((state) => [state.opening.chain, state]));
    const named = new Set(asked.chains.map(([chain]) => chain));
    const forgotten = states
      .values()
      .find(({ opening }) => opening.openedMs < asked.timeMs && !named.has(opening.chain));
    if (forgotten !== undefined) return { problem: `it lacks the chain ${forgotten.opening.chain}` };
    const ranges: ChainRange[] = [];
    for (const [chain, after, through] of asked.chains) {
      const state = states.get(chain);
      const range = state && (await this.#rangeOf(state, { after, through }, asked, options));
      if (range === undefined) return { problem: `the journal has the chain ${chain} not as it has it` };
      ranges.push(range);
    }
    // Not the period of that head, which may have been put there: who makes the next one asks whether it was.
    const statement = this.#statementOf(asked, ranges, keptSinceMs === undefined ? {} : { keptSinceMs });
    const signed = await signer.sign('export', statement, options);
    const what = formatQuantity(statement.records + statement.unchained, 'record');
    const details = { ...by, target: `export ${statementDigest(statement)}` };
    const record = { timeMs: clock.nowMs(), operation: 'journal export', was: '-', is: `${what} signed`, details };
    await journal.recordOperation(record, options);
    return signed;
  }

  #statementOf(
    { sinceMs, untilMs, unchained, content }: AskedEnd,
    chains: readonly ChainRange[],
    before: Partial<StatedRetention>,
  ): EndStatement {
    const { retentionMs, ...server } = this.#settings;
    const timeMs = this.#parts.clock.nowMs();
    return {
      version: 1,
      timeMs,
      ...(sinceMs !== undefined && { sinceMs }),
      ...(untilMs !== undefined && { untilMs }),
      chains,
      records: chains.reduce((sum, { after, through }) => sum + through.sequence - after.sequence, 0),
      unchained,
      content,
      keptSinceMs: keptSince(before, retentionMs, timeMs),
      ...server,
    };
  }

  /** @returns nothing where the export leaves out more than its times say. */
  async #rangeOf(
    { opening, last, lastMs, removed }: ChainState,
    asked: { readonly after: number; readonly through: number },
    { sinceMs, untilMs }: AskedEnd,
    options: Waits,
  ): Promise<ChainRange | undefined> {
    const { chain, kind } = opening;
    const first = removed ?? openingPoint(opening);
    const pointOf = async (sequence: number) => {
      // Most exports are whole, and ask for nothing more.
      if (sequence === first.sequence) return { ...first, timeMs: -Infinity };
      if (sequence === last.sequence && lastMs !== undefined) return { ...last, timeMs: lastMs };
      return this.#parts.chains.pointOf(chain, sequence, options);
    };
    const [after, through] = [await pointOf(asked.after), await pointOf(asked.through)];
    if (after === undefined || through === undefined || after.sequence > through.sequence) return undefined;
    const isCutBefore = after.sequence > first.sequence && (sinceMs === undefined || after.timeMs >= sinceMs);
    const next =
      untilMs === undefined || through.sequence === last.sequence ? undefined : await pointOf(through.sequence + 1);
    const isCutBehind = next !== undefined && next.timeMs <= (untilMs ?? Infinity);
    if (isCutBefore || isCutBehind) return undefined;
    const bare = ({ sequence, digest }: { readonly sequence: number; readonly digest: string }) => ({
      sequence,
      digest,
    });
    return { chain, kind, after: bare(after), through: bare(through), last: last.sequence };
  }
}
