// The issuance journal in a PostgreSQL that several servers share. It alarms once when records stop being durable and
// once when they are again; meanwhile every append is refused at once, so nothing is issued unrecorded and nobody waits.
// It imports much because it implements the ports of all records.
import { hostname } from 'node:os';
import { AuthorityError } from '../../../domain/errors.ts';
import { every } from '../../../live/every.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { Appending, DecisionRecord, IssuanceJournal } from '../../../ports/storage/issuance-journal.ts';
import type { IssuerRecords, RecordedIssuer } from '../../../ports/storage/issuer-records.ts';
import type { OperationJournal, OperationRecord } from '../../../ports/storage/operation-journal.ts';
import { GroupCommit } from '../group-commit.ts';
import { operationValues } from '../records.ts';
import { recordsAsJson, storedRecords } from '../storable-json.ts';
import { placeValues, TABLES } from '../chain-records.ts';
import { look, probe } from './connection/probe.ts';
import { followedFrom, openedChainJson, placesJson, linking, ServerChain } from './writing/server-chain.ts';
import { tooFewKept, type PostgresConnection } from './connection/postgres-connection.ts';
import { PostgresPool } from './connection/postgres-pool.ts';
import { PostgresProblem, problemBehind } from './connection/postgres-problem.ts';
import { GRACE_MS, type PostgresSettings } from './connection/settings.ts';
import { migrate } from './schema/migrate.ts';
import {
  APPEND_OPERATION,
  FORGET_ISSUERS,
  RECORD_DECISIONS,
  KEEP_ISSUER,
  RETIRE_ISSUERS,
  selectFollowed,
} from './writing/statements.ts';

export interface PostgresJournalParts {
  readonly clock: Clock;
  readonly events: Pick<Events, 'journalFailing' | 'journalRecovered'>;
  /** Who opens chains of records, as operators call it; the machine where nothing else is said. */
  readonly server?: string;
}

export interface PostgresJournalSettings extends PostgresSettings {
  /** Whose bans count: the trust domain. */
  readonly trust: string;
}

interface Item {
  readonly record: DecisionRecord;
  /** Digest of the ledger by which it may be given; empty of an empty one. */
  readonly bans?: string;
  /** After the commit; not when the database had other bans. */
  isRecorded: boolean;
}

/** How soon a database that went away is missed, and one that came back found. */
const LOOK_EVERY_MS = 500;
/** Between two tries of one write: a server that starts again refuses for a moment. */
const RETRY_AFTER_MS = 100;
const NEVER = new AbortController().signal;

export class PostgresJournal implements IssuanceJournal, IssuerRecords, OperationJournal, AsyncDisposable {
  readonly #parts: PostgresJournalParts;
  readonly #settings: PostgresJournalSettings;
  /** Of its own, so that no reader keeps a record waiting; commits come one at a time. */
  readonly #pool: PostgresPool;
  readonly #commits: GroupCommit<Item>;
  readonly #decisions: ServerChain;
  readonly #operations: ServerChain;
  readonly #end = new AbortController();
  #running = false;
  #problem: string | undefined = 'the journal is not open';
  #alarmed = false;

  /** Of the settings' connections it uses one. */
  constructor(parts: PostgresJournalParts, settings: PostgresJournalSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#pool = new PostgresPool(parts, { ...settings, maxConnections: 1 });
    this.#commits = new GroupCommit((batch) => this.#commit(batch));
    const server = parts.server ?? hostname();
    this.#decisions = new ServerChain('decision', server);
    this.#operations = new ServerChain('operation', server);
  }

  /** Why records are not durable now; nothing when they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Brings the database to this version's schema. Waits for one that is not there, however long that takes. The signal
   * ends only the starting.
   * @throws AuthorityError CAP-X03 for what an operator has to change: a password, a certificate, a missing database, a
   *   schema of a newer version; the signal's reason.
   */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!(await this.#opened(signal))) await this.#parts.clock.sleep(LOOK_EVERY_MS, { signal });
    this.#running = true;
    void every(LOOK_EVERY_MS, this.#parts.clock, async () => this.#look(), { signal: this.#end.signal });
  }

  async append(record: DecisionRecord, { bans, signal }: Appending): Promise<boolean> {
    this.#demandRunning();
    const item: Item = { record, ...(bans && { bans: bans.digest ?? '' }), isRecorded: true };
    await this.#commits.add(item, signal);
    return item.isRecorded;
  }

  async keepIssuers(issuers: readonly RecordedIssuer[], { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    this.#demandRunning();
    const nowMs = this.#parts.clock.nowMs();
    const ids = JSON.stringify(issuers.map(({ id }) => id));
    await this.#write(async () =>
      this.#pool.transaction(
        async (connection) => {
          for (const { id, certificateDer, longestLeafMs, notAfterMs } of issuers) {
            const values = [id, Buffer.from(certificateDer), longestLeafMs, notAfterMs];
            await connection.query({ text: KEEP_ISSUER, values, writes: 1 });
          }
          await connection.query({ text: RETIRE_ISSUERS, values: [nowMs, ids] });
          await connection.query({ text: FORGET_ISSUERS, values: [nowMs] });
        },
        { signal: NEVER },
      ),
    );
  }

