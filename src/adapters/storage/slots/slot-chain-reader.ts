// The chains of all journals of a store, each journal as it is when it is opened. A chain is written in one of them; after a
// restore a part of it may be in another.
import type { ChainPoint } from '../../../domain/audit/chain.ts';
import type {
  ChainReader,
  ChainSnapshots,
  ChainState,
  StoredLink,
  UnchainedRecord,
} from '../../../ports/audit/chain-reader.ts';
import { joinedStates } from '../chain-records.ts';
import { smallestFirst } from './merge-records.ts';

interface Waits {
  readonly signal: AbortSignal;
}
type OpenReader = ChainReader & AsyncDisposable;

export class SlotChainReader implements ChainReader, AsyncDisposable {
  readonly #journals: readonly OpenReader[];

  private constructor(journals: readonly OpenReader[]) {
    this.#journals = journals;
  }

  static async open(journals: readonly ChainSnapshots[], options: Waits): Promise<SlotChainReader> {
    await using opened = new AsyncDisposableStack();
    const readers: OpenReader[] = [];
    for (const journal of journals) readers.push(opened.use(await journal.chainsNow(options)));
    opened.move();
    return new SlotChainReader(readers);
  }

  async chains(options: Waits): Promise<readonly ChainState[]> {
    return joinedStates(await this.#all((journal) => journal.chains(options)));
  }

  async pointOf(chain: string, sequence: number, options: Waits) {
    const points = await this.#all((journal) => journal.pointOf(chain, sequence, options));
    return points.find((point) => point !== undefined);
  }

  /** Of a chain in two journals, that of the one where it goes further. */
  async pointBefore(chain: string, timeMs: number, options: Waits): Promise<ChainPoint | undefined> {
    const points = await this.#all((journal) => journal.pointBefore(chain, timeMs, options));
    return points.filter((point) => point !== undefined).sort((a, b) => b.sequence - a.sequence)[0];
  }

  links(chain: string, range: Parameters<ChainReader['links']>[1], options: Waits): AsyncIterable<StoredLink> {
    return smallestFirst(
      this.#journals.map((journal) => journal.links(chain, range, options)),
      ({ sequence }) => sequence,
    );
  }

  async *unchained(options: Waits): AsyncGenerator<UnchainedRecord, void, undefined> {
    for (const journal of this.#journals) yield* journal.unchained(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#all((journal) => Promise.resolve(journal[Symbol.asyncDispose]()));
  }

  async #all<T>(ask: (journal: OpenReader) => Promise<T>): Promise<readonly T[]> {
    return Promise.all(this.#journals.map(ask));
  }
}
