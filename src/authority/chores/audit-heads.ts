// Signs where the chains of the journal stand, by one process for all that share the store, and has witnesses keep that too. Nobody
// who asks for a certificate waits for it: a key or a witness that is away makes heads late, and says so. It imports much because
// journal, key and witnesses meet here.
import { writeLine } from '../../domain/audit/export-line.ts';
import { nextHead, type HeadStatement } from '../../domain/audit/head.ts';
import { statementDigest } from '../../domain/audit/statement.ts';
import { AuthorityError } from '../../domain/errors.ts';
import { ReportOnce } from '../../live/report-once.ts';
import { within } from '../../live/within.ts';
import type { AuditHeads, HeadWitness, KeptHead } from '../../ports/audit/audit-heads.ts';
import type { ChainStates } from '../../ports/audit/chain-reader.ts';
import type { StatementSigner } from '../../ports/audit/statement-signer.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import type { OperationJournal } from '../../ports/storage/operation-journal.ts';
import { HeadContinuity, type Acceptance, type Accepting } from '../audit/head-continuity.ts';
import { whileLeading, type Leading } from './while-leading.ts';

export interface AuditHeadsParts {
  readonly chains: ChainStates;
  readonly heads: AuditHeads;
  readonly signer: StatementSigner;
  readonly witnesses: readonly HeadWitness[];
  readonly lease: Lease;
  readonly journal: OperationJournal;
  readonly clock: Clock;
  readonly events: Pick<Events, 'auditWarning'>;
}

export interface AuditHeadsSettings {
  /** Who makes heads. */
  readonly maker: Pick<HeadStatement, 'trustDomain' | 'cluster' | 'server'>;
  readonly everyMs: number;
  /** How long records are kept. */
  readonly retentionMs: number;
}

/** Heads that wait for a witness that is away; of more the oldest are forgotten, and those behind them name them. */
export const MAX_WAITING = 1_000;
/** What takes longer has failed, and is done again the next time. */
const STEP_MS = 10_000;

export class AuditHeadMaker {
  readonly #parts: AuditHeadsParts;
  readonly #settings: AuditHeadsSettings;
  readonly #continuity: HeadContinuity;
  readonly #witnessed: readonly Witnessed[];
  readonly #failing: ReportOnce;
  #leads = false;
  /** Whether the head that was there when it began to lead went to the witnesses: who made it may have ended before that. */
  #hasSentNewest = false;
  /** Made heads until it was told to end; where another process had the lease then, that one makes the last. */
  #ledToTheEnd = false;
  /** Since when records wait for a head; nothing while all that was looked at is in one. */
  #unsignedSinceMs: number | undefined;

  constructor(parts: AuditHeadsParts, settings: AuditHeadsSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#continuity = new HeadContinuity(parts, settings);
    const warn = (problem: string): void => parts.events.auditWarning({ problem });
    this.#failing = new ReportOnce(warn);
    this.#witnessed = parts.witnesses.map((witness) => ({ witness, waiting: [], failing: new ReportOnce(warn) }));
  }

