// The near end of the thread that reads the journal for requests, and of the one that reads it for operators.
import { extname } from 'node:path';
import { AuthorityError } from '../../../../domain/errors.ts';
import { orAborted } from '../../../../live/abortable.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { AnsweringThread } from '../answering-thread.ts';
import { journalProblem } from '../file/journal-problem.ts';
import type { ReadKind, ReadRequest, Reads } from './read-protocol.ts';

/** `.ts` when run from source, `.js` when built. */
const WORKER = new URL(`./read-worker${extname(import.meta.url)}`, import.meta.url);

/** Reads that wait; at some 20 us each, and 10 us for each further journal, the last of 16 waits for two seconds. One more is refused. */
const MAX_WAITING = 10_000;

export class ReadThread implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #file: string;
  readonly #thread: AnsweringThread<ReadRequest, unknown>;
  readonly #end = new AbortController();
  #watched = false;

  /** @param file the journal's; it is opened by the first question, when the journal has made it. */
  constructor({ clock }: { readonly clock: Clock }, file: string) {
    this.#clock = clock;
    this.#file = file;
    this.#thread = new AnsweringThread({
      script: WORKER,
      data: () => file,
      name: `the reader of the journal ${file}`,
      late: `the journal ${file} was not read`,
      maxWaiting: MAX_WAITING,
    });
  }

  /**
   * When the signal aborts, the read stays with the thread and counts as waiting until it is answered.
   * @throws AuthorityError CAP-S04 when the journal cannot be read now, or too many reads wait; the signal's reason when it aborts.
   */
  async ask<Kind extends ReadKind>(
    kind: Kind,
    question: Reads[Kind]['question'],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Reads[Kind]['answer']> {
    signal.throwIfAborted();
    this.#watch();
    try {
      const answered = this.#thread.ask({ kind, question } as ReadRequest);
      return await orAborted(answered as Promise<Reads[Kind]['answer']>, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const problem = journalProblem(this.#file, cause);
      throw new AuthorityError('CAP-S04', { detail: problem.message, cause: problem });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What bounds the wait for an answer bounds that for the end too.
    await this.#thread.close({ kind: 'close', question: undefined });
    this.#end.abort();
  }

  /** Gives up on reads that wait too long, from the first question on. */
  #watch(): void {
    if (!this.#watched) void this.#thread.watch(this.#clock, { signal: this.#end.signal });
    this.#watched = true;
  }
}
