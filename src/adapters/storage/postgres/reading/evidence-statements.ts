// What is asked of a PostgreSQL as evidence of trust. Subject by subject along their index, in which what is valid of each lies
// together: nothing that has ended is looked at, however far back the journal goes.
import { GROUPED_BY, OF_THE_NEWEST, PROXY_COLUMNS } from '../../readings/evidence-records.ts';
import { DECISION_COLUMNS } from '../../records.ts';

const KEYS = GROUPED_BY.map((field) => `${DECISION_COLUMNS[field]} AS "${field}"`);
const LIVE = [...GROUPED_BY, 'oldestMs', 'latestEndMs'].map((field) => `live."${field}"`);
const NEWEST = OF_THE_NEWEST.map((field) => `newest.${DECISION_COLUMNS[field]} AS "${field}"`);
const RELAYED = 'CASE WHEN newest.caller <> newest.identity THEN newest.policy END AS "relayedPolicy"';

/** What is valid, in groups, those of one subject after another. Parameter: moment in ms. */
export const SELECT_LIVE = `WITH RECURSIVE subjects AS (
    (SELECT subject FROM decisions WHERE subject > '' ORDER BY subject LIMIT 1)
    UNION ALL SELECT (SELECT next.subject FROM decisions AS next WHERE next.subject > subjects.subject
      ORDER BY next.subject LIMIT 1) FROM subjects WHERE subjects.subject IS NOT NULL
  ) SELECT subjects.subject, ${[...LIVE, ...NEWEST, RELAYED].join(', ')}
    FROM subjects CROSS JOIN LATERAL (
      SELECT ${KEYS.join(', ')}, max(id) AS "newestId", min(time_ms) AS "oldestMs", max(not_after_ms) AS "latestEndMs"
      FROM decisions WHERE subject = subjects.subject AND not_after_ms > $1 AND api <> 'self'
      GROUP BY ${GROUPED_BY.map((_, index) => index + 1).join(', ')} OFFSET 0
    ) AS live CROSS JOIN LATERAL (SELECT * FROM decisions WHERE id = live."newestId") AS newest`;

/** Parameter: moment in ms. Refusals since are walked over in the index of times. */
export const SELECT_LAST_ISSUED = `SELECT time_ms AS "timeMs" FROM decisions
  WHERE time_ms < $1 AND outcome = 'issued' AND api <> 'self' ORDER BY time_ms DESC, id DESC LIMIT 1`;

const PROXY = Object.entries(PROXY_COLUMNS).map(([field, column]) => `${column} AS "${field}"`);
/** Parameter: SPIFFE IDs as JSON. */
export const SELECT_PROXIES_OF = `SELECT ${PROXY.join(', ')} FROM proxies
  WHERE identity IN (SELECT json_array_elements_text($1::json))`;
export const SELECT_PROXIES = `SELECT ${PROXY.join(', ')} FROM proxies`;
export const SELECT_BUNDLES = 'SELECT digest, anchors FROM bundles';
