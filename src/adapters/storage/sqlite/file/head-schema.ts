// Signed heads in SQLite: as many as retention leaves, in the order in which they were made. The table came with the chains.

/** The one that is the newest already is left. Parameters: time in ms, digest, head; digest. */
export const KEEP_HEAD = `INSERT INTO audit_heads (time_ms, digest, head) SELECT ?, ?, ?
  WHERE NOT EXISTS (SELECT 1 FROM (SELECT digest FROM audit_heads ORDER BY number DESC LIMIT 1) WHERE digest = ?)`;
const FIELDS = 'number, time_ms AS timeMs, digest, head AS text';
/** The newest first. Parameter: how many at most. */
export const SELECT_LAST_HEADS = `SELECT ${FIELDS} FROM audit_heads ORDER BY number DESC LIMIT ?`;
/**
 * From the first that is not from before on: each names the one before it, so none is left out where a clock was set back between
 * them. Parameter: the time in ms.
 */
export const SELECT_HEADS = `SELECT ${FIELDS} FROM audit_heads
  WHERE number >= (SELECT min(number) FROM audit_heads WHERE time_ms >= ?) ORDER BY number`;
/** The oldest ones, up to the last that is from before, never the newest. Parameters: the time in ms; how many at most. */
export const DELETE_HEADS_BEFORE = `DELETE FROM audit_heads WHERE number IN (SELECT number FROM audit_heads
  WHERE number <= (SELECT max(number) FROM audit_heads WHERE time_ms < ?)
  AND number < (SELECT max(number) FROM audit_heads) ORDER BY number LIMIT ?)`;
