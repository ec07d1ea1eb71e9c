// The journal's tables and how a record lies in them: one column per field, named once.
import type { DecisionRecord, PolicyTrace } from '../../../ports/storage/issuance-journal.ts';

/** Marks the file as ours ("CAPS"), so that another program's database is never written to. */
export const APPLICATION_ID = 0x43415053;

/**
 * One step per schema version; a step that was released is never edited. The index by identity also ends the
 * search for a valid certificate early: a refusal has no `not_after_ms`. What further ones would cost is in
 * docs/decisions/0031.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE decisions (
     id INTEGER PRIMARY KEY,
     decision_id TEXT NOT NULL,
     time_ms INTEGER NOT NULL,
     outcome TEXT NOT NULL CHECK (outcome IN ('issued', 'refused')),
     surface TEXT NOT NULL,
     remote_address TEXT NOT NULL,
     caller TEXT, proven_by TEXT, evidence TEXT, pod_name TEXT, pod_uid TEXT, node_name TEXT, policy_revision TEXT,
     identity TEXT, serial TEXT, issuer TEXT, not_before_ms INTEGER, not_after_ms INTEGER, key_type TEXT,
     reason TEXT, message TEXT
   ) STRICT;
   CREATE INDEX decisions_by_time ON decisions (time_ms);
   CREATE INDEX decisions_by_decision_id ON decisions (decision_id);
   CREATE INDEX decisions_by_identity ON decisions (coalesce(identity, caller), time_ms);`,
  `ALTER TABLE decisions ADD COLUMN policy TEXT;
   DROP INDEX decisions_by_identity;
   CREATE INDEX decisions_by_identity ON decisions (coalesce(identity, caller), not_after_ms, time_ms);`,
  `ALTER TABLE decisions ADD COLUMN proof_id TEXT;
   ALTER TABLE decisions ADD COLUMN proven_at_ms INTEGER;
   CREATE TABLE issuers (
     id TEXT PRIMARY KEY, certificate BLOB NOT NULL, longest_leaf_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL
   ) STRICT;`,
  'ALTER TABLE decisions ADD COLUMN count INTEGER;',
  // Of the few decisions that were asked for by another, so it costs the others nothing.
  'CREATE INDEX decisions_by_relay ON decisions (caller, time_ms) WHERE identity <> caller;',
  `CREATE TABLE operations (
     id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, operation TEXT NOT NULL, was TEXT NOT NULL, became TEXT NOT NULL
   ) STRICT;`,
  // The words of the records themselves; SQLite rewrites the schema's text and touches no row.
  `ALTER TABLE decisions RENAME COLUMN surface TO api;
   ALTER TABLE decisions RENAME COLUMN proven_by TO authentication_method;
   ALTER TABLE decisions RENAME COLUMN evidence TO credential_id;`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Every field a record of either outcome can have; the compiler asks for each. */
type Field =
  keyof Extract<DecisionRecord, { outcome: 'issued' }> | keyof Extract<DecisionRecord, { outcome: 'refused' }>;

const COLUMN_OF: Readonly<Record<Field, string>> = {
  decisionId: 'decision_id',
  timeMs: 'time_ms',
  outcome: 'outcome',
  api: 'api',
  remoteAddress: 'remote_address',
  caller: 'caller',
  authenticationMethod: 'authentication_method',
  credentialId: 'credential_id',
  podName: 'pod_name',
  podUid: 'pod_uid',
  nodeName: 'node_name',
  policyRevision: 'policy_revision',
  identity: 'identity',
  serial: 'serial',
  issuer: 'issuer',
  notBeforeMs: 'not_before_ms',
  notAfterMs: 'not_after_ms',
  keyType: 'key_type',
  reason: 'reason',
  message: 'message',
  policy: 'policy',
  proofId: 'proof_id',
  provenAtMs: 'proven_at_ms',
  count: 'count',
};

/** Columns that are younger than the table, with the schema version that brought them. */
const SINCE_VERSION: Partial<Record<Field, number>> = { policy: 2, proofId: 3, provenAtMs: 3, count: 4 };

/** What columns were called before version 7. */
const FORMER_COLUMN_OF: Partial<Record<Field, string>> = {
  api: 'surface',
  authenticationMethod: 'proven_by',
  credentialId: 'evidence',
};
const RENAMED_BY_VERSION = 7;

const FIELDS = Object.keys(COLUMN_OF) as readonly Field[];
const COLUMNS = Object.values(COLUMN_OF).join(', ');

export const INSERT = `INSERT INTO decisions (${COLUMNS}) VALUES (${FIELDS.map(() => '?').join(', ')})`;
/**
 * The newest certificate of an identity that is valid at a moment, of the thousand that end last: what it costs does
 * not grow with what the identity holds. Parameters: SPIFFE ID, moment in ms.
 */
