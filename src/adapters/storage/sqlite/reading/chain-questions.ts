// What is asked of a journal's file for the records of a kind, in chains or in none.
import type { ChainKind } from '../../../../domain/audit/chain.ts';
import { TABLES } from '../../chain-records.ts';
import { CLOSING_COLUMNS } from '../../closing-records.ts';
import { DECISION_FIELDS } from '../../records.ts';
import { CHAINS_SINCE_VERSION } from '../file/chain-schema.ts';
import { CLOSINGS_SINCE_VERSION } from '../file/closing-schema.ts';
import { columnOf, OPERATIONS_SINCE_VERSION, operationColumns } from '../file/journal-schema.ts';

/** The schema versions that brought the tables. */
export const KINDS_SINCE_VERSION: Readonly<Record<ChainKind, number>> = {
  decision: 1,
  operation: OPERATIONS_SINCE_VERSION,
  closing: CLOSINGS_SINCE_VERSION,
};

/** Parameters: chain, after which sequence, through which. @param version of the file's schema. */
export function selectLinks(kind: ChainKind, version: number): string {
  return `SELECT chain_sequence AS chainSequence, chain_digest AS chainDigest, ${fieldsOf(kind, version)}
    FROM ${TABLES[kind]} WHERE chain = ? AND chain_sequence > ? AND chain_sequence <= ? ORDER BY chain_sequence`;
}

/** As they were recorded; in a file of before chains all of them. @param version of the file's schema. */
export function selectUnchained(kind: ChainKind, version: number): string {
  const condition = version < CHAINS_SINCE_VERSION ? '' : 'WHERE chain IS NULL';
  return `SELECT ${fieldsOf(kind, version)} FROM ${TABLES[kind]} ${condition} ORDER BY id`;
}

function fieldsOf(kind: ChainKind, version: number): string {
  if (kind === 'closing') return byField(CLOSING_COLUMNS);
  if (kind === 'operation') return byField(operationColumns(version));
  return byField(Object.fromEntries(DECISION_FIELDS.map((field) => [field, columnOf(field, version)])));
}

function byField(columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([field, column]) => `${column} AS "${field}"`)
    .join(', ');
}
