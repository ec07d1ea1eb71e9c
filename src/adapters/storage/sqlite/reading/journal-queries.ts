// What can be asked of the journal's file, also while a server writes it. Synchronous, so that it runs in a thread of
// its own (read-worker.ts). The file is opened by the first question and, when the handle proves unusable, again by the
// next one. The identity of a query finds what that identity got and what it was refused. It imports much because it asks
// for every kind of record.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CurrentCertificate } from '../../../../domain/policy/request.ts';
import type { Ban } from '../../../../domain/revocation/ban.ts';
import type { RecordedLeaf } from '../../../../domain/revocation/revoked-leaves.ts';
import type { RevokedCertificate } from '../../../../domain/revocation/revoked-certificate.ts';
import type { ClosingQuery } from '../../../../ports/storage/closing-journal.ts';
import type { LeafNames, LeafRecord } from '../../../../ports/storage/issuance-history.ts';
import type { JournalConditions, JournalQuery } from '../../../../ports/storage/issuance-journal.ts';
import type { FormerIssuer } from '../../../../ports/storage/issuer-records.ts';
import type { StatisticsWindow } from '../../../../ports/storage/issuer-statistics.ts';
import type { LeafWindow } from '../../../../ports/storage/revoked-leaves.ts';
import type { OperationQuery, OperationRecord, RefusedIn } from '../../../../ports/storage/operation-journal.ts';
import type { IssuerCounts } from '../../readings/issuer-counts.ts';
import {
  currentCertificateFrom,
  formerIssuerFrom,
  leafRecordFrom,
  operationFrom,
  type DecisionValues,
  type Row,
} from '../../records.ts';
import type { ClosingValues } from '../../closing-records.ts';
import { CLOSINGS_SINCE_VERSION, SELECT_CLOSINGS } from '../file/closing-schema.ts';
import { openForReading, type ReadableJournal } from '../file/journal-file.ts';
import { journalProblem } from '../file/journal-problem.ts';
import {
  ISSUER_NAMES_SINCE_VERSION,
  OPERATIONS_SINCE_VERSION,
  SELECT_ISSUERS,
  selectOperations,
  selectCurrent,
  selectFrom,
  selectLeaf,
} from '../file/journal-schema.ts';
import { ChainQueries } from './chain-queries.ts';
import { HeadQueries } from './head-queries.ts';
import { countsIn, liveLeavesIn } from './issuer-counting.ts';
import {
  amongNewest,
  conditionsOf,
  HAS_MANY,
  ISSUED_BY,
  newestFirst,
  REFUSED_BEFORE_OTHERS,
  refusedIn,
  type Question,
} from './decision-questions.ts';
import { EvidenceQueries } from './evidence-queries.ts';
import { leafIn, revokedIn } from './revoked-queries.ts';
import { PodQueries } from './pod-queries.ts';
import { TailQueries } from './tail-queries.ts';

/** One answer is held in memory whole. */
export const MAX_LISTED = 100_000;

/** Every method throws JournalProblem, naming the file. */
export class JournalQueries implements Disposable {
  readonly #file: string;
  #journal: ReadableJournal | undefined;
  /** By their SQL: those that are asked for again and again. */
  readonly #prepared = new Map<string, StatementSync>();
  /** What pods were given, and which of them are closed. */
  readonly pods = new PodQueries((sql, since, ask) =>
    this.#read(({ database, version }) => (version < since ? [] : ask(this.#kept(database, sql)))),
  );
  /** What is known of who trusts which anchors. */
  readonly evidence = new EvidenceQueries((sql, since, ask) =>
    this.#read(({ database, version }) => (version < since ? [] : ask(this.#kept(database, sql(version))))),
  );

  /** The chains that records are linked in. */
  readonly chains: ChainQueries;
  /** What came after what is known. */
  readonly tail = new TailQueries((sql, since, ask) =>
    this.#read(({ database, version }) => (version < since ? [] : ask(this.#kept(database, sql(version))))),
  );
  /** What was signed of them. */
  readonly heads: HeadQueries;

  constructor(file: string) {
    this.#file = file;
    this.chains = new ChainQueries(file, (question) => this.#read(question));
    this.heads = new HeadQueries((question) => this.#read(question));
  }

  open(): void {
    this.#read(() => undefined);
  }

  currentCertificateOf(identity: string, nowMs: number): CurrentCertificate | undefined {
    const row = this.#read(({ database, version }) => {
      const newest = this.#kept(database, selectCurrent(version)).get(identity, nowMs);
      if (newest === undefined || newest['remoteCluster'] === null) return newest;
      return this.#kept(database, selectCurrent(version, { ofOwnCluster: true })).get(identity, nowMs);
    });
    return row === undefined ? undefined : currentCertificateFrom(row);
  }