  /** Not sent again when its answer is lost: that would record it twice. It is then not done, and may be found recorded. */
  async recordOperation(operation: OperationRecord, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    this.#demandRunning();
    const [stored = operation] = storedRecords(recordsAsJson([operation]), [operation]);
    await this.#write(async () =>
      this.#pool.use(
        async (connection) => {
          // Of one connection, so the next waits until this one is written or the connection gone.
          const links = this.#operations.next([stored]);
          const values = [...operationValues(stored), ...placeValues(links.places[0]), openedChainJson(links)];
          await linking(this.#operations, links, async () => {
            await connection.commit({ text: APPEND_OPERATION, values, writes: 1 });
            return undefined;
          });
        },
        { signal: NEVER },
      ),
    );
  }

  /** Waits for what was appended, then closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    await this.#commits.drained();
    this.#end.abort();
    await this.#pool[Symbol.asyncDispose]();
  }

  #demandRunning(): void {
    if (!this.#running) throw new AuthorityError('CAP-S04', { detail: 'the journal is not open' });
    // Whoever looks for it finds out when it is over; a caller does not wait for that.
    if (this.#problem !== undefined) throw new AuthorityError('CAP-S04', { cause: new Error(this.#problem) });
  }

  /** @returns whether it could be opened; else it alarms, for what may pass. */
  async #opened(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#pool.use(async (connection) => this.#prepare(connection), { signal });
      this.#works();
      return true;
    } catch (cause) {
      const problem = problemBehind(cause);
      if (problem === undefined || problem.kind === 'misconfigured') throw problem?.toOpeningError() ?? cause;
      this.#fails(problem);
      return false;
    }
  }

  async #prepare(connection: PostgresConnection): Promise<void> {
    await migrate(connection);
    for (const chain of [this.#decisions, this.#operations]) {
      const values = [chain.kind, chain.server];
      chain.follow(followedFrom(await connection.query({ text: selectFollowed(TABLES[chain.kind]), values })));
    }
  }

  /** All of it or nothing: where the database has other bans than some were judged by, the others are linked without them. */
  async #commit(batch: readonly Item[]): Promise<void> {
    this.#demandRunning();
    const inForce = await this.#record(batch);
    for (const item of batch) item.isRecorded = inForce === undefined;
    if (inForce === undefined) return;
    const due = batch.filter(({ bans }) => bans === undefined || bans === inForce);
    // Fewer each time, so it ends.
    if (due.length > 0) await this.#commit(due);
  }

  /** @returns the digest of the bans in force, where they are others and nothing was recorded. */
  async #record(batch: readonly Item[]): Promise<string | undefined> {
    const records = batch.map(({ record }) => record);
    const json = recordsAsJson(records);
    const links = this.#decisions.next(storedRecords(json, records));
    const bans = JSON.stringify([...new Set(batch.flatMap((item) => item.bans ?? []))]);
    const values = [json, placesJson(links.places), openedChainJson(links), this.#settings.trust, bans];
    const statement = { name: 'append', text: RECORD_DECISIONS, values };
    let tries = 0;
    return linking(this.#decisions, links, async () => {
      let inForce: string | undefined;
      await this.#write(async () =>
        this.#insisting(async (connection, withinMs) => {
          tries += 1;
          const [row] = await connection.commit(statement, withinMs);
          if (row?.['agreed'] === true) {
            const written = Number(row['written']);
            if (written !== batch.length) throw tooFewKept(connection.host, written, batch.length);
            return;
          }
          // An earlier try may have recorded all of it: nobody knows, so nothing of it is delivered.
          if (tries > 1)
            throw new AuthorityError('CAP-S04', { detail: 'the bans changed while it was being recorded' });
          inForce = String(row?.['digest']);
        }),
      );
      return inForce;
    });
  }

  /**
   * A write that may be done twice is tried again while its outcome is unknown or another host may take it, in all for
   * twice the time of one statement.
   */
  async #insisting(write: (connection: PostgresConnection, withinMs: number) => Promise<unknown>): Promise<void> {
    const { clock } = this.#parts;
    const { statementTimeout } = this.#settings;
    const allMs = 2 * statementTimeout;
    const endMs = clock.monotonicMs() + allMs;
    const leftMs = (): number => Math.min(statementTimeout + GRACE_MS, endMs - clock.monotonicMs());
    let last = new PostgresProblem('lost', `PostgreSQL did not take it within ${allMs} ms`);
    const bound = new AbortController();
    const late = clock.after(allMs, () => bound.abort(last));
    try {
      for (;;) {
        try {
          await this.#pool.use((connection) => write(connection, leftMs()), bound);
          return;
        } catch (cause) {
          const problem = problemBehind(cause);
          if (problem?.passing !== true || leftMs() <= RETRY_AFTER_MS) throw cause;
          last = problem;
          await clock.sleep(RETRY_AFTER_MS, bound);
        }
      }
    } finally {
      late();
    }
  }

  async #write(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      this.#fails(problemBehind(cause) ?? cause);
      throw cause instanceof AuthorityError ? cause : new AuthorityError('CAP-S04', { cause });
    }
  }

  #works(): void {
    if (this.#alarmed) this.#parts.events.journalRecovered();
    this.#alarmed = false;
    this.#problem = undefined;
  }

  #fails(cause: unknown): void {
    const problem = cause instanceof Error ? cause.message : 'failed';
    if (!this.#alarmed) this.#parts.events.journalFailing({ problem });
    this.#alarmed = true;
    this.#problem = problem;
  }

  /** Also when nobody asks for anything: a database that is away is missed, and one that is back is used again. */
  async #look(): Promise<void> {
    const failing = this.#problem !== undefined;
    await this.#pool
      .use((connection) => (failing ? probe(connection) : look(connection)), { signal: NEVER })
      .then(
        () => (failing ? this.#works() : undefined),
        (cause: unknown) => (this.#end.signal.aborted ? undefined : this.#fails(problemBehind(cause) ?? cause)),
      );
  }
}
