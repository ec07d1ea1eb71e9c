// The chains of the journal in SQLite, and what is asked of them. The records themselves are linked in their own tables.
import { openingPoint, type ChainKind } from '../../../../domain/audit/chain.ts';
import { canonicalJson } from '../../../../domain/text/canonical-json.ts';
import type { ChainState } from '../../../../ports/audit/chain-reader.ts';
import { INDEX_CHAINS, TABLES } from '../../chain-records.ts';

const LINKED = Object.values(TABLES).map(
  (table) => `ALTER TABLE ${table} ADD COLUMN chain TEXT;
  ALTER TABLE ${table} ADD COLUMN chain_sequence INTEGER;
  ALTER TABLE ${table} ADD COLUMN chain_digest TEXT;`,
);

/**
 * The opening is JSON. What was removed begins with the opening itself: sequence 0, its digest and no time. `continued` is of the chains
 * that this file's writer goes on with; others came with a backup. A head is JSON too.
 */
export const CHAINS = `
  ${LINKED.join('\n')}
  CREATE TABLE chains (
    chain TEXT PRIMARY KEY, kind TEXT NOT NULL, opened_ms INTEGER NOT NULL, opening TEXT NOT NULL,
    removed_sequence INTEGER NOT NULL, removed_digest TEXT NOT NULL, removed_ms INTEGER, continued INTEGER NOT NULL
  ) STRICT;
  ${INDEX_CHAINS}
  CREATE TABLE audit_heads (
    number INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, digest TEXT NOT NULL, head TEXT NOT NULL
  ) STRICT;`;
/** The schema version that brought them. */
export const CHAINS_SINCE_VERSION = 14;

/** Parameter: kind. */
export const SELECT_CONTINUED = `SELECT opening, removed_sequence AS removedSequence, removed_digest AS removedDigest
  FROM chains WHERE kind = ? AND continued = 1`;
/**
 * Parameters: chain, kind, moment of the opening in ms, the opening as JSON, whether it is continued; sequence, digest and time of
 * what is before its first link.
 */
export const OPEN_CHAIN = `INSERT INTO chains
  (chain, kind, opened_ms, opening, continued, removed_sequence, removed_digest, removed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
/** @returns the parameters of OPEN_CHAIN for a chain that came with a backup, and that nobody goes on with. */
export function chainValues({ opening, removed, last, lastMs }: ChainState): readonly (string | number | null)[] {
  const { chain, kind, openedMs } = opening;
  const { sequence, digest } = removed ?? openingPoint(opening);
  // Only where no link is left the time is that of the last one that was removed.
  const removedMs = last.sequence === sequence ? (lastMs ?? null) : null;
  return [chain, kind, openedMs, canonicalJson(opening), 0, sequence, digest, removedMs];
}
/** Parameters: sequence, digest and time of the last link that is removed; chain. */
export const NOTE_REMOVED =
  'UPDATE chains SET removed_sequence = ?, removed_digest = ?, removed_ms = ? WHERE chain = ?';
/** Of what is known of a chain twice the longer one counts. Parameters as of OPEN_CHAIN. */
export const MERGE_CHAIN = `${OPEN_CHAIN} ON CONFLICT (chain) DO UPDATE SET removed_digest = excluded.removed_digest,
  removed_sequence = excluded.removed_sequence, removed_ms = excluded.removed_ms WHERE excluded.removed_sequence < removed_sequence`;
/** The newest link; parameter: chain. */
export function selectLast(kind: ChainKind): string {
  return `SELECT chain_sequence AS sequence, chain_digest AS digest FROM ${TABLES[kind]} WHERE chain = ?
    ORDER BY chain_sequence DESC LIMIT 1`;
}

/** Parameters: chain, sequence. */
export function selectPoint(kind: ChainKind): string {
  return `SELECT chain_sequence AS sequence, chain_digest AS digest, time_ms AS timeMs FROM ${TABLES[kind]}
    WHERE chain = ? AND chain_sequence = ?`;
}
/** Parameter: chain. */
export const SELECT_OPENING = 'SELECT opening FROM chains WHERE chain = ?';
