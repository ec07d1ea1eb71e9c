// What a SQLite journal knows as evidence of trust: identity by identity, in the order of their index.
import type { StatementSync } from 'node:sqlite';
import type { ProxyNote } from '../../../../ports/storage/evidence.ts';
import { GROUPED_BY, OF_THE_NEWEST, proxyFrom } from '../../readings/evidence-records.ts';
import type { Row } from '../../records.ts';
import {
  EVIDENCE_SINCE_VERSION,
  SELECT_BUNDLES,
  SELECT_NEXT_SUBJECT,
  SELECT_PROXIES_OF,
} from '../file/evidence-schema.ts';
import { columnOf } from '../file/journal-schema.ts';

/** Asks a statement that is made for the version of the file's schema; `since`: nothing is found in an older one. */
type Ask = (
  sql: (version: number) => string,
  since: number,
  ask: (statement: StatementSync) => readonly Row[],
) => readonly Row[];

const FIRST_VERSION = 1;

/** Every method throws JournalProblem, naming the file. */
export class EvidenceQueries {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** @returns the first subject of decisions after this one; nothing after the last. */
  nextSubject(after: string): string | undefined {
    const [row] = this.#ask(
      () => SELECT_NEXT_SUBJECT,
      FIRST_VERSION,
      (statement) => statement.all(after),
    );
    return row === undefined ? undefined : String(row['subject']);
  }

  /** What it has that is valid, in groups. */
  liveOf(subject: string, nowMs: number): readonly Row[] {
    return this.#ask(selectLive, FIRST_VERSION, (statement) => statement.all(subject, nowMs));
  }

  lastIssuedMs(beforeMs: number): number | undefined {
    const [row] = this.#ask(selectLastIssued, FIRST_VERSION, (statement) => statement.all(beforeMs));
    return row === undefined ? undefined : Number(row['timeMs']);
  }

  proxiesOf(identity: string): readonly ProxyNote[] {
    return this.#ask(
      () => SELECT_PROXIES_OF,
      EVIDENCE_SINCE_VERSION,
      (statement) => statement.all(identity),
    ).map(proxyFrom);
  }

  /** `digest` and `anchors` of each. */
  bundles(): readonly Row[] {
    return this.#ask(
      () => SELECT_BUNDLES,
      EVIDENCE_SINCE_VERSION,
      (statement) => statement.all(),
    );
  }
}

/** Parameters: SPIFFE ID, moment in ms. */
function selectLive(version: number): string {
  const keys = GROUPED_BY.map((field) => `${columnOf(field, version)} AS ${field}`);
  const newest = OF_THE_NEWEST.map((field) => `${qualified(columnOf(field, version))} AS ${field}`);
  const policy = columnOf('policy', version);
  const relayed = `CASE WHEN newest.caller <> newest.identity THEN ${qualified(policy)} END AS relayedPolicy`;
  const live = [...GROUPED_BY, 'oldestMs', 'latestEndMs'].map((field) => `live.${field} AS ${field}`);
  return `SELECT ${[...live, ...newest, relayed].join(', ')} FROM (
      SELECT ${keys.join(', ')}, max(id) AS newestId, min(time_ms) AS oldestMs, max(not_after_ms) AS latestEndMs
      FROM decisions WHERE coalesce(identity, caller) = ? AND not_after_ms > ? AND ${columnOf('api', version)} <> 'self'
      GROUP BY ${GROUPED_BY.map((_, index) => index + 1).join(', ')}) AS live
    JOIN decisions AS newest ON newest.id = live.newestId`;
}

/** Parameter: moment in ms. Refusals since are walked over in the index of times. */
function selectLastIssued(version: number): string {
  return `SELECT time_ms AS timeMs FROM decisions INDEXED BY decisions_by_time
    WHERE time_ms < ? AND outcome = 'issued' AND ${columnOf('api', version)} <> 'self' ORDER BY time_ms DESC LIMIT 1`;
}

function qualified(column: string): string {
  return column === 'NULL' ? column : `newest.${column}`;
}