export const SELECT_CURRENT = `SELECT time_ms AS issuedMs, not_after_ms AS notAfterMs, policy FROM decisions WHERE id =
  (SELECT id FROM (SELECT id, time_ms FROM decisions WHERE coalesce(identity, caller) = ? AND not_after_ms > ?
     ORDER BY not_after_ms DESC LIMIT 1000) ORDER BY time_ms DESC, id DESC LIMIT 1)`;
/**
 * The record of a leaf; parameters: SPIFFE ID, end in ms, serial. Identity and end find it by the index that is
 * there: one by serials, which are random, would write a page for each append. A record of before proofs were
 * noted is its own proof; our own certificates, which nobody asked for, have none.
 */
export const SELECT_LEAF = `SELECT issuer, coalesce(proof_id, decision_id) AS proofId,
    coalesce(proven_at_ms, time_ms) AS provenAtMs FROM decisions
  WHERE coalesce(identity, caller) = ? AND not_after_ms = ? AND serial = ?
    AND outcome = 'issued' AND authentication_method IS NOT NULL LIMIT 1`;
/** The issuer in force: its leaves end with it. Parameters: id, DER, longest leaf in ms, its end in ms. */
export const KEEP_ISSUER = `INSERT INTO issuers (id, certificate, longest_leaf_ms, until_ms) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET until_ms = excluded.until_ms,
    longest_leaf_ms = max(longest_leaf_ms, excluded.longest_leaf_ms)`;
/** Every other signs no more: its last leaf is over before long. Parameters: now in ms, id of the one in force. */
export const RETIRE_ISSUERS = 'UPDATE issuers SET until_ms = min(until_ms, ? + longest_leaf_ms) WHERE id <> ?';
export const FORGET_ISSUERS = 'DELETE FROM issuers WHERE until_ms < ?';
export const SELECT_ISSUERS = 'SELECT certificate FROM issuers WHERE until_ms >= ?';
/** What an operator did; parameters: moment in ms, operation, what was, what is. Few, so they are kept for good. */
export const INSERT_OPERATION = 'INSERT INTO operations (time_ms, operation, was, became) VALUES (?, ?, ?, ?)';
/** Newest first; parameters: not before this moment in ms, and how many at most. */
export const SELECT_OPERATIONS = `SELECT time_ms AS timeMs, operation, was, became AS "is" FROM operations
  WHERE time_ms >= ? ORDER BY id DESC LIMIT ?`;
/** The schema version that brought them. */
export const OPERATIONS_SINCE_VERSION = 6;
/** Removes the oldest records before a moment; parameters: the moment in ms, and how many at most. */
export const DELETE_BEFORE = `DELETE FROM decisions WHERE id IN
  (SELECT id FROM decisions WHERE time_ms < ? ORDER BY time_ms LIMIT ?)`;

/**
 * Each column under its field's name. A file is only migrated when it is opened for writing, so an older one is
 * read as it is.
 * @param version of the file's schema.
 */
export function selectFrom(version: number): string {
  const columns = FIELDS.map((field) => {
    const known = version >= (SINCE_VERSION[field] ?? 1);
    return `${known ? columnOf(field, version) : 'NULL'} AS ${field}`;
  });
  return `SELECT ${columns.join(', ')} FROM decisions`;
}

function columnOf(field: Field, version: number): string {
  const former = version < RENAMED_BY_VERSION ? FORMER_COLUMN_OF[field] : undefined;
  return former ?? COLUMN_OF[field];
}

/** @returns the values for `INSERT`, in its order. */
export function toRow(record: DecisionRecord): (string | number | null)[] {
  const { policy, ...plain } = record;
  const fields: Partial<Record<Field, string | number>> = plain;
  const trace = policy === undefined ? null : JSON.stringify(policy);
  return FIELDS.map((field) => (field === 'policy' ? trace : (fields[field] ?? null)));
}

/** @param row as `selectFrom` gives it, written by `toRow` and checked by the schema. */
export function fromRow(row: Readonly<Record<string, unknown>>): DecisionRecord {
  const record: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = row[field];
    if (value !== null) record[field] = field === 'policy' ? traceFrom(value as string) : value;
  }
  return record as unknown as DecisionRecord;
}

/** What policy was asked and answered, as `toRow` writes it. Records from before `waived` call it `excused`. */
export function traceFrom(json: string): PolicyTrace {
  const { excused, ...trace } = JSON.parse(json) as PolicyTrace & { readonly excused?: PolicyTrace['waived'] };
  return { ...(excused !== undefined && { waived: excused }), ...trace };
}
