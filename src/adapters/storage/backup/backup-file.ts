// A backup is one file: an SQLite journal of the current schema, whatever store it was made of, with one row more that
// says what it is and holds the rollback state of policy bundles, and with what operators decided. So it can be listed as any journal. It has its name only
// once it is whole. It imports much because every kind of record is in it.
import { randomUUID } from 'node:crypto';
import { linkSync, openSync, closeSync, fsyncSync, existsSync, rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { ChainKind } from '../../../domain/audit/chain.ts';
import { codeOf } from '../../../domain/text/system-error.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { RollbackState } from '../../../ports/policy/policy-bundle-state.ts';
import type { KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { ChainState } from '../../../ports/audit/chain-reader.ts';
import type { EvidenceNotes } from '../../../ports/storage/evidence.ts';
import { placeValues } from '../chain-records.ts';
import { closingValues } from '../closing-records.ts';
import { chainValues, OPEN_CHAIN } from '../sqlite/file/chain-schema.ts';
import { decisionValues, operationValues } from '../records.ts';
import { KEEP_BUNDLE, KEEP_PROXY } from '../sqlite/file/evidence-schema.ts';
import { proxyValues } from '../readings/evidence-records.ts';
import { INSERT_CLOSING } from '../sqlite/file/closing-schema.ts';
import { KEEP_HEAD } from '../sqlite/file/head-schema.ts';
import { journalProblem } from '../sqlite/file/journal-problem.ts';
import {
  APPLICATION_ID,
  INDEX_REFUSALS,
  INSERT,
  INSERT_OPERATION,
  MIGRATIONS,
  SCHEMA_VERSION,
} from '../sqlite/file/journal-schema.ts';
import type { KeptIssuer } from './copied-store.ts';
import { writeLedgers, type KeptLedgers } from './kept-ledgers.ts';
import type { PlacedRecord } from './placed-records.ts';

/** Whoever loses the machine meanwhile has no file of that name, so nothing is made durable before the end. */
const QUICK = 'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF';
const BACKUP_TABLE =
  'CREATE TABLE backup (made_at_ms INTEGER NOT NULL, decisions INTEGER NOT NULL, bundle_state TEXT) STRICT';
const INDEXES = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";

const VALUES = { decision: decisionValues, operation: operationValues, closing: closingValues } as const;

export interface BackupEnd {
  readonly madeAtMs: number;
  readonly issuers: readonly KeptIssuer[];
  readonly bundleState: RollbackState | undefined;
  readonly evidence: EvidenceNotes;
  readonly ledgers: readonly KeptLedgers[];
}

/** Every method throws AuthorityError CAP-S04 or CAP-X03 naming the file. */
export class BackupFile implements Disposable {
  readonly #file: string;
  readonly #part: string;
  readonly #database: DatabaseSync;
  readonly #inserts: Readonly<Record<ChainKind, StatementSync>>;
  readonly #keepHead: StatementSync;
  readonly #indexes: readonly string[];
  readonly #counts = { decision: 0, operation: 0, closing: 0 };

  /** @throws AuthorityError CAP-X03 also when there is such a file. */
  constructor(file: string) {
    this.#file = file;
    // Its own, so that two that are made at once do not take each other's; of one that is killed it is left.
    this.#part = `${file}.${randomUUID()}.part`;
    if (existsSync(file)) throw taken(file);
    try {
      closeSync(openSync(this.#part, 'wx', 0o600));
      this.#database = new DatabaseSync(this.#part);
      this.#database.exec(`${QUICK}; BEGIN; ${MIGRATIONS.join(';')}; ${INDEX_REFUSALS}; ${BACKUP_TABLE}`);
      const indexes = this.#database.prepare(INDEXES).all();
      for (const { name } of indexes) this.#database.exec(`DROP INDEX ${String(name)}`);
      // Over rows that are there an index is made in a tenth of the time.
      this.#indexes = indexes.map(({ sql }) => String(sql));
      this.#keepHead = this.#database.prepare(KEEP_HEAD);
      this.#inserts = {
        decision: this.#database.prepare(INSERT),
        operation: this.#database.prepare(INSERT_OPERATION),
        closing: this.#database.prepare(INSERT_CLOSING),
      };
    } catch (cause) {
      throw journalProblem(this.#part, cause).toOpeningError();
    }
  }

  /** How many records of each kind were appended. */
  get counts(): Readonly<Record<ChainKind, number>> {
    return this.#counts;
  }

  /** A store that gets them back goes on with none of them. */
  keepChains(states: readonly ChainState[]): void {
    this.#writing(() => {
      const open = this.#database.prepare(OPEN_CHAIN);
      for (const state of states) open.run(...chainValues(state));
    });
  }

  /** Oldest first. */
  keepHead({ timeMs, digest, text }: KeptHead): void {
    this.#writing(() => this.#keepHead.run(timeMs, digest, text, digest));
  }

  append(kind: ChainKind, { record, place }: PlacedRecord): void {
    this.#writing(() => this.#inserts[kind].run(...VALUES[kind](record as never), ...placeValues(place)));
    this.#counts[kind] += 1;
  }

  /** Gives the file its name, durably. */
  finish({ madeAtMs, issuers, bundleState, evidence, ledgers }: BackupEnd): void {
    this.#writing(() => {
      const database = this.#database;
      const issuer = database.prepare(
        'INSERT INTO issuers (id, certificate, longest_leaf_ms, until_ms) VALUES (?, ?, ?, ?)',
      );
      for (const one of issuers) issuer.run(one.id, one.certificateDer, one.longestLeafMs, one.untilMs);
      const keepBundle = database.prepare(KEEP_BUNDLE);
      for (const { digest, anchors } of evidence.bundles) keepBundle.run(digest, JSON.stringify(anchors));
      const keepProxy = database.prepare(KEEP_PROXY);
      for (const note of evidence.proxies) keepProxy.run(...proxyValues(note));
      writeLedgers(database, ledgers);
      for (const index of this.#indexes) database.exec(index);
      const state = bundleState === undefined ? null : JSON.stringify(bundleState);
      database.prepare('INSERT INTO backup VALUES (?, ?, ?)').run(madeAtMs, this.#counts.decision, state);
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
      database.close();
      synced(this.#part);
    });
    this.#name();
  }

  /** Of what is not finished nothing is left. */
  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
    rmSync(this.#part, { force: true });
  }

  #name(): void {
    try {
      linkSync(this.#part, this.#file);
    } catch (cause) {
      if (codeOf(cause) === 'EEXIST') throw taken(this.#file);
      throw journalProblem(this.#part, cause).toOpeningError();
    }
  }

  #writing(work: () => void): void {
    try {
      work();
    } catch (cause) {
      throw journalProblem(this.#part, cause).toOpeningError();
    }
  }
}

function taken(file: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${file} is there already` });
}

function synced(file: string): void {
  const handle = openSync(file, 'r+');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
