// What a SQLite journal counts of an issuer. By the index of times, so that what is older than any leaf is not looked at.
import type { DatabaseSync } from 'node:sqlite';
import type { StatisticsWindow } from '../../../../ports/storage/issuer-statistics.ts';
import { MAX_COUNTED, type IssuerCounts } from '../../readings/issuer-counts.ts';
import type { Row } from '../../records.ts';

const LIVE = `SELECT count(*) AS count, max(not_after_ms) AS latestEndMs FROM decisions
  WHERE time_ms >= ? AND issuer = ? AND not_after_ms > ?`;
const OLDEST_COUNTED = `SELECT time_ms AS timeMs FROM decisions WHERE time_ms >= ?
  ORDER BY time_ms DESC LIMIT 1 OFFSET ${MAX_COUNTED}`;
/** spiffe://<trust domain>/ns/<namespace>/sa/<service account>; null for any other name. */
export function namespaceOf(subject: string): string {
  const afterNs = `substr(${subject}, nullif(instr(${subject}, '/ns/'), 0) + 4)`;
  return `substr(${afterNs}, 1, instr(${afterNs}, '/') - 1)`;
}
const NAMESPACES = `SELECT ${namespaceOf('subject')} AS namespace, count(*) AS issued,
    sum(not_after_ms > ?1) AS live, max(CASE WHEN not_after_ms > ?1 THEN not_after_ms END) AS latestEndMs
  FROM (SELECT coalesce(identity, caller) AS subject, not_after_ms FROM decisions
    WHERE time_ms >= ?2 AND outcome = 'issued' AND issuer_name = ?3) GROUP BY 1`;
const REVISIONS = `SELECT policy_revision AS revision, sum(outcome = 'issued') AS issued,
    sum(CASE WHEN outcome = 'refused' THEN coalesce(count, 1) ELSE 0 END) AS refused, max(time_ms) AS latestMs
  FROM decisions WHERE time_ms >= ?1 AND (issuer_name = ?2
    OR (outcome = 'refused' AND policy IS NOT NULL AND json_extract(policy, '$.issuer') = ?2)) GROUP BY 1`;

export function liveLeavesIn(database: DatabaseSync, id: string, { nowMs, sinceMs }: StatisticsWindow): Row {
  return database.prepare(LIVE).get(sinceMs, id, nowMs) ?? {};
}

/** In a journal of schema version 8 or later. */
export function countsIn(database: DatabaseSync, name: string, window: StatisticsWindow): IssuerCounts {
  const oldest = database.prepare(OLDEST_COUNTED).get(window.sinceMs);
  const sinceMs = Math.max(window.sinceMs, Number(oldest?.['timeMs'] ?? 0));
  return {
    sinceMs,
    namespaces: database.prepare(NAMESPACES).all(window.nowMs, sinceMs, name),
    revisions: database.prepare(REVISIONS).all(sinceMs, name),
  };
}
