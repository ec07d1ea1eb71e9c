// The records of a store with their places, as a backup takes them over: what they prove is in the chains, so a copy must not link
// them anew.
import type { ChainKind } from '../../../domain/audit/chain.ts';
import type { ChainReader } from '../../../ports/audit/chain-reader.ts';
import type { ClosingRecord } from '../../../ports/storage/closing-journal.ts';
import type { DecisionRecord } from '../../../ports/storage/issuance-journal.ts';
import type { OperationRecord } from '../../../ports/storage/operation-journal.ts';
import type { ChainPlace } from '../chain-records.ts';

export interface RecordOfKind {
  readonly decision: DecisionRecord;
  readonly operation: OperationRecord;
  readonly closing: ClosingRecord;
}

/** A record; `place` is absent where no chain has it. */
export interface PlacedRecord<Kind extends ChainKind = ChainKind> {
  readonly record: RecordOfKind[Kind];
  readonly place?: ChainPlace;
}

/** Chain by chain in the order in which they were opened, then what is in none. */
export async function* placedRecords(
  reader: ChainReader,
  options: { readonly signal: AbortSignal },
): AsyncGenerator<PlacedRecord & { readonly kind: ChainKind }, void, undefined> {
  for (const { opening, last, removed } of await reader.chains(options)) {
    const { chain, kind } = opening;
    const range = { afterSequence: removed?.sequence ?? 0, throughSequence: last.sequence };
    for await (const { record, sequence, digest } of reader.links(chain, range, options)) {
      yield { kind, record: record as RecordOfKind[ChainKind], place: { chain, sequence, digest } };
    }
  }
  for await (const { kind, record } of reader.unchained(options)) {
    yield { kind, record: record as RecordOfKind[ChainKind] };
  }
}
