// The journal's tables in SQLite, how they came about, and what is asked of them. Which field of a record lies in
// which column is in ../records.ts.
import type { OperationRecord } from '../../../../ports/storage/operation-journal.ts';
import { CHAIN_COLUMNS } from '../../chain-records.ts';
import { CHAINS } from './chain-schema.ts';
import { CLOSINGS } from './closing-schema.ts';
import { EVIDENCE, EVIDENCE_SINCE_VERSION } from './evidence-schema.ts';
import { DECISION_COLUMNS, DECISION_FIELDS, OPERATION_COLUMNS, type DecisionField } from '../../records.ts';

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
  `ALTER TABLE decisions ADD COLUMN issuer_name TEXT;
   ALTER TABLE decisions ADD COLUMN trust_anchor TEXT;`,
  `ALTER TABLE decisions ADD COLUMN attestation TEXT;
   ALTER TABLE decisions ADD COLUMN remote_cluster TEXT;`,
  CLOSINGS,
  'ALTER TABLE operations ADD COLUMN details TEXT;',
  EVIDENCE,
  'ALTER TABLE decisions ADD COLUMN cluster TEXT;',
  CHAINS,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * The oldest version whose servers can use a journal of SCHEMA_VERSION: whoever adds a step that takes away, renames or demands
 * something raises it to that step's version. Before 8 a server refuses every newer journal, whatever this says.
 */
export const USABLE_FROM = 8;
/**
 * The one row beside `user_version`, which is the version itself. A journal without it is for servers of its own version
 * and later.
 */
export const KEEP_USABLE_FROM = `CREATE TABLE IF NOT EXISTS schema_version (usable_from INTEGER NOT NULL) STRICT;
  DELETE FROM schema_version; INSERT INTO schema_version (usable_from) VALUES (${USABLE_FROM})`;
export const HAS_USABLE_FROM = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
export const SELECT_USABLE_FROM = 'SELECT usable_from AS "usableFrom" FROM schema_version';

/**
 * Of the refusals, so it costs what is issued nothing. No part of a version: a journal is as good without it and only
 * slower to list, so a large one need not wait for it, and the former Capstan opens one that has it.
 */
export const INDEX_REFUSALS = `CREATE INDEX IF NOT EXISTS decisions_by_refusal ON decisions (time_ms)
  WHERE outcome = 'refused'`;
/** How many decisions there are, about: nothing is counted. */
export const SELECT_SIZE = 'SELECT coalesce(max(id) - min(id) + 1, 0) AS size FROM decisions';

/** Columns that are younger than the table, with the schema version that brought them. */
const SINCE_VERSION: Partial<Record<DecisionField, number>> = {
  policy: 2,
  proofId: 3,
  provenAtMs: 3,
  count: 4,
  issuerName: 8,
  trustAnchor: 8,
  attestation: 9,
  remoteCluster: 9,
  presentedAnchor: EVIDENCE_SINCE_VERSION,
  bundle: EVIDENCE_SINCE_VERSION,
  cluster: 13,
};

/** What columns were called before version 7. */
const FORMER_COLUMN_OF: Partial<Record<DecisionField, string>> = {
  api: 'surface',
  authenticationMethod: 'proven_by',
  credentialId: 'evidence',
};
const RENAMED_BY_VERSION = 7;

/** Also where it is in its chain, after the fields. */
export const INSERT = insertInto('decisions', { ...DECISION_COLUMNS, ...CHAIN_COLUMNS });
/**
 * The newest certificate of an identity that is valid at a moment, of the thousand that end last: what it costs does
 * not grow with what the identity holds. Parameters: SPIFFE ID, moment in ms. It may be of a remote cluster: rows say so, and
 * only where there is one is the table looked through for another.
 */
export function selectCurrent(version: number, { ofOwnCluster = false } = {}): string {
  const own = ofOwnCluster ? 'AND remote_cluster IS NULL' : '';
  return `SELECT time_ms AS timeMs, not_after_ms AS notAfterMs, policy, ${columnOf('remoteCluster', version)} AS remoteCluster
    FROM decisions WHERE id = (SELECT id FROM (SELECT id, time_ms FROM decisions
      WHERE coalesce(identity, caller) = ? AND not_after_ms > ? ${own}
      ORDER BY not_after_ms DESC LIMIT 1000) ORDER BY time_ms DESC, id DESC LIMIT 1)`;
}

