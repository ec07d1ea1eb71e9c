// Signed heads in PostgreSQL, in the table that came with the chains: in the order in which they were made, because only the holder
// of the lease makes any.

/** The one that is the newest already is left. Parameters: name of the lease, epoch, time in ms, digest, head. */
export const KEEP_HEAD = `WITH held AS MATERIALIZED (
    SELECT 1 FROM leases WHERE name = $1 AND epoch = $2 FOR SHARE
  ), kept AS (
    INSERT INTO audit_heads (time_ms, digest, head) SELECT $3::bigint, $4::text, $5::text FROM held
    WHERE NOT EXISTS (SELECT FROM (SELECT digest FROM audit_heads ORDER BY number DESC LIMIT 1) AS last
      WHERE last.digest = $4::text)
  ) SELECT EXISTS (SELECT FROM held) AS held`;
/** Those of a backup, in their order. Parameter: JSON of `KeptHead`s. */
export const ADD_HEADS = `INSERT INTO audit_heads (time_ms, digest, head)
  SELECT (head->>'timeMs')::bigint, head->>'digest', head->>'text'
  FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS heads (head, place) ORDER BY place`;
const FIELDS = 'time_ms AS "timeMs", digest, head AS text';
/** The newest first. Parameter: how many at most. */
export const SELECT_LAST_HEADS = `SELECT ${FIELDS} FROM audit_heads ORDER BY number DESC LIMIT $1`;
/**
 * From the first that is not from before on: each names the one before it, so none is left out where a clock was set back between
 * them. Parameter: the time in ms.
 */
export const SELECT_HEADS = `SELECT ${FIELDS} FROM audit_heads
  WHERE number >= (SELECT min(number) FROM audit_heads WHERE time_ms >= $1) ORDER BY number`;
