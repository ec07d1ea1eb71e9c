// What the journal knows of issuers and of revoked certificates, in a thread of its own: an operator's question must not hold up the reads of requests.
// The thread starts with the first question.
import { AuthorityError } from '../../../domain/errors.ts';
import type { Ban } from '../../../domain/revocation/ban.ts';
import type { RecordedLeaf } from '../../../domain/revocation/revoked-leaves.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type {
  IssuerFigures,
  IssuerStatistics,
  LiveLeaves,
  StatisticsWindow,
} from '../../../ports/storage/issuer-statistics.ts';
import type { LeafWindow, RevokedLeaves, RevokedLeavesFound } from '../../../ports/storage/revoked-leaves.ts';
import { journalProblem } from './file/journal-problem.ts';
import type { ReadKind, Reads } from './reading/read-protocol.ts';
import { ReadThread } from './reading/read-thread.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class SqliteIssuerStatistics implements IssuerStatistics, RevokedLeaves, AsyncDisposable {
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

  async revokedBy(bans: readonly Ban[], window: LeafWindow, options: Waits): Promise<RevokedLeavesFound> {
    return this.#read('revoked', { bans, window }, options);
  }

  async leafOf(serial: string, window: LeafWindow, options: Waits): Promise<RecordedLeaf | undefined> {
    return this.#read('leafOf', { serial, window }, options);
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
