// One mapping between the chains of the journal and the rows of a database, as records.ts is for decisions. A link lies in the
// row of its record; what is NULL there belongs to no chain. How far a chain goes is not noted beside it: the index says it.
import type { ChainKind, ChainOpening, ChainPoint } from '../../domain/audit/chain.ts';
import type { ChainState } from '../../ports/audit/chain-reader.ts';
import { CLOSING_FIELDS, closingFrom, closingValues, type ClosingValues } from './closing-records.ts';
import { DECISION_FIELDS, decisionFrom, operationFrom, type DecisionValues, type Row } from './records.ts';
import type { ClosingRecord } from '../../ports/storage/closing-journal.ts';

/** Where a record is in its chain. */
export interface ChainPlace extends ChainPoint {
  readonly chain: string;
}

/** By the fields of `ChainPlace`; in every table of chained records. */
export const CHAIN_COLUMNS = { chain: 'chain', sequence: 'chain_sequence', digest: 'chain_digest' } as const;
export const TABLES: Readonly<Record<ChainKind, string>> = {
  decision: 'decisions',
  operation: 'operations',
  closing: 'closings',
};
const INDEXED = `${CHAIN_COLUMNS.chain}, ${CHAIN_COLUMNS.sequence}`;
/**
 * Each chain is written at its end, so the index grows at one place for each writer. Records of before chains are not in it.
 */
export const INDEX_CHAINS = Object.values(TABLES)
  .map((table) => `CREATE INDEX ${table}_by_chain ON ${table} (${INDEXED}) WHERE chain IS NOT NULL;`)
  .join('\n');

/** In the order of `CHAIN_COLUMNS`. */
export function placeValues(place: ChainPlace | undefined): readonly (string | number | null)[] {
  return place === undefined ? [null, null, null] : [place.chain, place.sequence, place.digest];
}

/** @returns a closing as it will be read back: what is empty there is absent. */
export function asStored(record: ClosingRecord): ClosingRecord {
  return closingFrom(closingValues(record));
}

/** @param row the columns of the kind's records under the names of their fields. */
export function recordFrom(kind: ChainKind, row: Row): object {
  if (kind === 'operation') return operationFrom(row);
  if (kind === 'decision') return decisionFrom(DECISION_FIELDS.map((field) => row[field]) as unknown as DecisionValues);
  return closingFrom(CLOSING_FIELDS.map((field) => row[field]) as unknown as ClosingValues);
}

/** The chains of a kind. */
export function selectChains(kind: ChainKind): string {
  const table = TABLES[kind];
  return `SELECT chains.opening, removed_sequence AS "removedSequence", removed_digest AS "removedDigest",
      removed_ms AS "removedMs", last.chain_sequence AS "lastSequence", last.chain_digest AS "lastDigest",
      last.time_ms AS "lastMs"
    FROM chains LEFT JOIN ${table} AS last ON last.id = (SELECT id FROM ${table} AS each WHERE each.chain = chains.chain
      ORDER BY each.chain_sequence DESC LIMIT 1)
    WHERE chains.kind = '${kind}' ORDER BY chains.opened_ms, chains.chain`;
}

/** @param row as `selectChains` gives it. */
export function chainStateFrom(row: Row): ChainState {
  const removed = { sequence: Number(row['removedSequence']), digest: String(row['removedDigest']) };
  const last = row['lastSequence'] ?? undefined;
  return {
    opening: JSON.parse(String(row['opening'])) as ChainOpening,
    last: last === undefined ? removed : { sequence: Number(last), digest: String(row['lastDigest']) },
    ...(removed.sequence > 0 && { removed }),
    ...lastMsOf(row),
  };
}

function lastMsOf({ lastMs, removedMs }: Row): { readonly lastMs?: number } {
  const time = lastMs ?? removedMs ?? undefined;
  return time === undefined ? {} : { lastMs: Number(time) };
}

/** @returns the chains of several journals as one has them, in the order in which they were opened. */
export function joinedStates(journals: readonly (readonly ChainState[])[]): readonly ChainState[] {
  const joined = [...Map.groupBy(journals.flat(), ({ opening }) => opening.chain).values()].map(joinedState);
  return joined.sort(
    ({ opening: a }, { opening: b }) => a.openedMs - b.openedMs || (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : 0),
  );
}

/** Parts of one chain: from the first that is left to the newest. */
function joinedState(parts: readonly ChainState[]): ChainState {
  const newest = parts.reduce((a, b) => (b.last.sequence > a.last.sequence ? b : a));
  const { removed, ...oldest } = parts.reduce((a, b) =>
    (b.removed?.sequence ?? 0) < (a.removed?.sequence ?? 0) ? b : a,
  );
  const lastMs = newest.lastMs === undefined ? {} : { lastMs: newest.lastMs };
  return { opening: oldest.opening, last: newest.last, ...(removed !== undefined && { removed }), ...lastMs };
}
