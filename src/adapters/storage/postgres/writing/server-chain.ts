// The chain that one server links one kind of record in, from its start on. Who asks for the next links waits until the ones before
// them are written, so they never fork. Where nobody knows whether a link was written, or it was not, a new chain begins.
import { randomBytes } from 'node:crypto';
import {
  linked,
  openingPoint,
  type ChainKind,
  type ChainOpening,
  type ChainPoint,
} from '../../../../domain/audit/chain.ts';
import { canonicalJson } from '../../../../domain/text/canonical-json.ts';
import type { ChainState } from '../../../../ports/audit/chain-reader.ts';
import type { ChainPlace } from '../../chain-records.ts';
import type { Row } from '../../records.ts';

const ID_BYTES = 8;

interface Current {
  readonly opening: ChainOpening;
  readonly last: ChainPoint;
  /** Of the record at `last`; absent from the opening. */
  readonly lastMs?: number;
}

/** Links that are to be written, and what their chain was before them. */
export interface NextLinks {
  readonly before: Current;
  readonly after: Current;
  readonly places: readonly ChainPlace[];
}

export class ServerChain {
  readonly #kind: ChainKind;
  readonly #server: string;
  #current: Current | undefined;
  #follows: ChainPlace | undefined;

  /** @param server as operators call it. */
  constructor(kind: ChainKind, server: string) {
    this.#kind = kind;
    this.#server = server;
  }

  get kind(): ChainKind {
    return this.#kind;
  }

  get server(): string {
    return this.#server;
  }

  /** @param earlier where this server had come to before its start. */
  follow(earlier: ChainPlace | undefined): void {
    this.#follows ??= earlier;
  }

  /** @param records as they will be read back; one at least. */
  next(records: readonly { readonly timeMs: number }[]): NextLinks {
    const before = this.#current ?? this.#opened(records[0]?.timeMs ?? 0);
    const { opening } = before;
    const points = linked(opening, before.last, records);
    const [last, lastMs] = [points.at(-1), records.at(-1)?.timeMs];
    return {
      before,
      after: { opening, last: last ?? before.last, ...(lastMs !== undefined && { lastMs }) },
      places: points.map((point) => ({ chain: opening.chain, ...point })),
    };
  }

  /** They are durable. */
  written({ after }: NextLinks): void {
    this.#current = after;
    this.#follows = { chain: after.opening.chain, ...after.last };
  }

  /** They are not, or nobody knows. */
  abandon(): void {
    this.#current = undefined;
  }

  #opened(openedMs: number): Current {
    const chain = randomBytes(ID_BYTES).toString('hex');
    const follows = this.#follows === undefined ? {} : { follows: this.#follows };
    const opening: ChainOpening = { chain, kind: this.#kind, server: this.#server, openedMs, ...follows };
    return { opening, last: openingPoint(opening) };
  }
}

/**
 * What fails may have been written all the same: the next links are of a new chain.
 * @param write gives what kept it from writing anything; nothing where it wrote all of it.
 */
export async function linking<T>(
  chain: ServerChain,
  links: NextLinks,
  write: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    const kept = await write();
    if (kept === undefined) chain.written(links);
    return kept;
  } catch (cause) {
    chain.abandon();
    throw cause;
  }
}

/** @returns JSON of what `openChain` writes. */
export function openedChainJson({ before: { opening, last, lastMs } }: NextLinks): string {
  const { chain, kind, openedMs } = opening;
  const removed = { sequence: last.sequence, digest: last.digest, timeMs: lastMs ?? null };
  return JSON.stringify({ chain, kind, openedMs, opening: canonicalJson(opening), ...removed });
}

/** @returns JSON of what `openChain` writes of a chain of another store. */
export function restoredChainJson({ opening, removed, last, lastMs }: ChainState): string {
  const before = removed ?? openingPoint(opening);
  // Only where no link is left the time is that of the last one that was removed.
  const isEmpty = before.sequence === last.sequence && lastMs !== undefined;
  const point = { opening, last: before, ...(isEmpty && { lastMs }) };
  return openedChainJson({ before: point, after: point, places: [] });
}

/** @returns JSON of where records are, as statements take it. */
export function placesJson(places: readonly (ChainPlace | undefined)[]): string {
  return JSON.stringify(places.map((place) => place ?? {}));
}

/** @param rows of `selectFollowed`. */
export function followedFrom([row]: readonly Row[]): ChainPlace | undefined {
  if (row === undefined) return undefined;
  return { chain: String(row['chain']), sequence: Number(row['sequence']), digest: String(row['digest']) };
}
