// What the journal's own thread does, synchronously: one transaction per batch. The file is opened
// by the first request and, when a handle proves unusable, again by the next one. It imports much because it writes every kind
// of record.
import { hostname } from 'node:os';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { KeptHead } from '../../../../ports/audit/audit-heads.ts';
import type { ChainKind } from '../../../../domain/audit/chain.ts';
import type { ChainState } from '../../../../ports/audit/chain-reader.ts';
import type { ClosingRecord, FollowedUntil } from '../../../../ports/storage/closing-journal.ts';
import type { DecisionRecord } from '../../../../ports/storage/issuance-journal.ts';
import type { EvidenceNotes } from '../../../../ports/storage/evidence.ts';
import type { RecordedIssuer } from '../../../../ports/storage/issuer-records.ts';
import type { OperationRecord } from '../../../../ports/storage/operation-journal.ts';
import { asStored, placeValues, type ChainPlace } from '../../chain-records.ts';
import { closingValues } from '../../closing-records.ts';
import { proxyValues } from '../../readings/evidence-records.ts';
import { decisionValues, operationValues } from '../../records.ts';
import { INSERT_CLOSING, KEEP_FOLLOWED } from '../file/closing-schema.ts';
import { DELETE_PROXIES_BEFORE, KEEP_BUNDLE, KEEP_PROXY } from '../file/evidence-schema.ts';
import { DELETE_HEADS_BEFORE, KEEP_HEAD } from '../file/head-schema.ts';
import { chainValues, MERGE_CHAIN } from '../file/chain-schema.ts';
import { openForWriting } from '../file/journal-file.ts';
import { demandSameFile, JournalPlace } from '../file/journal-place.ts';
import { journalProblem } from '../file/journal-problem.ts';
import {
  FORGET_ISSUERS,
  INSERT,
  INSERT_OPERATION,
  KEEP_ISSUER,
  MERGE_ISSUER,
  RETIRE_ISSUERS,
} from '../file/journal-schema.ts';
import { pragma } from '../file/sqlite-file.ts';
import { FileChains } from './file-chains.ts';
import { removeOld } from './file-retention.ts';

export interface WriterSettings {
  readonly file: string;
  /** Who opens chains of records, as operators call it; the machine where nothing else is said. */
  readonly server?: string;
  /** As if the disk ended after so many pages of 4 KiB; for tests. */
  readonly maxPages?: number;
  /** Device and inode of the journal, when it was open before; empty otherwise. */
  readonly inode?: string;
}

/** An issuer as another journal remembers it. */
interface MergedIssuer extends Pick<RecordedIssuer, 'id' | 'certificateDer' | 'longestLeafMs'> {
  readonly untilMs: number;
}

/** A record of the kind that it is restored as. */
interface RestoredRecord {
  readonly record: DecisionRecord | OperationRecord | ClosingRecord;
  readonly place?: ChainPlace;
}

const INSERTS = { decision: INSERT, operation: INSERT_OPERATION, closing: INSERT_CLOSING } as const;
const VALUES = { decision: decisionValues, operation: operationValues, closing: closingValues } as const;

interface OpenJournal {
  readonly database: DatabaseSync;
  readonly place: JournalPlace;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly insert: StatementSync;
  readonly chains: FileChains;
}

/** SQLite's own measure for a checkpoint, which we make ourselves. */
const CHECKPOINT_PAGES = 1_000;
/** As measured on a journal of 60,000 records: a lone one writes six pages, 8 at once write 30, 64 write 200. */
const PAGES_PER_COMMIT = 3;
const PAGES_PER_ROW = 3;

/** Every method throws JournalProblem when the file or its place does not let it. */
export class JournalWriter {
  readonly #settings: WriterSettings;
  #journal: OpenJournal | undefined;
  #inode: string;
  /** Written since the last checkpoint, about. */
  #pages = 0;

  constructor(settings: WriterSettings) {
    this.#settings = settings;
    this.#inode = settings.inode ?? '';
  }

