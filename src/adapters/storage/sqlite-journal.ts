// The issuance journal in an embedded SQLite file. Records that arrive in one turn of the event loop,
// or while a commit is under way, share the next commit.
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AuthorityError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { DecisionRecord, IssuanceJournal } from '../../ports/issuance-journal.ts';
import { toRow } from './journal-schema.ts';
import type { JournalAnswer, JournalTask } from './journal-protocol.ts';

export interface JournalSettings {
  readonly file: string;
  readonly retentionMs: number;
  /** Most records that may wait for a commit; one more is refused with CAP-S04. */
  readonly maxPending: number;
}

interface Pending {
  readonly record: DecisionRecord;
  readonly resolve: () => void;
  readonly reject: (error: AuthorityError) => void;
}

const PRUNE_EVERY_MS = 86_400_000;
/** Rows in one transaction: bounds how long the last record of a burst waits behind the first. */
const MAX_BATCH = 1_000;

export class SqliteJournal implements IssuanceJournal {
  readonly #parts: { readonly events: Events; readonly clock: Clock };
  readonly #settings: JournalSettings;
  readonly #answers: ((answer: JournalAnswer) => void)[] = [];
  #worker: Worker | undefined;
  #waiting: Pending[] = [];
  #committing = 0;
  #problem: string | undefined;

  constructor(parts: { readonly events: Events; readonly clock: Clock }, settings: JournalSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Why records cannot be made durable now; nothing while they can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Opens or creates the file. @throws AuthorityError CAP-X03 naming it when that fails. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const extension = path.extname(import.meta.filename);
    this.#worker = new Worker(new URL(`./journal-worker${extension}`, import.meta.url), {
      workerData: { file: this.#settings.file },
    });
    this.#worker.on('message', (answer: JournalAnswer) => this.#answers.shift()?.(answer));
    this.#worker.on('error', (error: Error) => this.#workerEnded(error.message));
    this.#worker.on('exit', () => this.#workerEnded('the writing thread has ended'));
    const opened = await this.#ask({ kind: 'open' });
    if (!opened.ok) {
      await this.#worker.terminate();
      throw new AuthorityError('CAP-X03', { detail: `journal.file ${this.#settings.file}: ${opened.problem}` });
    }
    void this.#pruneDaily(signal);
  }

  async append(record: DecisionRecord): Promise<void> {
    if (this.#waiting.length + this.#committing >= this.#settings.maxPending) {
      throw new AuthorityError('CAP-S04', { detail: 'too many records wait already' });
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.#waiting.push({ record, resolve: () => resolve(undefined), reject });
    if (this.#waiting.length === 1 && this.#committing === 0) setImmediate(() => void this.#commit());
    return promise;
  }

  /** Commits what waits, then ends the writing thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#waiting.length + this.#committing > 0) await this.#commit();
    await this.#ask({ kind: 'close' });
    await this.#worker?.terminate();
  }

  async #commit(): Promise<void> {
    if (this.#committing > 0) return new Promise((resolve) => setImmediate(resolve));
    const batch = this.#waiting.splice(0, MAX_BATCH);
    if (batch.length === 0) return;
    this.#committing = batch.length;
    const answer = await this.#ask({ kind: 'append', rows: batch.map(({ record }) => toRow(record)) });
    this.#committing = 0;
    this.#settle(batch, answer);
    if (this.#waiting.length > 0) void this.#commit();
  }

  #settle(batch: readonly Pending[], answer: JournalAnswer): void {
    if (answer.ok) {
      if (this.#problem !== undefined) this.#parts.events.journalRecovered();
      this.#problem = undefined;
      for (const { resolve } of batch) resolve();
    } else {
      if (this.#problem === undefined) this.#parts.events.journalFailing({ problem: answer.problem });
      this.#problem = answer.problem;
      const error = new AuthorityError('CAP-S04', { cause: new Error(answer.problem) });
      for (const { reject } of batch) reject(error);
    }
  }

  async #ask(task: JournalTask): Promise<JournalAnswer> {
    const worker = this.#worker;
    if (worker === undefined) return { ok: false, problem: 'the writing thread does not run' };
    const { promise, resolve } = Promise.withResolvers<JournalAnswer>();
    this.#answers.push(resolve);
    worker.postMessage(task);
    return promise;
  }

  #workerEnded(problem: string): void {
    this.#worker = undefined;
    for (const answer of this.#answers.splice(0)) answer({ ok: false, problem });
  }

  async #pruneDaily(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await this.#ask({ kind: 'prune', beforeMs: clock.nowMs() - this.#settings.retentionMs });
      await clock.sleep(PRUNE_EVERY_MS, { signal }).catch(() => undefined);
    }
  }
}