  /** For how long records have waited for a signed head, in ms; nothing where another process makes heads. */
  get unsignedMs(): number | undefined {
    if (!this.#leads) return undefined;
    return this.#unsignedSinceMs === undefined ? 0 : this.#parts.clock.monotonicMs() - this.#unsignedSinceMs;
  }

  /** How many heads wait for the witness that lacks most; nothing where another process makes heads. */
  get unwitnessed(): number | undefined {
    return this.#leads ? Math.max(0, ...this.#witnessed.map(({ waiting }) => waiting.length)) : undefined;
  }

  /** Why heads are late, in words for an operator; nothing where another process makes heads. */
  get problem(): string | undefined {
    if (!this.#leads) return undefined;
    const problems = [this.#failing, ...this.#witnessed.map(({ failing }) => failing)].map(({ problem }) => problem);
    return problems.find((problem) => problem !== undefined);
  }

  /**
   * Has heads go on from a journal that is not what was signed of it, as after a restore. That is on record when this resolves.
   * @throws AuthorityError CAP-S04 when it cannot be recorded.
   */
  async accept(by: Accepting, options: { readonly signal: AbortSignal }): Promise<Acceptance> {
    if (!this.#leads) return { problem: 'another server makes heads, or none does yet' };
    return this.#continuity.accept(by, options);
  }

  /** @returns why nothing is to be signed of the journal as it is, in words for an operator. @throws as the ports. */
  async differs(options: { readonly signal: AbortSignal }): Promise<string | undefined> {
    // What this process signed before another made heads says nothing of now.
    const continuity = this.#leads ? this.#continuity : new HeadContinuity(this.#parts, this.#settings);
    return continuity.problem(options);
  }

  /** Runs until the signal aborts. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    const work = async (leading: Leading): Promise<void> => {
      await this.#lead(leading);
      this.#ledToTheEnd = options.signal.aborted;
    };
    await whileLeading(this.#parts, work, options);
  }

  /** Once more, when nothing is recorded any more: what was since the last head. Where another process made heads it does nothing. */
  async finish({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (!this.#ledToTheEnd) return;
    const { lease, clock } = this.#parts;
    await within(
      STEP_MS,
      clock,
      async (options) => {
        const held = await lease.acquire(options);
        await this.#make({ epoch: held.epoch, ...options });
        await held.release();
      },
      { signal },
    );
  }

  async #lead(leading: Leading): Promise<void> {
    this.#leads = true;
    this.#continuity.forget();
    this.#hasSentNewest = false;
    try {
      while (!leading.signal.aborted) {
        await this.#make(leading);
        await this.#parts.clock.sleep(this.#settings.everyMs, leading).catch(() => undefined);
      }
    } finally {
      this.#leads = false;
    }
  }

  /** Never throws: what fails is done again the next time. */
  async #make(leading: Leading): Promise<void> {
    const { clock } = this.#parts;
    try {
      const isDone = await within(STEP_MS, clock, async ({ signal }) => this.#sign({ ...leading, signal }), leading);
      if (isDone === true) this.#signed();
      else this.#late(`no head of the journal was signed within ${STEP_MS / 1000} seconds`);
    } catch (error) {
      if (leading.signal.aborted) return;
      this.#late(`no head of the journal can be signed: ${wordsOf(error)}`);
    }
    for (const witnessed of this.#witnessed) await this.#tell(witnessed, leading);
  }

  #signed(): void {
    this.#failing.over();
    this.#unsignedSinceMs = undefined;
  }

  #late(problem: string): void {
    this.#failing.found(problem);
    this.#unsignedSinceMs ??= this.#parts.clock.monotonicMs();
  }

  async #sign({ epoch, signal }: Leading): Promise<true> {
    const { heads, signer, clock } = this.#parts;
    const stored = await this.#continuity.look({ signal });
    const { states, newest, last, isAccepted = false } = stored;
    if (!this.#hasSentNewest && newest !== undefined && !isAccepted) this.#enqueue(newest);
    this.#hasSentNewest = true;
    const follows = await this.#continuity.follows(stored, { signal });
    const facts = { ...this.#settings.maker, timeMs: clock.nowMs(), ...follows };
    const statement =
      nextHead(states, last, facts) ??
      // Who begins, and who makes no heads, know the newest by the key that is configured: all is named again, though nothing moved.
      ((await this.#continuity.isOfFormerKey(stored, { signal })) ? nextHead(states, undefined, facts) : undefined);
    if (statement === undefined) return true;
    const text = writeLine({ kind: 'head', ...(await signer.sign('head', statement, { signal })) });
    const head = { timeMs: statement.timeMs, digest: statementDigest(statement), text };
    const made = this.#continuity.tries(statement, stored);
    await heads.keepHead(head, { epoch, signal });
    this.#continuity.kept(made);
    this.#enqueue(head);
    return true;
  }

  #enqueue(head: KeptHead): void {
    for (const { waiting } of this.#witnessed) {
      waiting.push(head);
      if (waiting.length > MAX_WAITING) waiting.shift();
    }
  }

  async #tell({ witness, waiting, failing }: Witnessed, { signal }: Leading): Promise<void> {
    try {
      for (let head = waiting[0]; head !== undefined; head = waiting[0]) {
        const kept = head;
        const problem = this.#continuity.problemOf(witness);
        if (problem !== undefined) throw new Error(problem);
        const isKept = await within(
          STEP_MS,
          this.#parts.clock,
          async (options) => {
            await witness.keep(kept, options);
            return true;
          },
          { signal },
        );
        if (isKept !== true) throw new Error(`it did not answer within ${STEP_MS / 1000} seconds`);
        waiting.shift();
      }
      failing.over();
    } catch (error) {
      if (signal.aborted) return;
      failing.found(`the witness ${witness.name} keeps no heads: ${wordsOf(error)}`);
    }
  }
}

interface Witnessed {
  readonly witness: HeadWitness;
  /** Oldest first. */
  readonly waiting: KeptHead[];
  readonly failing: ReportOnce;
}

function wordsOf(error: unknown): string {
  if (error instanceof AuthorityError && error.detail !== undefined) return error.detail;
  // Its own words are of the key of an issuer; the cause has what is wrong with this one.
  if (error instanceof AuthorityError && error.cause instanceof Error) return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}
