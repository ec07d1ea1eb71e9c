// The chains that a journal's file is written in, one for each kind of record. They go on over restarts: where a chain has come to
// is read from the file within the same transaction, so what was rolled back or lost with the process was never linked.
import { randomBytes } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  linked,
  openingPoint,
  type ChainKind,
  type ChainOpening,
  type ChainPoint,
} from '../../../../domain/audit/chain.ts';
import { canonicalJson } from '../../../../domain/text/canonical-json.ts';
import type { ChainPlace } from '../../chain-records.ts';
import { OPEN_CHAIN, SELECT_CONTINUED, selectLast } from '../file/chain-schema.ts';

const ID_BYTES = 8;

export class FileChains {
  readonly #server: string;
  readonly #continued: StatementSync;
  readonly #open: StatementSync;
  readonly #last: Readonly<Record<ChainKind, StatementSync>>;

  /** @param server who opens chains, as operators call it. */
  constructor(database: DatabaseSync, server: string) {
    this.#server = server;
    this.#continued = database.prepare(SELECT_CONTINUED);
    this.#open = database.prepare(OPEN_CHAIN);
    this.#last = {
      decision: database.prepare(selectLast('decision')),
      operation: database.prepare(selectLast('operation')),
      closing: database.prepare(selectLast('closing')),
    };
  }

  /**
   * Within the transaction that writes them.
   * @param records as they will be read back; the first of them opens the chain where there is none.
   * @returns the place of each.
   */
  places(kind: ChainKind, records: readonly { readonly timeMs: number }[]): readonly ChainPlace[] {
    const [first] = records;
    if (first === undefined) return [];
    const { chain, last } = this.#current(kind) ?? this.#opened(kind, first.timeMs);
    return linked({ chain, kind }, last, records).map((point) => ({ chain, ...point }));
  }

  #current(kind: ChainKind): { readonly chain: string; readonly last: ChainPoint } | undefined {
    const row = this.#continued.get(kind);
    if (row === undefined) return undefined;
    const { chain } = JSON.parse(String(row['opening'])) as ChainOpening;
    const last = this.#last[kind].get(chain) ?? { sequence: row['removedSequence'], digest: row['removedDigest'] };
    return { chain, last: { sequence: Number(last['sequence']), digest: String(last['digest']) } };
  }

  #opened(kind: ChainKind, openedMs: number): { readonly chain: string; readonly last: ChainPoint } {
    const chain = randomBytes(ID_BYTES).toString('hex');
    const opening: ChainOpening = { chain, kind, server: this.#server, openedMs };
    const last = openingPoint(opening);
    this.#open.run(chain, kind, openedMs, canonicalJson(opening), 1, last.sequence, last.digest, null);
    return { chain, last };
  }
}