  /** @param options.known whether there was a journal before: then a missing or empty file is a loss. */
  open({ known }: { readonly known: boolean } = { known: false }): void {
    this.#opened(known);
  }

  /** Device and inode of what is or was open; empty when nothing was. */
  get inode(): string {
    return this.#inode;
  }

  /** Returns when the files are the ones that were opened, as they were left. */
  look(): void {
    this.#opened().place.check();
  }

  /** Returns once all records are durable; when it throws, none is. */
  append(records: readonly DecisionRecord[]): void {
    this.#transaction(records.length, ({ insert, chains }) => {
      const places = chains.places('decision', records);
      for (const [index, record] of records.entries()) {
        insert.run(...decisionValues(record), ...placeValues(places[index]));
      }
    });
  }

  /** Chains of another store, which this one does not go on with. */
  mergeChains(states: readonly ChainState[]): void {
    this.#transaction(states.length, ({ database }) => {
      const merge = database.prepare(MERGE_CHAIN);
      for (const state of states) merge.run(...chainValues(state));
    });
  }

  /** Records of another store in their places there. Returns once all are durable; when it throws, none is. */
  restore(kind: ChainKind, records: readonly RestoredRecord[]): void {
    this.#transaction(records.length, ({ database }) => {
      const insert = database.prepare(INSERTS[kind]);
      for (const { record, place } of records) insert.run(...VALUES[kind](record as never), ...placeValues(place));
    });
  }

  /** Returns when the file and its disk take a write: the schema's version, as it is, is one; it may be a newer Capstan's. */
  probe(): void {
    this.#transaction(1, ({ database }) => database.exec(`PRAGMA user_version = ${pragma(database, 'user_version')}`));
  }

  /**
   * Removes at most `limit` of the records of each kind older than `beforeMs`.
   * @param nowMs what is of later is of a clock that was wrong.
   * @returns of how many of the kind it removed most of.
   */
  deleteBefore(beforeMs: number, limit: number, nowMs: number): number {
    return this.#transaction(limit, ({ database }) => {
      const removed = (['decision', 'closing'] as const).map((kind) =>
        removeOld(database, kind, { beforeMs, nowMs }, limit),
      );
      const proxies = database.prepare(DELETE_PROXIES_BEFORE).run(beforeMs, limit).changes;
      const heads = database.prepare(DELETE_HEADS_BEFORE).run(beforeMs, limit).changes;
      return Math.max(...removed, Number(proxies), Number(heads));
    });
  }

  /** Returns once they are durable; one that is there already is left. Rare beside decisions, so nothing is prepared for it. */
  recordClosings(closings: readonly ClosingRecord[], followed: FollowedUntil | undefined): void {
    this.#transaction(closings.length, ({ database, chains }) => {
      const insert = database.prepare(INSERT_CLOSING);
      for (const closing of closings) {
        const [place] = chains.places('closing', [asStored(closing)]);
        // One that is there already is no link: the next takes its place.
        insert.run(...closingValues(closing), ...placeValues(place));
      }
      if (followed === undefined) return;
      database.prepare(KEEP_FOLLOWED).run(followed.remoteCluster ?? '', Math.floor(followed.untilMs));
    });
  }

  /** Returns once they are durable; what is known of a proxy and newer stays. */
  recordEvidence({ bundles, proxies }: EvidenceNotes): void {
    this.#transaction(bundles.length + proxies.length, ({ database }) => {
      const keepBundle = database.prepare(KEEP_BUNDLE);
      for (const { digest, anchors } of bundles) keepBundle.run(digest, JSON.stringify(anchors));
      const keepProxy = database.prepare(KEEP_PROXY);
      for (const note of proxies) keepProxy.run(...proxyValues(note));
    });
  }

  /** Once for each start and each change of issuer, so nothing is prepared for it. */
  keepIssuers(issuers: readonly RecordedIssuer[], nowMs: number): void {
    this.#transaction(issuers.length, ({ database }) => {
      const keep = database.prepare(KEEP_ISSUER);
      for (const { id, certificateDer, longestLeafMs, notAfterMs } of issuers) {
        keep.run(id, certificateDer, longestLeafMs, notAfterMs);
      }
      database.prepare(RETIRE_ISSUERS).run(nowMs, JSON.stringify(issuers.map(({ id }) => id)));
      database.prepare(FORGET_ISSUERS).run(nowMs);
    });
  }

  /** Of what two journals know of an issuer the longer memory counts. */
  mergeIssuers(issuers: readonly MergedIssuer[]): void {
    this.#transaction(issuers.length, ({ database }) => {
      const merge = database.prepare(MERGE_ISSUER);
      for (const { id, certificateDer, longestLeafMs, untilMs } of issuers) {
        merge.run(id, certificateDer, longestLeafMs, untilMs);
      }
    });
  }

  /**
   * Returns once it is durable. Operations are rare, so all files are looked at before it too: one that could not be
   * recorded, and so was not done, is not found in a file that comes back.
   */
  recordOperation(operation: OperationRecord): void {
    this.look();
    this.#transaction(1, ({ database, chains }) => {
      const [place] = chains.places('operation', [operation]);
      database.prepare(INSERT_OPERATION).run(...operationValues(operation), ...placeValues(place));
    });
  }

  /** Returns once it is durable. */
  keepHeads(heads: readonly KeptHead[]): void {
    this.#transaction(heads.length, ({ database }) => {
      const keep = database.prepare(KEEP_HEAD);
      for (const { timeMs, digest, text } of heads) keep.run(timeMs, digest, text, digest);
    });
  }

  close(): void {
    this.#journal?.database.close();
    this.#journal = undefined;
  }

  /** A handle that is opened again must find the same file. */
  #opened(known = false): OpenJournal {
    if (this.#journal !== undefined) return this.#journal;
    if (this.#inode !== '') demandSameFile(this.#settings.file, this.#inode);
    this.#journal = openJournal(this.#settings, known || this.#inode !== '');
    this.#inode = this.#journal.place.inode;
    return this.#journal;
  }

  /** @param rows how many are written, as far as that is known. */
  #transaction<T>(rows: number, work: (journal: OpenJournal) => T): T {
    const journal = this.#opened();
    const { place, begin, commit } = journal;
    place.checkWal();
    try {
      begin.run();
      const result = work(journal);
      commit.run();
      place.noteCommit();
      this.#checkpointWhenDue(journal, rows);
      return result;
    } catch (cause) {
      this.#abandon(journal);
      throw journalProblem(this.#settings.file, cause);
    }
  }

  /**
   * Apart from the commits, so that a main file which changes during a commit was changed by another program. One that fails, as
   * behind a long read, is tried again after the next commit: the records are durable without it.
   */
  #checkpointWhenDue({ database, place }: OpenJournal, rows: number): void {
    this.#pages += PAGES_PER_COMMIT + PAGES_PER_ROW * rows;
    if (this.#pages < CHECKPOINT_PAGES) return;
    const row = onlyTried(() => database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get());
    if (row !== undefined && row['log'] === row['checkpointed']) this.#pages = 0;
    place.noteCheckpoint();
  }

  /** Nothing of a failed batch may stay; a handle that cannot even roll back is not used again. */
  #abandon({ database, place }: OpenJournal): void {
    try {
      if (database.isTransaction) database.exec('ROLLBACK');
    } catch {
      this.close();
      return;
    }
    try {
      place.noteCommit();
    } catch {
      // The files are not ours any more, and the next request fails by it. The handle stays, so that they can be put back.
    }
  }
}

function openJournal({ file, maxPages, server }: WriterSettings, known: boolean): OpenJournal {
  const database = openForWriting(file, known);
  database.exec('PRAGMA wal_autocheckpoint = 0');
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`);
  return {
    database,
    place: new JournalPlace(file),
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    insert: database.prepare(INSERT),
    chains: new FileChains(database, server ?? hostname()),
  };
}

function onlyTried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
