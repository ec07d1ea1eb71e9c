// The chains of a journal and their heads, in memory.
import {
  linkDigest,
  openingPoint,
  type ChainKind,
  type ChainOpening,
  type ChainPoint,
} from '../../../../src/domain/audit/chain.ts';
import type { AuditHeadReader, AuditHeads, KeptHead } from '../../../../src/ports/audit/audit-heads.ts';
import type {
  ChainReader,
  ChainSnapshots,
  ChainState,
  StoredLink,
  StoredPoint,
  UnchainedRecord,
} from '../../../../src/ports/audit/chain-reader.ts';

interface FakeChain {
  readonly opening: ChainOpening;
  readonly links: (StoredLink & { readonly timeMs: number })[];
  removed: number;
}

export class FakeAuditStore implements ChainReader, ChainSnapshots, AuditHeads, AuditHeadReader {
  readonly kept: KeptHead[] = [];
  readonly unchainedRecords: UnchainedRecord[] = [];
  /** What every call throws, while the store is away. */
  problem: Error | undefined;
  #chains: FakeChain[] = [];

  open(chain: string, kind: ChainKind, openedMs = 0): void {
    this.#chains.push({ opening: { chain, kind, server: 'capstan-0', openedMs }, links: [], removed: 0 });
  }

  append(chain: string, record: object, timeMs: number): void {
    const { opening, links } = this.#chainOf(chain);
    const previous = links.at(-1) ?? openingPoint(opening);
    const sequence = previous.sequence + 1;
    const digest = linkDigest(previous.digest, { chain, kind: opening.kind, sequence, record });
    links.push({ sequence, digest, record, timeMs });
  }

  /** As somebody does who may write to the database, and computes no digest. */
  tamper(chain: string, sequence: number, record: object): void {
    const { links } = this.#chainOf(chain);
    links.splice(sequence - 1, 1, { ...links[sequence - 1]!, record });
  }

  /** As somebody does who may write to the database, and computes all digests anew. */
  rewrite(chain: string, sequence: number, record: object): void {
    const found = this.#chainOf(chain);
    const after = found.links.splice(sequence - 1);
    for (const [at, link] of after.entries()) this.append(chain, at === 0 ? record : link.record, link.timeMs);
  }

  /** The newest records are gone, as after a failover to a database that had not got them. */
  lose(chain: string, from: number): void {
    this.#chainOf(chain).links.splice(from - 1);
  }

  /** Retention takes all links up to this one. */
  remove(chain: string, through: number): void {
    this.#chainOf(chain).removed = through;
  }

  /** As somebody does who may write to the database: the chain is said to be of another time. */
  reopen(chain: string, openedMs: number): void {
    this.#chains = this.#chains.map((each) =>
      each.opening.chain === chain ? { ...each, opening: { ...each.opening, openedMs } } : each,
    );
  }

  /** The chain is gone, records and all. */
  drop(chain: string): void {
    this.#chains = this.#chains.filter(({ opening }) => opening.chain !== chain);
  }

  async chains(): Promise<readonly ChainState[]> {
    this.#answer();
    return this.#chains.map(({ opening, links, removed }) => ({
      opening,
      last: pointOf(links.at(-1)) ?? openingPoint(opening),
      ...(removed > 0 && { removed: pointOf(links[removed - 1])! }),
      ...(links.length > 0 && { lastMs: links.at(-1)!.timeMs }),
    }));
  }

  async pointOf(chain: string, sequence: number): Promise<StoredPoint | undefined> {
    this.#answer();
    const found = this.#chains.find(({ opening }) => opening.chain === chain);
    if (found === undefined) return undefined;
    if (sequence === 0) return { ...openingPoint(found.opening), timeMs: found.opening.openedMs };
    const link = sequence <= found.removed ? undefined : found.links[sequence - 1];
    return link && { ...pointOf(link)!, timeMs: link.timeMs };
  }

  async *links(
    chain: string,
    { afterSequence, throughSequence }: { readonly afterSequence: number; readonly throughSequence: number },
  ): AsyncIterable<StoredLink> {
    this.#answer();
    const { links, removed } = this.#chainOf(chain);
    for (const { sequence, digest, record } of links.slice(Math.max(afterSequence, removed), throughSequence)) {
      yield { sequence, digest, record };
    }
  }

  async pointBefore(chain: string, timeMs: number): Promise<ChainPoint | undefined> {
    this.#answer();
    const { opening, links } = this.#chainOf(chain);
    const first = links.findIndex((link) => link.timeMs >= timeMs);
    const count = first === -1 ? links.length : first;
    return pointOf(links[count - 1]) ?? openingPoint(opening);
  }

  async *unchained(): AsyncIterable<UnchainedRecord> {
    this.#answer();
    yield* this.unchainedRecords;
  }

  async chainsNow(): Promise<ChainReader & AsyncDisposable> {
    this.#answer();
    const snapshot: ChainReader = {
      chains: async () => this.chains(),
      pointOf: async (chain, sequence) => this.pointOf(chain, sequence),
      links: (chain, range) => this.links(chain, range),
      pointBefore: async (chain, timeMs) => this.pointBefore(chain, timeMs),
      unchained: () => this.unchained(),
    };
    return Object.assign(snapshot, { [Symbol.asyncDispose]: async () => undefined });
  }

  async keepHead(head: KeptHead): Promise<void> {
    this.#answer();
    if (!this.kept.some(({ digest }) => digest === head.digest)) this.kept.push(head);
  }

  async lastHeads(count: number): Promise<readonly KeptHead[]> {
    this.#answer();
    return this.kept.slice(-count).toReversed();
  }

  async *heads({ sinceMs = -Infinity }: { readonly sinceMs?: number }): AsyncIterable<KeptHead> {
    this.#answer();
    yield* this.kept.filter(({ timeMs }) => timeMs >= sinceMs);
  }

  #answer(): void {
    if (this.problem !== undefined) throw this.problem;
  }

  #chainOf(chain: string): FakeChain {
    return this.#chains.find(({ opening }) => opening.chain === chain)!;
  }
}

function pointOf(point: ChainPoint | undefined): ChainPoint | undefined {
  return point && { sequence: point.sequence, digest: point.digest };
}
