// The chains of one journal's file as they were at one moment: a read transaction on a handle of its own. On the event loop of a
// process that signs nothing, such as a command.
import { setImmediate } from 'node:timers/promises';
import type { ChainPoint } from '../../../domain/audit/chain.ts';
import type { ChainReader, ChainState, StoredLink, UnchainedRecord } from '../../../ports/audit/chain-reader.ts';
import { joinedStates } from '../chain-records.ts';
import { journalProblem } from './file/journal-problem.ts';
import type { ChainQueries } from './reading/chain-queries.ts';
import { JournalQueries } from './reading/journal-queries.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Records between two turns of the event loop, in which an interruption is heard: some ten milliseconds. */
const TURN = 500;

export class SqliteChainReader implements ChainReader, AsyncDisposable {
  readonly #file: string;
  readonly #queries: JournalQueries;

  private constructor(file: string) {
    this.#file = file;
    this.#queries = new JournalQueries(file);
  }

  /** @throws AuthorityError CAP-X03 naming a file that is missing or not a journal; CAP-S04 when it is locked. */
  static async open(file: string): Promise<SqliteChainReader> {
    const reader = new SqliteChainReader(file);
    try {
      reader.#queries.chains.hold();
      return reader;
    } catch (cause) {
      await reader[Symbol.asyncDispose]();
      throw journalProblem(file, cause).toOpeningError();
    }
  }

  async chains(options: Waits): Promise<readonly ChainState[]> {
    return this.#read((queries) => joinedStates([queries.chains()]), options);
  }

  async pointOf(chain: string, sequence: number, options: Waits) {
    return this.#read((queries) => queries.pointOf(chain, sequence), options);
  }

  async pointBefore(chain: string, timeMs: number, options: Waits): Promise<ChainPoint | undefined> {
    return this.#read((queries) => queries.pointBefore(chain, timeMs), options);
  }

  links(
    chain: string,
    { afterSequence, throughSequence }: Parameters<ChainReader['links']>[1],
    options: Waits,
  ): AsyncGenerator<StoredLink, void, undefined> {
    return this.#scan((queries) => queries.links(chain, afterSequence, throughSequence), options);
  }

  unchained(options: Waits): AsyncGenerator<UnchainedRecord, void, undefined> {
    return this.#scan((queries) => queries.unchained(), options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queries[Symbol.dispose]();
  }

  async *#scan<T>(
    begin: (queries: ChainQueries) => Iterable<T>,
    { signal }: Waits,
  ): AsyncGenerator<T, void, undefined> {
    let read = 0;
    try {
      signal.throwIfAborted();
      for (const found of begin(this.#queries.chains)) {
        yield found;
        read += 1;
        if (read % TURN === 0) await setImmediate(undefined, { signal });
      }
    } catch (cause) {
      signal.throwIfAborted();
      throw journalProblem(this.#file, cause).toOpeningError();
    }
  }

  async #read<T>(question: (queries: ChainQueries) => T, { signal }: Waits): Promise<T> {
    signal.throwIfAborted();
    try {
      return question(this.#queries.chains);
    } catch (cause) {
      throw journalProblem(this.#file, cause).toOpeningError();
    }
  }
}
