// The near end of the journal's thread: requests go over in order and each gets its answer, a
// problem, or, when the thread does not answer in time, a problem saying so.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { every } from '../../../../live/every.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { JournalProblem } from '../file/journal-problem.ts';
import type { WriterAnswer, WriterRequest } from './writer-protocol.ts';
import type { WriterSettings } from './journal-writer.ts';

/** A disk that takes longer than this for one commit is as good as gone. */
export const ANSWER_WITHIN_MS = 4_000;
const CHECK_EVERY_MS = 500;

/** `.ts` when run from source, `.js` when built. */
const WORKER = new URL(`./writer-worker${extname(import.meta.url)}`, import.meta.url);

interface Waiting {
  readonly sinceMs: number;
  readonly settle: (answer: WriterAnswer) => void;
  overdue: boolean;
}

export class WriterThread {
  readonly #clock: Clock;
  readonly #settings: WriterSettings;
  /** In the order of the requests; bounded, because nothing is sent while a request is overdue. */
  #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  /** The file that the first thread opened; a later one opens no other. */
  #inode = '';

  constructor({ clock }: { readonly clock: Clock }, settings: WriterSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /**
   * Starts the thread if it does not run.
   * @returns how many records were removed.
   * @throws JournalProblem
   */
  async ask(request: WriterRequest): Promise<number> {
    if (this.#waiting[0]?.overdue) throw this.#silent();
    const worker = (this.#worker ??= this.#startWorker());
    const answer = await new Promise<WriterAnswer>((settle) => {
      this.#waiting.push({ sinceMs: this.#clock.monotonicMs(), settle, overdue: false });
      worker.postMessage(request);
    });
    if (answer.ok) {
      if (answer.inode !== '') this.#inode = answer.inode;
      return answer.removed;
    }
    throw new JournalProblem(answer.kind, answer.problem);
  }

  /** Gives up on requests that wait too long, until the signal aborts. */
  async watch(options: { readonly signal: AbortSignal }): Promise<void> {
    const check = (): void => {
      const lateMs = this.#clock.monotonicMs() - ANSWER_WITHIN_MS;
      if ((this.#waiting[0]?.sinceMs ?? Infinity) <= lateMs) this.#giveUp();
    };
    await every(CHECK_EVERY_MS, this.#clock, check, options);
  }

  /** Ends the thread, after what was sent before. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    // A thread that is stuck or broken has nothing to close any more.
    await this.ask({ kind: 'close' }).catch(() => undefined);
    this.#worker = undefined;
    const terminated = worker.terminate();
    // A thread that hangs in the kernel cannot be ended; nobody waits for it.
    if (!this.#waiting[0]?.overdue) await terminated;
  }

  #startWorker(): Worker {
    const worker = new Worker(WORKER, { workerData: { ...this.#settings, inode: this.#inode } });
    worker.on('message', (answer: WriterAnswer) => this.#waiting.shift()?.settle(answer));
    worker.on('error', (cause) => this.#ended(worker, cause));
    worker.on('exit', () => this.#ended(worker, new Error('the thread ended')));
    return worker;
  }

  /** The next request starts a new thread. */
  #ended(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const problem = `the writer of the journal ${this.#settings.file} ended: ${String(cause)}`;
    for (const { settle } of this.#waiting.splice(0)) settle({ ok: false, kind: 'place', problem });
  }

  #giveUp(): void {
    const { message } = this.#silent();
    for (const waiting of this.#waiting) {
      waiting.overdue = true;
      waiting.settle({ ok: false, kind: 'place', problem: message });
    }
  }

  #silent(): JournalProblem {
    return new JournalProblem(
      'place',
      `the journal ${this.#settings.file} was not written within ${ANSWER_WITHIN_MS} ms`,
    );
  }
}
