// What is asked of the journal's file by who follows it: the records after the last that it knows, in the order in which they were
// written. Synchronous, as the other questions are.
import type { StatementSync } from 'node:sqlite';
import type { ClosingRecord } from '../../../../ports/storage/closing-journal.ts';
import { CLOSING_COLUMNS, CLOSING_FIELDS, closingFrom, type ClosingValues } from '../../closing-records.ts';
import { READ_FIELDS } from '../../inventory/entry-rows.ts';
import type { ProxyNote } from '../../../../ports/storage/evidence.ts';
import { PROXY_COLUMNS, proxyFrom } from '../../readings/evidence-records.ts';
import type { Row } from '../../records.ts';
import { CLOSINGS_SINCE_VERSION } from '../file/closing-schema.ts';
import { EVIDENCE_SINCE_VERSION } from '../file/evidence-schema.ts';
import { columnOf } from '../file/journal-schema.ts';

/** As of EvidenceQueries. */
type Ask = (
  sql: (version: number) => string,
  since: number,
  ask: (statement: StatementSync) => readonly Row[],
) => readonly Row[];

/** A place in a table of the journal: a row, and what stands in it, by which another file in its place is told. */
export interface TailPlace {
  readonly id: number;
  readonly mark: string;
}

export const BEGINNING: TailPlace = { id: 0, mark: '' };
const FIRST_VERSION = 1;
const TABLES = {
  decisions: { mark: () => 'decision_id', since: FIRST_VERSION },
  closings: { mark: () => 'pod_uid', since: CLOSINGS_SINCE_VERSION },
} as const;
export type TailTable = keyof typeof TABLES;

export interface FollowedDecision {
  readonly place: TailPlace;
  /** Of `READ_FIELDS`, with `relayedPolicy` and `class`. */
  readonly row: Row;
}

/** Every method throws JournalProblem, naming the file. */
export class TailQueries {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /**
   * Whether what was read up to a place is still what the table begins with. It is not where the file is another, and where
   * retention has taken all of it: row numbers begin anew then.
   */
  holds(table: TailTable, { id, mark }: TailPlace): boolean {
    if (id === 0) return true;
    const { mark: column, since } = TABLES[table];
    const [row] = this.#ask(
      () => `SELECT max(id) AS newest, (SELECT ${column()} FROM ${table} WHERE id = ?) AS mark FROM ${table}`,
      since,
      (statement) => statement.all(id),
    );
    if (row === undefined || Number(row['newest'] ?? 0) < id) return false;
    return row['mark'] === null || row['mark'] === mark;
  }

  /** Oldest first, refusals too. */
  decisionsAfter({ id }: TailPlace, limit: number): readonly FollowedDecision[] {
    return this.#ask(selectDecisions, FIRST_VERSION, (statement) => statement.all(id, limit)).map((row) => ({
      place: { id: Number(row['id']), mark: String(row['decisionId']) },
      row,
    }));
  }

  closingsAfter(
    { id }: TailPlace,
    limit: number,
  ): readonly { readonly place: TailPlace; readonly closing: ClosingRecord }[] {
    return this.#ask(
      () => SELECT_CLOSINGS,
      CLOSINGS_SINCE_VERSION,
      (statement) => statement.all(id, limit),
    ).map((row) => {
      const closing = closingFrom(CLOSING_FIELDS.map((field) => row[field]) as unknown as ClosingValues);
      return { place: { id: Number(row['id']), mark: closing.podUid }, closing };
    });
  }

  /** @param remoteCluster empty for the own one. @param podUid empty for who has no pod. */
  proxiesOf(identity: string, remoteCluster: string, podUid: string): readonly ProxyNote[] {
    return this.#ask(
      () => SELECT_PROXIES,
      EVIDENCE_SINCE_VERSION,
      (statement) => statement.all(identity, remoteCluster, podUid),
    ).map(proxyFrom);
  }
}

function selectDecisions(version: number): string {
  const fields = READ_FIELDS.map((field) => `${columnOf(field, version)} AS ${field}`);
  const policy = columnOf('policy', version);
  const read = [
    ...fields,
    `CASE WHEN json_valid(${policy}) THEN ${policy} ->> '$.class' END AS class`,
    `CASE WHEN caller <> identity THEN ${policy} END AS relayedPolicy`,
  ];
  return `SELECT id, ${read.join(', ')} FROM decisions WHERE id > ? ORDER BY id LIMIT ?`;
}

const SELECT_CLOSINGS = `SELECT id, ${named(CLOSING_COLUMNS)} FROM closings WHERE id > ? ORDER BY id LIMIT ?`;
const SELECT_PROXIES = `SELECT ${named(PROXY_COLUMNS)} FROM proxies
  WHERE identity = ? AND remote_cluster = ? AND pod_uid = ?`;

function named(columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([field, column]) => `${column} AS "${field}"`)
    .join(', ');
}
