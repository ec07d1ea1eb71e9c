// What is written into the inventory's tables, as SQL that SQLite and PostgreSQL both understand. Every statement may be run twice.
import { EXPIRED } from '../../../domain/inventory/entry.ts';
import { ENTRY_COLUMNS, ENTRY_FIELDS, type EntryField, type EntryRow } from './entry-rows.ts';

const COLUMNS = Object.values(ENTRY_COLUMNS);
const KEY = ['identity', 'cluster', 'pod_uid'];
/** A pod that is gone does not come back; whose account was made anew may enrol again, as somebody else. */
const REENROLS = 'service_account_recreated';

/** Whether a certificate that comes later makes a live entry of one that ended. */
const COMES_BACK = `(entries.end_reason IS NULL OR entries.end_reason = '${EXPIRED}'
  OR (entries.end_reason = '${REENROLS}' AND excluded.issued_ms > entries.ended_ms))`;

/** The newest certificate counts. @param values as many as there are `ENTRY_FIELDS`, in their order. */
export function upsertEntry(values: string): string {
  const replaced = COLUMNS.filter((column) => !KEY.includes(column)).map((column) => {
    if (column !== 'ended_ms' && column !== 'end_reason') return `${column} = excluded.${column}`;
    return `${column} = CASE WHEN ${COMES_BACK} THEN excluded.${column} ELSE entries.${column} END`;
  });
  return `INSERT INTO inventory_entries AS entries (${COLUMNS.join(', ')}) ${values}
    ON CONFLICT (${KEY.join(', ')}) DO UPDATE SET ${replaced.join(', ')} WHERE excluded.issued_ms >= entries.issued_ms`;
}

/** What changes with each certificate; what else a renewal has is nearly always as it was. */
const RENEWED_FIELDS = [
  'decisionId',
  'proofId',
  'authenticationMethod',
  'api',
  'serial',
  'bundle',
  'issuedMs',
  'notBeforeMs',
  'notAfterMs',
  'renewalMs',
  'overdueMs',
] as const satisfies readonly EntryField[];
const UNCHANGED_FIELDS = [
  'class',
  'podName',
  'nodeName',
  'relay',
  'issuer',
  'issuerName',
  'trustAnchor',
  'policyRevision',
] as const satisfies readonly EntryField[];

/**
 * As `upsertEntry` of one that lives and is only renewed: of the many indexes it writes three (sqlite.org/lang_update.html writes
 * those of every column that is set, changed or not). It changes nothing where anything else is new.
 */
export const RENEW = `UPDATE inventory_entries SET ${RENEWED_FIELDS.map((field) => `${ENTRY_COLUMNS[field]} = ?`).join(', ')}
  WHERE ${KEY.map((column) => `${column} = ?`).join(' AND ')} AND ended_ms IS NULL AND issued_ms <= ?
    AND ${UNCHANGED_FIELDS.map((field) => `${ENTRY_COLUMNS[field]} IS ?`).join(' AND ')}`;

/** Its parameters. */
export function renewedValues(entry: EntryRow): readonly (string | number | null)[] {
  const { identity, cluster, podUid, issuedMs } = entry;
  const unchanged = UNCHANGED_FIELDS.map((field) => entry[field]);
  return [...RENEWED_FIELDS.map((field) => entry[field]), identity, cluster, podUid, issuedMs, ...unchanged];
}

/** What ended; what is known of its certificates stays. @param values as of `upsertEntry`. */
export function endEntry(values: string): string {
  return `INSERT INTO inventory_entries AS entries (${COLUMNS.join(', ')}) ${values}
    ON CONFLICT (${KEY.join(', ')}) DO UPDATE SET ended_ms = excluded.ended_ms, end_reason = excluded.end_reason
    WHERE (entries.end_reason IS NULL OR entries.end_reason IN ('${EXPIRED}', '${REENROLS}'))
      AND (excluded.end_reason <> '${REENROLS}' OR entries.issued_ms <= excluded.ended_ms)`;
}

