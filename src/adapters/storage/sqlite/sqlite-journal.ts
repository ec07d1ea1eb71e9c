// The issuance journal in an embedded SQLite file (WAL, synchronous=FULL). It alarms once when
// records stop being durable and once when they are again; meanwhile every append is refused, so
// nothing is issued unrecorded. It imports much because it implements the ports of all records.
import { AuthorityError } from '../../../domain/errors.ts';
import { every } from '../../../live/every.ts';
import type { AuditHeads, KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { ClosingJournal, ClosingRecord, FollowedUntil } from '../../../ports/storage/closing-journal.ts';
import type { EvidenceNotes, EvidenceRecords } from '../../../ports/storage/evidence.ts';
import type { Appending, DecisionRecord, IssuanceJournal } from '../../../ports/storage/issuance-journal.ts';
import type { IssuerRecords, RecordedIssuer } from '../../../ports/storage/issuer-records.ts';
import type { JournalRetention } from '../../../ports/storage/journal-retention.ts';
import type { HeldLease, Lease } from '../../../ports/storage/lease.ts';
import type { OperationJournal, OperationRecord } from '../../../ports/storage/operation-journal.ts';
import { existsSync, lstatSync, statSync } from 'node:fs';
import { GroupCommit } from '../group-commit.ts';
import { recordsAsJson } from '../storable-json.ts';
import { checkJournal, type CheckResult } from './file/journal-check.ts';
import { JournalLock, lockFileOf, realFile } from './file/journal-lock.ts';
import { JournalProblem } from './file/journal-problem.ts';
import { WriterThread } from './writing/writer-thread.ts';
import type { WriterRequest } from './writing/writer-protocol.ts';
import type { WriterSettings } from './writing/journal-writer.ts';

export interface JournalParts {
  readonly clock: Clock;
  readonly events: Pick<Events, 'journalFailing' | 'journalRecovered' | 'journalCheck' | 'unexpected'>;
}

interface StartOptions {
  readonly signal: AbortSignal;
  readonly lock?: JournalLock;
  readonly made?: boolean;
}

/** How soon a journal that was taken away is missed, and one that could not be written finds out that it can be. */
const LOOK_EVERY_MS = 500;
/** How often a check that takes long says that it goes on. */
const CHECK_REPORTED_EVERY_MS = 10_000;

export class SqliteJournal
  implements
    IssuanceJournal,
    IssuerRecords,
    OperationJournal,
    ClosingJournal,
    EvidenceRecords,
    JournalRetention,
    Pick<AuditHeads, 'keepHead'>,
    Lease,
    AsyncDisposable
{
  readonly #parts: JournalParts;
  readonly #settings: WriterSettings;
  readonly #thread: WriterThread;
  /** The journal's name as it was configured, which may be a link. */
  readonly #name: string;
  readonly #commits: GroupCommit<DecisionRecord>;
  readonly #end = new AbortController();
  #running = false;
  #lock: JournalLock | undefined;
  /** The journal's check that is under way; by the monotonic clock. */
  #check: { readonly sinceMs: number; readonly bytes: number } | undefined;
  /** The last server's end was not in order, and nobody has looked through the journal since. */
  #unchecked = false;
  /** What the check found; only an operator can mend it. */
  #damage: string | undefined;
  #problem: string | undefined = 'the journal is not open';

  constructor(parts: JournalParts, settings: WriterSettings) {
    this.#parts = parts;
    this.#name = settings.file;
    this.#settings = { ...settings, file: realFile(settings.file) };
    this.#thread = new WriterThread(parts, this.#settings);
    this.#commits = new GroupCommit((batch) => this.#commit(batch));
  }

  /** Why records are not durable now; nothing when they are. */
  get problem(): string | undefined {
    return this.#damage ?? this.#problem;
  }

  /** A check that goes on beside serving, in words; nothing when there is none. */
  get checking(): string | undefined {
    if (this.#check === undefined) return undefined;
    const { sinceMs, bytes } = this.#check;
    const seconds = Math.round((this.#parts.clock.monotonicMs() - sinceMs) / 1000);
    const size = `${Math.ceil(bytes / 2 ** 20)} MiB, for ${seconds} s`;
    return `the journal is being checked after a stop that was not in order (${size}); decisions are recorded meanwhile`;
  }

  /**
   * Opens the file, or makes it when there never was one. After a stop that was not in order it is checked while it
   * serves. The signal ends only the starting.
   * @param options.lock that of the journal, where the caller has taken it; given back when the journal closes.
   * @param options.made whether somebody else has made the journal: then a missing one is not made here.
   * @throws AuthorityError CAP-X03 naming a file that is not a journal of this version, is corrupt, lost or in use by
   *   another server; CAP-S04 when it is locked or its disk is full.
   */
  async start({ signal, lock, made = false }: StartOptions): Promise<void> {
    signal.throwIfAborted();
    const end = { signal: this.#end.signal };
    void this.#thread.watch(end);
    try {
      if (made) this.#demandJournal();
      await this.#open(lock);
    } catch (cause) {
      await this[Symbol.asyncDispose]();
      throw cause instanceof JournalProblem ? cause.toOpeningError() : cause;
    }
    this.#running = true;
    this.#problem = undefined;
    void every(LOOK_EVERY_MS, this.#parts.clock, async () => this.#look(), end);
    if (this.#unchecked) void this.#lookThrough(end);
  }

  /** Of bans the other processes of the server hear before who banned does. */
  async append(record: DecisionRecord, { signal }: Appending): Promise<boolean> {
    if (!this.#running) throw new AuthorityError('CAP-S04', { detail: 'the journal is not open' });
    await this.#commits.add(record, signal);
    return true;
  }

  async keepIssuers(issuers: readonly RecordedIssuer[], { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    await this.#write({ kind: 'keep-issuers', issuers, nowMs: this.#parts.clock.nowMs() });
  }

  async recordOperation(operation: OperationRecord, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (!this.#running) throw new AuthorityError('CAP-S04', { detail: 'the journal is not open' });
    await this.#write({ kind: 'record-operation', operation: recordsAsJson([operation]) });
  }

  async deleteBefore(
    beforeMs: number,
    limit: number,
    { epoch, signal }: { readonly epoch: number; readonly signal: AbortSignal },
  ): Promise<number> {
    signal.throwIfAborted();
    this.#demandEpoch(epoch);
    return this.#write({ kind: 'delete-before', beforeMs, limit, nowMs: this.#parts.clock.nowMs() });
  }

  async recordClosings(
    closings: readonly ClosingRecord[],
    followed: FollowedUntil | undefined,
    { epoch, signal }: { readonly epoch: number; readonly signal: AbortSignal },
  ): Promise<void> {
    signal.throwIfAborted();
    this.#demandEpoch(epoch);
    await this.#write({ kind: 'record-closings', closings: recordsAsJson(closings), followed });
  }

  async keepHead(
    head: KeptHead,
    { epoch, signal }: { readonly epoch: number; readonly signal: AbortSignal },
  ): Promise<void> {
    signal.throwIfAborted();
    this.#demandEpoch(epoch);
    await this.#write({ kind: 'keep-head', head });
  }

  async recordEvidence(notes: EvidenceNotes, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (!this.#running) throw new AuthorityError('CAP-S04', { detail: 'the journal is not open' });
    await this.#write({ kind: 'record-evidence', ...notes });
  }

  /** The lock of the journal is the lease: the process that has the lock holds the lease, until it ends. */
  async acquire({ signal }: { readonly signal: AbortSignal }): Promise<HeldLease> {
    signal.throwIfAborted();
    if (!this.#running || this.#lock === undefined) {
      throw new AuthorityError('CAP-S04', { detail: 'the journal is not open' });
    }
    return { epoch: this.#lock.epoch, lost: this.#end.signal, release: () => Promise.resolve() };
  }

  /** Waits for what was appended, then closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    const inOrder = this.#running && this.problem === undefined;
    this.#running = false;
    await this.#commits.drained();
    await this.#thread.close();
    this.#end.abort();
    if (inOrder && !this.#unchecked) this.#lock?.end();
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
  }

  #demandEpoch(epoch: number): void {
    if (this.#running && epoch === this.#lock?.epoch) return;
    throw new AuthorityError('CAP-S04', { detail: 'the lease of the journal is over' });
  }

  /** Before its lock is taken, which would make a file that speaks of a journal. */
  #demandJournal(): void {
    const { file } = this.#settings;
    if (existsSync(file)) return;
    throw new JournalProblem(
      'file',
      `the journal ${file} is gone from its place; put it back, or stop Capstan and look`,
    );
  }

  async #open(lock: JournalLock | undefined): Promise<void> {
    const { file } = this.#settings;
    const left = lockFileOf(this.#name);
    this.#lock = lock;
    // Moved away and linked to, without what belongs to it: what the WAL and the lock know would be forgotten.
    if (lstatSync(this.#name, { throwIfNoEntry: false })?.isSymbolicLink() === true && existsSync(left))
      throw new JournalProblem(
        'file',
        `the journal ${this.#name} is a link to ${file} now; move ${left} and its WAL there too`,
      );
    this.#lock ??= JournalLock.take(file);
    const { found } = this.#lock;
    const isNew = statSync(this.#settings.file, { throwIfNoEntry: false }) === undefined;
    await this.#thread.ask({ kind: 'open', known: found !== 'none' });
    this.#unchecked = found !== 'closed' && !isNew;
    this.#lock.begin();
  }

  async #commit(batch: readonly DecisionRecord[]): Promise<void> {
    await this.#write({ kind: 'append', records: recordsAsJson(batch) });
    this.#works();
  }

  /** Nothing goes into a journal that is damaged. */
  async #write(request: WriterRequest): Promise<number> {
    if (this.#damage !== undefined) throw new AuthorityError('CAP-S04', { cause: new Error(this.#damage) });
    try {
      return await this.#thread.ask(request);
    } catch (cause) {
      this.#fails(cause);
      throw new AuthorityError('CAP-S04', { cause });
    }
  }

  #works(): void {
    if (this.#problem !== undefined && this.#damage === undefined) this.#parts.events.journalRecovered();
    this.#problem = undefined;
  }

  #fails(cause: unknown): void {
    const problem = cause instanceof Error ? cause.message : 'failed';
    if (this.problem === undefined) this.#parts.events.journalFailing({ problem });
    this.#problem = problem;
  }

  /**
   * A journal that is taken away is missed also when nobody asks for anything. A server that cannot record is not ready,
   * so nobody may come whose request would show that it can again.
   */
  async #look(): Promise<void> {
    if (!this.#running) return;
    const kind = this.#problem === undefined ? 'look' : 'probe';
    await this.#thread.ask({ kind }).then(
      // That the files are there does not mean that they can be written; a failure may have come meanwhile.
      () => (kind === 'probe' ? this.#works() : undefined),
      (cause: unknown) => this.#fails(cause),
    );
  }

  /** Beside serving: what it finds stops the issuing then. */
  async #lookThrough({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { clock, events } = this.#parts;
    const { file } = this.#settings;
    const check = { sinceMs: clock.monotonicMs(), bytes: statSync(file, { throwIfNoEntry: false })?.size ?? 0 };
    const report = (state: 'begun' | 'under way' | 'sound'): void =>
      events.journalCheck({ state, bytes: check.bytes, elapsedMs: clock.monotonicMs() - check.sinceMs });
    this.#check = check;
    report('begun');
    const over = new AbortController();
    const until = { signal: AbortSignal.any([signal, over.signal]) };
    void every(CHECK_REPORTED_EVERY_MS, clock, () => report('under way'), until);
    // A stop meanwhile ends it; the next start begins anew.
    const result = await checkJournal(file, { signal }).catch(() => undefined);
    over.abort();
    this.#check = undefined;
    if (result !== undefined) this.#checked(result, report);
  }

  #checked(result: CheckResult, report: (state: 'sound') => void): void {
    if (result.kind === 'failed') {
      this.#parts.events.unexpected({ where: 'journal check', cause: new Error(result.problem) });
      return;
    }
    this.#unchecked = result.kind === 'damaged';
    if (result.kind === 'sound') {
      report('sound');
      return;
    }
    const { problem } = result;
    if (this.problem === undefined) this.#parts.events.journalFailing({ problem });
    this.#damage = problem;
  }
}
