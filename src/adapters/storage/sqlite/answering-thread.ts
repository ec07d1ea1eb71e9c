// The near end of a thread that has the journal's file open: requests go over in order and each gets its answer, a
// problem, or, when the thread does not answer in time, a problem saying so.
import { Worker } from 'node:worker_threads';
import { every } from '../../../live/every.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { JournalProblem, type ProblemKind } from './file/journal-problem.ts';

/** A disk that takes longer than this is as good as gone. */
export const ANSWER_WITHIN_MS = 4_000;
const CHECK_EVERY_MS = 500;

/** One for each request, in order. */
export type ThreadAnswer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly kind: ProblemKind; readonly problem: string };

export interface ThreadSettings {
  readonly script: URL;
  /** What a new thread is given. */
  readonly data: () => unknown;
  /** What problems say of it, such as `the writer of the journal /var/journal.db`. */
  readonly name: string;
  /** What problems say when it is late, such as `the journal /var/journal.db was not written`. */
  readonly late: string;
  /** Requests sent and not answered; one more is a problem. */
  readonly maxWaiting: number;
  /** `ANSWER_WITHIN_MS` where one answer is no more than a read or a write. */
  readonly answerWithinMs?: number;
}

interface Waiting<Value> {
  /** How often it was looked for in vain. */
  looks: number;
  readonly settle: (answer: ThreadAnswer<Value>) => void;
  overdue: boolean;
}

export class AnsweringThread<Request, Value> {
  readonly #settings: ThreadSettings;
  /** In the order of the requests. */
  readonly #waiting: Waiting<Value>[] = [];
  #worker: Worker | undefined;
  #closed = false;

  constructor(settings: ThreadSettings) {
    this.#settings = settings;
  }

  /**
   * Starts the thread if it does not run. While an answer is overdue nothing more is sent, and none after `close`.
   * @throws JournalProblem
   */
  async ask(request: Request): Promise<Value> {
    const { maxWaiting, name } = this.#settings;
    // Another thread would keep a process that is about to end.
    if (this.#closed) throw this.#closedProblem();
    if (this.#waiting[0]?.overdue) throw this.#lateProblem();
    if (this.#waiting.length >= maxWaiting) {
      throw new JournalProblem('place', `${maxWaiting} requests to ${name} wait already`);
    }
    const answer = await this.#send((this.#worker ??= this.#startWorker()), request);
    if (answer.ok) return answer.value;
    throw new JournalProblem(answer.kind, answer.problem);
  }

  /** Gives up on requests that wait too long, until the signal aborts. Without it they wait as long as it takes. */
  async watch(clock: Clock, options: { readonly signal: AbortSignal }): Promise<void> {
    const looks = this.#answerWithinMs / CHECK_EVERY_MS;
    const look = (): void => {
      for (const waiting of this.#waiting) waiting.looks += 1;
      if ((this.#waiting[0]?.looks ?? 0) > looks) this.#giveUp();
    };
    await every(CHECK_EVERY_MS, clock, look, options);
  }

  /** Ends the thread, after what was sent before; for good. @param request the one that makes it close its files. */
  async close(request: Request): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    // A thread that is stuck or broken has nothing to close any more.
    const isStuck = this.#waiting[0]?.overdue === true;
    if (!isStuck) await this.#send(worker, request);
    this.#worker = undefined;
    const terminated = worker.terminate();
    // A thread that hangs in the kernel cannot be ended; nobody waits for it.
    if (!this.#waiting[0]?.overdue) await terminated;
    this.#settleAll({ ok: false, kind: 'place', problem: this.#closedProblem().message });
  }

  async #send(worker: Worker, request: Request): Promise<ThreadAnswer<Value>> {
    return new Promise((settle) => {
      this.#waiting.push({ looks: 0, settle, overdue: false });
      worker.postMessage(request);
    });
  }

  #startWorker(): Worker {
    const worker = new Worker(this.#settings.script, { workerData: this.#settings.data() });
    worker.on('message', (answer: ThreadAnswer<Value>) => this.#waiting.shift()?.settle(answer));
    worker.on('error', (cause) => this.#ended(worker, cause));
    worker.on('exit', () => this.#ended(worker, new Error('the thread ended')));
    return worker;
  }

  /** The next request starts a new thread. */
  #ended(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const problem = `${this.#settings.name} ended: ${String(cause)}`;
    this.#settleAll({ ok: false, kind: 'place', problem });
  }

  #settleAll(answer: ThreadAnswer<Value>): void {
    for (const { settle } of this.#waiting.splice(0)) settle(answer);
  }

  #giveUp(): void {
    const { message } = this.#lateProblem();
    for (const waiting of this.#waiting) {
      waiting.overdue = true;
      waiting.settle({ ok: false, kind: 'place', problem: message });
    }
  }

  get #answerWithinMs(): number {
    return this.#settings.answerWithinMs ?? ANSWER_WITHIN_MS;
  }

  #lateProblem(): JournalProblem {
    return new JournalProblem('place', `${this.#settings.late} within ${this.#answerWithinMs} ms`);
  }

  #closedProblem(): JournalProblem {
    return new JournalProblem('place', `${this.#settings.name} is closed`);
  }
}
