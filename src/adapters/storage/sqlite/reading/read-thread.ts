// The near end of the thread that reads the journal.
import { extname } from 'node:path';
import { orAborted } from '../../../../live/abortable.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { AnsweringThread } from '../answering-thread.ts';
import type { ReadKind, ReadRequest, Reads } from './read-protocol.ts';

/** `.ts` when run from source, `.js` when built. */
const WORKER = new URL(`./read-worker${extname(import.meta.url)}`, import.meta.url);

/** Reads that wait; at some 20 us each, and 10 us for each further journal, the last of 16 waits for two seconds. One more is refused. */
const MAX_WAITING = 10_000;

export class ReadThread {
  readonly #thread: AnsweringThread<ReadRequest, unknown>;

  constructor(file: string) {
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
   * @throws JournalProblem; the signal's reason when it aborts.
   */
  async ask<Kind extends ReadKind>(
    kind: Kind,
    question: Reads[Kind]['question'],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Reads[Kind]['answer']> {
    signal.throwIfAborted();
    const answered = this.#thread.ask({ kind, question } as ReadRequest);
    return orAborted(answered as Promise<Reads[Kind]['answer']>, signal);
  }

  /** Gives up on reads that wait too long, until the signal aborts. */
  async watch(clock: Clock, options: { readonly signal: AbortSignal }): Promise<void> {
    return this.#thread.watch(clock, options);
  }

  async close(): Promise<void> {
    return this.#thread.close({ kind: 'close', question: undefined });
  }
}