export const PARAMETERS = `VALUES (${ENTRY_FIELDS.map(() => '?').join(', ')})`;

/** The words of a database. */
export interface Types {
  /** Of a number that the database gives each row. */
  readonly id: string;
  readonly text: string;
  readonly number: string;
  /** Behind the columns of a table, and of one that is all key. */
  readonly options: string;
  readonly keyed: string;
}

const NOT_NULL: readonly string[] = [
  'identity',
  'cluster',
  'pod_uid',
  'class',
  'api',
  'decision_id',
  'serial',
  'issuer',
];
const ORDER = 'identity, cluster, pod_uid';
/** Of what lives, which is the small part, there is an index for each question. */
const LIVE_INDEXES = {
  inventory_live: '',
  inventory_live_by_node: 'node_name',
  inventory_live_by_namespace: 'namespace',
  inventory_live_by_issuer: 'issuer',
  inventory_live_by_anchor: 'trust_anchor',
  inventory_live_by_policy: 'policy_revision',
  inventory_live_by_cluster: 'cluster',
  inventory_live_by_end: 'not_after_ms',
  inventory_live_by_overdue: 'overdue_ms',
} as const;
export type LiveIndex = keyof typeof LIVE_INDEXES;

/**
 * One row for each entry; and of the certificates that are not over the serials, because an entry has its newest alone. Those of what
 * lives are found there, so that a renewal writes one index of serials and not two.
 */
export function entryTables({ id, text, number, options, keyed }: Types): string {
  const columns = COLUMNS.map((column) => {
    const type = column.endsWith('_ms') ? number : text;
    return `${column} ${type}${NOT_NULL.includes(column) || isAlwaysThere(column) ? ' NOT NULL' : ''}`;
  });
  const live = Object.entries(LIVE_INDEXES).map(
    ([name, column]) =>
      `CREATE INDEX ${name} ON inventory_entries (${column && `${column}, `}${ORDER}) WHERE ended_ms IS NULL;`,
  );
  return `
    CREATE TABLE inventory_entries (id ${id}, ${columns.join(', ')})${options};
    CREATE UNIQUE INDEX inventory_once ON inventory_entries (${ORDER});
    CREATE INDEX inventory_by_pod ON inventory_entries (pod_name, ${ORDER});
    CREATE INDEX inventory_by_serial ON inventory_entries (serial) WHERE ended_ms IS NOT NULL;
    CREATE INDEX inventory_by_end ON inventory_entries (ended_ms, ${ORDER}) WHERE ended_ms IS NOT NULL;
    ${live.join('\n    ')}
    CREATE TABLE inventory_certificates (serial ${text} NOT NULL, entry ${number} NOT NULL, not_after_ms ${number} NOT NULL,
      PRIMARY KEY (serial, entry))${keyed};
    CREATE INDEX inventory_certificates_by_end ON inventory_certificates (not_after_ms);`;
}

/** Of whom it was told that they are late, with which certificate. */
export function reportedTable({ text, number, keyed }: Pick<Types, 'text' | 'number' | 'keyed'>): string {
  return `
    CREATE TABLE inventory_reported (entry ${number} NOT NULL, serial ${text} NOT NULL, not_after_ms ${number} NOT NULL,
      PRIMARY KEY (entry, serial))${keyed};
    CREATE INDEX inventory_reported_by_end ON inventory_reported (not_after_ms);`;
}

/** Whoever has a UID has it of one cluster, and seldom of more than one identity. */
export const INDEX_POD_UIDS = `
    CREATE INDEX inventory_by_pod_uid ON inventory_entries (pod_uid, identity, cluster);`;

/** Where an identity was before; of what lives, `inventory_live_by_node` says it. No renewal writes it. */
export const INDEX_ENDED_BY_NODE = `
    CREATE INDEX inventory_ended_by_node ON inventory_entries (node_name, identity, cluster) WHERE ended_ms IS NOT NULL;`;

function isAlwaysThere(column: string): boolean {
  return column.endsWith('_ms') && column !== 'ended_ms';
}
