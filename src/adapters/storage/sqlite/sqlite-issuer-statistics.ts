// What the journal counts of issuers, in a thread of its own: an operator's question must not hold up the reads of requests.
// The thread starts with the first question.
import { AuthorityError } from '../../../domain/errors.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type {
  IssuerFigures,
  IssuerStatistics,
  LiveLeaves,
  StatisticsWindow,
} from '../../../ports/storage/issuer-statistics.ts';
import { journalProblem } from './file/journal-problem.ts';
import type { ReadKind, Reads } from './reading/read-protocol.ts';
import { ReadThread } from './reading/read-thread.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class SqliteIssuerStatistics implements IssuerStatistics, AsyncDisposable {
  readonly #clock: Clock;
  readonly #file: string;
  readonly #thread: ReadThread;
  readonly #end = new AbortController();
  #watched = false;

  /** @param file the journal's. */
  constructor({ clock }: { readonly clock: Clock }, file: string) {
    this.#clock = clock;
    this.#file = file;
    this.#thread = new ReadThread(file);
  }

  async liveLeavesOf(id: string, window: StatisticsWindow, options: Waits): Promise<LiveLeaves> {
    return this.#read('leaves', { id, window }, options);
  }

  async figuresOf(name: string, window: StatisticsWindow, options: Waits): Promise<IssuerFigures> {
    return this.#read('figures', { name, window }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.close();
    this.#end.abort();
  }

  async #read<Kind extends ReadKind>(
    kind: Kind,
    question: Reads[Kind]['question'],
    options: Waits,
  ): Promise<Reads[Kind]['answer']> {
    if (!this.#watched) void this.#thread.watch(this.#clock, { signal: this.#end.signal });
    this.#watched = true;
    try {
      return await this.#thread.ask(kind, question, options);
    } catch (cause) {
      options.signal.throwIfAborted();
      const problem = journalProblem(this.#file, cause);
      throw new AuthorityError('CAP-S04', { detail: problem.message, cause: problem });
    }
  }
}
