// What is asked of a PostgreSQL about the chains of the journal, on whichever connection.
import {
  CHAIN_KINDS,
  openingPoint,
  type ChainKind,
  type ChainOpening,
  type ChainPoint,
} from '../../../../domain/audit/chain.ts';
import type { ChainState, StoredLink, StoredPoint } from '../../../../ports/audit/chain-reader.ts';
import { chainStateFrom, joinedStates, recordFrom, selectChains, TABLES } from '../../chain-records.ts';
import { CLOSING_COLUMNS } from '../../closing-records.ts';
import { DECISION_COLUMNS, OPERATION_COLUMNS, type Row } from '../../records.ts';

export type AskRows = (text: string, values: readonly (string | number)[]) => Promise<readonly Row[]>;

const COLUMNS: Readonly<Record<ChainKind, Readonly<Record<string, string>>>> = {
  decision: DECISION_COLUMNS,
  operation: OPERATION_COLUMNS,
  closing: CLOSING_COLUMNS,
};

/** Parameters: chain, after which sequence, through which. */
export function selectLinks(kind: ChainKind): string {
  return `SELECT chain_sequence AS "chainSequence", chain_digest AS "chainDigest", ${fieldsOf(kind)} FROM ${TABLES[kind]}
    WHERE chain = $1 AND chain_sequence > $2 AND chain_sequence <= $3 ORDER BY chain_sequence`;
}

export function selectUnchained(kind: ChainKind): string {
  return `SELECT ${fieldsOf(kind)} FROM ${TABLES[kind]} WHERE chain IS NULL ORDER BY id`;
}

/** @param row of `selectLinks`. */
export function linkFrom(kind: ChainKind, { chainSequence, chainDigest, ...fields }: Row): StoredLink {
  return { sequence: Number(chainSequence), digest: String(chainDigest), record: recordFrom(kind, fields) };
}

/** In the order in which they were opened. */
export async function chainsAmong(ask: AskRows): Promise<readonly ChainState[]> {
  const states: ChainState[] = [];
  for (const kind of CHAIN_KINDS) states.push(...(await ask(selectChains(kind), [])).map(chainStateFrom));
  return joinedStates([states]);
}

export async function openingOf(ask: AskRows, chain: string): Promise<ChainOpening | undefined> {
  const [row] = await ask('SELECT opening FROM chains WHERE chain = $1', [chain]);
  return row === undefined ? undefined : (JSON.parse(String(row['opening'])) as ChainOpening);
}

export async function pointOf(ask: AskRows, chain: string, sequence: number): Promise<StoredPoint | undefined> {
  const opening = await openingOf(ask, chain);
  if (opening === undefined) return undefined;
  if (sequence === 0) return { ...openingPoint(opening), timeMs: opening.openedMs };
  const text = `SELECT chain_digest AS digest, time_ms AS "timeMs" FROM ${TABLES[opening.kind]}
    WHERE chain = $1 AND chain_sequence = $2`;
  const [row] = await ask(text, [chain, sequence]);
  return row === undefined ? undefined : { sequence, digest: String(row['digest']), timeMs: Number(row['timeMs']) };
}

/** By halves, as the times of a chain rise but where clocks were wrong. */
export async function pointBefore(ask: AskRows, chain: string, timeMs: number): Promise<ChainPoint | undefined> {
  const state = (await chainsAmong(ask)).find(({ opening }) => opening.chain === chain);
  if (state === undefined) return undefined;
  const { opening, last, removed = openingPoint(opening) } = state;
  let [before, from] = [removed, last.sequence + 1];
  while (from - before.sequence > 1) {
    const middle = Math.floor((before.sequence + from) / 2);
    const point = await pointOf(ask, chain, middle);
    if (point !== undefined && point.timeMs < timeMs) before = { sequence: middle, digest: point.digest };
    else from = middle;
  }
  return before;
}

function fieldsOf(kind: ChainKind): string {
  return Object.entries(COLUMNS[kind])
    .map(([field, column]) => `${column} AS "${field}"`)
    .join(', ');
}
