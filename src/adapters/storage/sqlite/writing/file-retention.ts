// Old records leave a journal's file. Those of a chain leave in its order, and the chain remembers the last of them: so the rest
// of it can still be proved, and whoever takes a single record away cannot say that it was old.
import type { DatabaseSync } from 'node:sqlite';
import type { ChainKind } from '../../../../domain/audit/chain.ts';
import { TABLES } from '../../chain-records.ts';
import { NOTE_REMOVED } from '../file/chain-schema.ts';

interface Aging {
  /** In ms since the epoch: what is from before leaves. */
  readonly beforeMs: number;
  /** A record of a time yet to come was made while a clock was wrong: nothing waits behind it. */
  readonly nowMs: number;
}

const FORGET_CHAINS = (table: string): string => `DELETE FROM chains WHERE kind = ? AND continued = 0
  AND NOT EXISTS (SELECT 1 FROM ${table} WHERE ${table}.chain = chains.chain)`;

/** Within a transaction. @returns how many records of the kind it removed, at most `limit`. */
export function removeOld(database: DatabaseSync, kind: ChainKind, aging: Aging, limit: number): number {
  const table = TABLES[kind];
  let removed = removeUnchained(database, table, aging, limit);
  for (const { chain } of database.prepare('SELECT chain FROM chains WHERE kind = ? ORDER BY opened_ms').all(kind)) {
    if (removed < limit) removed += removeFrom(database, table, String(chain), aging, limit - removed);
  }
  database.prepare(FORGET_CHAINS(table)).run(kind);
  return removed;
}

function removeUnchained(database: DatabaseSync, table: string, { beforeMs }: Aging, limit: number): number {
  const oldest = `SELECT id FROM ${table} WHERE time_ms < ? AND chain IS NULL ORDER BY time_ms LIMIT ?`;
  return Number(database.prepare(`DELETE FROM ${table} WHERE id IN (${oldest})`).run(beforeMs, limit).changes);
}

/** The oldest links, up to the first that has to stay. */
function removeFrom(database: DatabaseSync, table: string, chain: string, aging: Aging, limit: number): number {
  const oldest = `SELECT time_ms AS timeMs, chain_sequence AS sequence, chain_digest AS digest FROM ${table}
    WHERE chain = ? ORDER BY chain_sequence LIMIT ?`;
  const rows = database.prepare(oldest).all(chain, limit);
  const times = rows.map(({ timeMs }) => Number(timeMs));
  const last = rows[countOfOld(times, aging) - 1];
  if (last === undefined) return 0;
  const [sequence, digest, timeMs] = [Number(last['sequence']), String(last['digest']), Number(last['timeMs'])];
  database.prepare(NOTE_REMOVED).run(sequence, digest, timeMs, chain);
  const remove = database.prepare(`DELETE FROM ${table} WHERE chain = ? AND chain_sequence <= ?`);
  return Number(remove.run(chain, sequence).changes);
}

/** @returns how many of the first ones leave; the last of those is old itself. */
function countOfOld(times: readonly number[], { beforeMs, nowMs }: Aging): number {
  const kept = times.findIndex((timeMs) => timeMs >= beforeMs && timeMs <= nowMs);
  const leaving = kept === -1 ? times : times.slice(0, kept);
  return leaving.findLastIndex((timeMs) => timeMs < beforeMs) + 1;
}
