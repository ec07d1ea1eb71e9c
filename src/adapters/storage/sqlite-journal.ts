// The issuance journal in an embedded SQLite file (WAL, synchronous=FULL). It alarms once when
// records stop being durable and once when they are again; meanwhile every append is refused, so
// nothing is issued unrecorded.
import { AuthorityError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { DecisionRecord, IssuanceJournal } from '../../ports/issuance-journal.ts';
import type { IssuerRecords, RecordedIssuer } from '../../ports/issuer-records.ts';
import { GroupCommit } from './group-commit.ts';
import { JournalProblem } from './journal-problem.ts';
import { JournalThread } from './journal-thread.ts';
import type { WriterSettings } from './journal-writer.ts';

export interface JournalSettings extends WriterSettings {
  /** Records older than this are deleted, at start and then daily; absent keeps all. */
  readonly retentionMs?: number;
}

export interface JournalParts {
  readonly clock: Clock;
  readonly events: Pick<Events, 'journalFailing' | 'journalRecovered' | 'unexpected'>;
}

/** How soon a journal that could not be written finds out that it can be. */
const PROBE_EVERY_MS = 1_000;
const RETENTION_EVERY_MS = 86_400_000;
/** One step holds the file for a few milliseconds; appends pass in between. */
const RETENTION_STEP = 1_000;

export class SqliteJournal implements IssuanceJournal, IssuerRecords, AsyncDisposable {
  readonly #parts: JournalParts;
  readonly #settings: JournalSettings;
  readonly #thread: JournalThread;
  readonly #commits: GroupCommit<DecisionRecord>;
  readonly #end = new AbortController();
  #running = false;
  #problem: string | undefined = 'the journal is not open';

  constructor(parts: JournalParts, settings: JournalSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#thread = new JournalThread(parts, settings);
    this.#commits = new GroupCommit((batch) => this.#commit(batch));
  }

  /** Why records are not durable now; nothing when they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Opens the file, or makes it. The signal ends only the starting.
   * @throws AuthorityError CAP-X03 naming a file that is not a journal of this version or is corrupt;
   *   CAP-S04 when it is locked or its disk is full.
   */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    const end = { signal: this.#end.signal };
    void this.#thread.watch(end);
    try {
      await this.#thread.ask({ kind: 'open' });
    } catch (cause) {
      await this[Symbol.asyncDispose]();
      throw cause instanceof JournalProblem ? cause.toOpeningError() : cause;
    }
    this.#running = true;
    this.#problem = undefined;
    void this.#probe(end);
    void this.#deleteDaily(end);
  }

  async append(record: DecisionRecord, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (!this.#running) throw new AuthorityError('CAP-S04', { detail: 'the journal is not open' });
    return this.#commits.add(record, signal);
  }

  async keepIssuer(issuer: RecordedIssuer): Promise<void> {
    try {
      await this.#thread.ask({ kind: 'keep-issuer', issuer, nowMs: this.#parts.clock.nowMs() });
    } catch (cause) {
      this.#fails(cause);
      throw new AuthorityError('CAP-S04', { cause });
    }
  }

  /** Waits for what was appended, then closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    await this.#commits.drained();
    await this.#thread.close();
    this.#end.abort();
  }

  async #commit(batch: readonly DecisionRecord[]): Promise<void> {
    try {
      await this.#thread.ask({ kind: 'append', records: JSON.stringify(batch) });
    } catch (cause) {
      this.#fails(cause);
      throw new AuthorityError('CAP-S04', { cause });
    }
    this.#works();
  }

  #works(): void {
    if (this.#problem !== undefined) this.#parts.events.journalRecovered();
    this.#problem = undefined;
  }

  #fails(cause: unknown): void {
    const problem = cause instanceof Error ? cause.message : 'failed';
    if (this.#problem === undefined) this.#parts.events.journalFailing({ problem });
    this.#problem = problem;
  }

  /** A server that cannot record is not ready, so nobody may come whose request would show that it can again. */
  async #probe({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.clock.sleep(PROBE_EVERY_MS, { signal }).catch(() => undefined);
      if (!this.#running || this.#problem === undefined) continue;
      await this.#thread.ask({ kind: 'probe' }).then(
        () => this.#works(),
        () => undefined,
      );
    }
  }

  /** A day on which deleting fails leaves its records to the next. */
  async #deleteDaily({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { retentionMs } = this.#settings;
    const { clock, events } = this.#parts;
    while (retentionMs !== undefined && !signal.aborted) {
      await this.#deleteBefore(clock.nowMs() - retentionMs, signal).catch((cause: unknown) => {
        events.unexpected({ where: 'journal retention', cause });
      });
      await clock.sleep(RETENTION_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  async #deleteBefore(beforeMs: number, signal: AbortSignal): Promise<void> {
    let removed = RETENTION_STEP;
    while (removed === RETENTION_STEP && !signal.aborted && this.#running) {
      removed = await this.#thread.ask({ kind: 'delete-before', beforeMs, limit: RETENTION_STEP });
    }
  }
}