const LEAF_FIELDS = ['trustAnchor', 'podName', 'podUid', 'nodeName', 'attestation', 'remoteCluster'] as const;
/**
 * The record of a leaf; parameters: SPIFFE ID, end in ms, serial. Identity and end find it by the index that is
 * there: one by serials, which are random, would write a page for each append. A record of before proofs were
 * noted is its own proof; our own certificates, which nobody asked for, have none.
 */
export function selectLeaf(version: number): string {
  const facts = LEAF_FIELDS.map((field) => `${columnOf(field, version)} AS ${field}`).join(', ');
  return `SELECT issuer, coalesce(proof_id, decision_id) AS proofId, coalesce(proven_at_ms, time_ms) AS provenAtMs, ${facts}
    FROM decisions WHERE coalesce(identity, caller) = ? AND not_after_ms = ? AND serial = ?
      AND outcome = 'issued' AND authentication_method IS NOT NULL LIMIT 1`;
}
/** An issuer in force: its leaves end with it. Parameters: id, DER, longest leaf in ms, its end in ms. */
export const KEEP_ISSUER = `INSERT INTO issuers (id, certificate, longest_leaf_ms, until_ms) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET until_ms = excluded.until_ms,
    longest_leaf_ms = max(longest_leaf_ms, excluded.longest_leaf_ms)`;
/** As another journal remembers it: the longer memory counts. Parameters as of KEEP_ISSUER. */
export const MERGE_ISSUER = `INSERT INTO issuers (id, certificate, longest_leaf_ms, until_ms) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET longest_leaf_ms = max(longest_leaf_ms, excluded.longest_leaf_ms),
    until_ms = max(until_ms, excluded.until_ms)`;
/** Every other signs no more: its last leaf is over before long. Parameters: now in ms, ids of those in force as JSON. */
export const RETIRE_ISSUERS = `UPDATE issuers SET until_ms = min(until_ms, ? + longest_leaf_ms)
  WHERE id NOT IN (SELECT value FROM json_each(?))`;
export const FORGET_ISSUERS = 'DELETE FROM issuers WHERE until_ms < ?';
export const SELECT_ISSUERS = 'SELECT certificate, until_ms AS untilMs FROM issuers WHERE until_ms >= ?';
/** What an operator did, and where it is in its chain. Few, so they are kept for good. */
export const INSERT_OPERATION = insertInto('operations', { ...OPERATION_COLUMNS, ...CHAIN_COLUMNS });
/** Newest first; parameters: not before this moment in ms, and how many at most. @param version of the file's schema. */
export function selectOperations(version: number): string {
  return `SELECT ${byField(operationColumns(version))} FROM operations WHERE time_ms >= ? ORDER BY id DESC LIMIT ?`;
}

/** By field. @param version of the file's schema. */
export function operationColumns(version: number): Readonly<Record<keyof OperationRecord, string>> {
  return version < OPERATION_DETAILS_SINCE_VERSION ? { ...OPERATION_COLUMNS, details: 'NULL' } : OPERATION_COLUMNS;
}
export const ISSUER_NAMES_SINCE_VERSION = 8;
/** The schema versions that brought them, and who did them. */
export const OPERATIONS_SINCE_VERSION = 6;
const OPERATION_DETAILS_SINCE_VERSION = 11;

/**
 * The columns in the order of their fields. A file is only migrated when it is opened for writing, so an older one is
 * read as it is.
 * @param version of the file's schema.
 */
export function selectFrom(version: number): string {
  return `SELECT ${DECISION_FIELDS.map((field) => columnOf(field, version)).join(', ')} FROM decisions`;
}

/** @returns what is selected for a field of a decision. @param version of the file's schema. */
export function columnOf(field: DecisionField, version: number): string {
  if (version < (SINCE_VERSION[field] ?? 1)) return 'NULL';
  const former = version < RENAMED_BY_VERSION ? FORMER_COLUMN_OF[field] : undefined;
  return former ?? DECISION_COLUMNS[field];
}

function byField(columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([field, column]) => `${column} AS "${field}"`)
    .join(', ');
}

function insertInto(table: string, columns: Readonly<Record<string, string>>): string {
  const names = Object.values(columns);
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
}
