// A journal of a month: 2,000 identities all the time, and on the last day one more that alone has five of eight decisions,
// all of its certificates live. One in 33 of the others is refused. Made by the databases themselves, which takes them
// minutes and not an hour; the same numbers give the same rows.
import type { JournalQuery } from '../../../../src/ports/storage/issuance-journal.ts';
import type { Dialect } from './bulk.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const END_MS = Date.UTC(2026, 0, 31);
const START_MS = END_MS - 30 * DAY_MS;
/** Of all decisions, those of the last day. */
const LAST_DAY = 0.08;
const IDENTITIES = 2_000;
const NAMESPACES = 50;
const BUSY = 'spiffe://cluster.local/ns/team-busy/sa/busy';
/** Shown at once, as by default. */
const LIMIT = 50;

const COLUMNS = `decision_id, time_ms, outcome, api, remote_address, caller, authentication_method, credential_id, pod_name,
  pod_uid, node_name, policy_revision, identity, serial, issuer, not_before_ms, not_after_ms, key_type, reason, message`;

/** @returns SQL that fills the table of decisions. */
export function insertRecords(count: number, { numbers, integer, hex }: Dialect): string {
  const last = Math.floor(count * (1 - LAST_DAY));
  const issued = (value: string): string => `CASE WHEN refused = 0 THEN ${value} END`;
  const refused = (value: string): string => `CASE WHEN refused = 1 THEN ${value} END`;
  const time = `CASE WHEN i < ${last} THEN ${START_MS} + CAST(i AS ${integer}) * ${29 * DAY_MS} / ${last}
    ELSE ${END_MS - DAY_MS} + CAST(i - ${last} AS ${integer}) * ${DAY_MS} / ${count - last} END`;
  return `INSERT INTO decisions (${COLUMNS})
    SELECT ${hex('i', 20)}, t, CASE WHEN refused = 1 THEN 'refused' ELSE 'issued' END, 'csr', '10.0.0.1:40000', who, 'token',
      'https://issuer.example', 'pod-' || (h % 5000), 'uid-' || (h % 5000), 'node-' || (h % 100), '0123456789abcdef',
      ${issued('who')}, ${issued(hex('i', 16))}, ${issued("'fedcba9876543210'")}, ${issued('t - 60000')},
      ${issued(`(t + ${DAY_MS} - (h % 3600) * 1000) / 1000 * 1000 + 5000`)}, ${issued("'ec-p256'")},
      ${refused("'CAP-P12'")}, ${refused("'CAP-P12 a policy condition is not met'")}
    FROM (SELECT i, h, t, CASE WHEN i >= ${last} AND i % 8 < 5 THEN '${BUSY}'
        ELSE 'spiffe://cluster.local/ns/team-' || (h % ${NAMESPACES}) || '/sa/service-' || (h % ${IDENTITIES}) END AS who,
        CASE WHEN i < ${last} AND i % 33 = 0 THEN 1 ELSE 0 END AS refused
      FROM (SELECT i, (CAST(i AS ${integer}) * 2654435761 % 4294967296) / 65536 AS h, ${time} AS t
        FROM ${numbers(count)} AS n) AS timed) AS named`;
}

/** What people ask, in turn; each asked about another moment, identity or decision. @param random in [0, 1). */
export function questions(count: number, random: () => number): readonly JournalQuery[] {
  const whole = (below: number): number => Math.floor(random() * below);
  const h = whole(65_536);
  const identity = `spiffe://cluster.local/ns/team-${h % NAMESPACES}/sa/service-${h % IDENTITIES}`;
  const sinceMs = START_MS + whole(30 * DAY_MS);
  const decisionId = whole(count).toString(16).padStart(20, '0');
  const asked: readonly Omit<JournalQuery, 'limit'>[] = [
    {},
    { outcome: 'issued' },
    { outcome: 'refused' },
    { sinceMs },
    { sinceMs, outcome: 'refused' },
    { decisionId },
    { validAtMs: END_MS, outcome: 'issued' },
    { identity },
    { identity, outcome: 'refused' },
    { identity, sinceMs },
    { identity, validAtMs: END_MS },
    { identity: BUSY },
    { identity: BUSY, outcome: 'refused' },
    { identity: BUSY, validAtMs: END_MS },
  ];
  return asked.map((query) => ({ ...query, limit: LIMIT }));
}