  recordOf({ identity, notAfterMs, serial }: LeafNames): LeafRecord | undefined {
    const row = this.#read(({ database, version }) =>
      this.#kept(database, selectLeaf(version)).get(identity, notAfterMs, serial),
    );
    return row === undefined ? undefined : leafRecordFrom(row);
  }

  issuersAt(nowMs: number): readonly FormerIssuer[] {
    return this.#read(({ database }) => database.prepare(SELECT_ISSUERS).all(nowMs)).map(formerIssuerFrom);
  }

  liveLeavesOf(id: string, window: StatisticsWindow): Row {
    return this.#read(({ database }) => liveLeavesIn(database, id, window));
  }

  revokedBy(bans: readonly Ban[], window: LeafWindow): readonly RevokedCertificate[] {
    return this.#read((journal) => revokedIn(journal, bans, window));
  }

  leafOf(serial: string, window: LeafWindow): RecordedLeaf | undefined {
    return this.#read((journal) => leafIn(journal, serial, window));
  }

  /** A journal of before issuers had names counts none. */
  countsOf(name: string, window: StatisticsWindow): IssuerCounts {
    return this.#read(({ database, version }) =>
      version < ISSUER_NAMES_SINCE_VERSION
        ? { sinceMs: window.sinceMs, namespaces: [], revisions: [] }
        : countsIn(database, name, window),
    );
  }

  /** Newest first. */
  list(query: JournalQuery): readonly DecisionValues[] {
    const limit = Math.min(query.limit, MAX_LISTED);
    return this.#read(({ database, version }) => {
      const listed = ({ sql, values }: Question): readonly DecisionValues[] =>
        inOrder(database.prepare(`${selectFrom(version)} ${sql}`)).all(...values) as unknown as DecisionValues[];
      const { identity } = query;
      if (identity !== undefined && database.prepare(HAS_MANY).get(identity) !== undefined) {
        const found = listed(amongNewest(query, limit));
        if (found.length === limit) return found;
      }
      return listed(newestFirst(query, limit));
    });
  }

  /** Newest first, and back to when was looked. */
  refusedIn(question: RefusedIn): { readonly rows: readonly DecisionValues[]; readonly sinceMs: number } {
    const { sql, values } = refusedIn(question);
    return this.#read(({ database, version }) => {
      const { sinceMs, among } = question;
      const last = database.prepare(REFUSED_BEFORE_OTHERS).get(sinceMs, 1, among - 1);
      const statement = inOrder(database.prepare(`${selectFrom(version)} ${sql}`));
      return {
        rows: statement.all(...values) as unknown as DecisionValues[],
        sinceMs: Number(last?.['timeMs'] ?? sinceMs),
      };
    });
  }

  issuedBy(decisionIds: readonly string[]): readonly DecisionValues[] {
    return this.#read(({ database, version }) => {
      const statement = inOrder(this.#kept(database, `${selectFrom(version)} ${ISSUED_BY}`));
      return statement.all(JSON.stringify(decisionIds)) as unknown as DecisionValues[];
    });
  }

  count(conditions: JournalConditions): number {
    const { sql, values } = conditionsOf(conditions);
    const row = this.#read(({ database }) =>
      database.prepare(`SELECT count(*) AS count FROM decisions ${sql}`).get(...values),
    );
    return Number(row?.['count']);
  }

  /** Oldest first. What is appended meanwhile is not seen, also by other questions on the same object. */
  *scan(conditions: JournalConditions): Generator<DecisionValues, void, undefined> {
    const { sql, values } = conditionsOf(conditions);
    const rows = this.#read(({ database, version }) =>
      inOrder(database.prepare(`${selectFrom(version)} ${sql} ORDER BY time_ms, id`)).iterate(...values),
    );
    yield* this.#each(rows as Iterable<unknown> as Iterable<DecisionValues>);
  }

  /** Oldest first; as `scan`. */
  *scanClosings(): Generator<ClosingValues, void, undefined> {
    const rows = this.#read(({ database, version }) =>
      version < CLOSINGS_SINCE_VERSION
        ? []
        : inOrder(database.prepare(`${SELECT_CLOSINGS} ORDER BY time_ms, id`)).iterate(),
    );
    yield* this.#each(rows as Iterable<unknown> as Iterable<ClosingValues>);
  }

  /** Newest first. */
  closings({ identity, sinceMs = 0, limit }: ClosingQuery): readonly ClosingValues[] {
    const [condition, values] = identity === undefined ? ['', []] : ['AND identity = ?', [identity]];
    const sql = `${SELECT_CLOSINGS} WHERE time_ms >= ? ${condition} ORDER BY time_ms DESC, id DESC LIMIT ?`;
    return this.#read(({ database, version }) => {
      if (version < CLOSINGS_SINCE_VERSION) return [];
      const rows = inOrder(database.prepare(sql)).all(sinceMs, ...values, Math.min(limit, MAX_LISTED));
      return rows as unknown as ClosingValues[];
    });
  }

  operations({ sinceMs = 0, limit }: OperationQuery): readonly OperationRecord[] {
    return this.#read(({ database, version }) => {
      if (version < OPERATIONS_SINCE_VERSION) return [];
      return database.prepare(selectOperations(version)).all(sinceMs, Math.min(limit, MAX_LISTED)).map(operationFrom);
    });
  }

  [Symbol.dispose](): void {
    this.#prepared.clear();
    this.#journal?.database.close();
    this.#journal = undefined;
  }

  #kept(database: DatabaseSync, sql: string): StatementSync {
    const statement = this.#prepared.get(sql) ?? database.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  *#each<T>(rows: Iterable<T>): Generator<T, void, undefined> {
    try {
      yield* rows;
    } catch (cause) {
      throw journalProblem(this.#file, cause);
    }
  }

  #read<T>(question: (journal: ReadableJournal) => T): T {
    try {
      return question((this.#journal ??= openForReading(this.#file)));
    } catch (cause) {
      this[Symbol.dispose]();
      throw journalProblem(this.#file, cause);
    }
  }
}

/** Rows as arrays. */
function inOrder(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}
