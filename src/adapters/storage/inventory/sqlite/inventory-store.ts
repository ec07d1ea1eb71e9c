// The inventory of a store of SQLite journals: what is taken in of them, and what is asked of it. Synchronous, for a thread of its own.
// It imports much because it answers every kind of question about the inventory.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { EXPIRED, type InventoryEntry } from '../../../../domain/inventory/entry.ts';
import { placeOf } from '../../../../domain/inventory/question.ts';
import type {
  EndsQuestion,
  InventoryPage,
  InventoryProgress,
  InventoryQuestion,
  OverdueFound,
  OverdueQuestion,
} from '../../../../ports/inventory/inventory.ts';
import type { Row } from '../../records.ts';
import { journalsOf } from '../../slots/journal-slots.ts';
import { JournalQueries } from '../../sqlite/reading/journal-queries.ts';
import { BEGINNING, type TailPlace, type TailTable } from '../../sqlite/reading/tail-queries.ts';
import { acknowledgedIn } from '../acknowledged.ts';
import { endsFrom, endsQuestion } from '../entry-ends.ts';
import { overdueQuestions, pageQuestion, type EntryQuestion } from '../entry-questions.ts';
import { endedEntryOf, entriesOf, ENTRY_FIELDS, entryFrom, type EntryRow, type EntrySettings } from '../entry-rows.ts';
import { endEntry, PARAMETERS, RENEW, renewedValues, upsertEntry } from '../entry-statements.ts';
import { openInventory, removeInventory } from './inventory-file.ts';

export interface InventorySettings extends EntrySettings {
  /** The store's. */
  readonly file: string;
  /** The inventory's. */
  readonly inventory: string;
  /** What ended is kept as long as its records. */
  readonly retentionMs: number;
}

/** Records of one commit: some tens of milliseconds, for which a page may have to wait. */
const BATCH = 500;

const UPSERT = upsertEntry(PARAMETERS);
const END = endEntry(PARAMETERS);
const KEEP_CERTIFICATE = keepingSerial('inventory_certificates');
const KEEP_REPORTED = keepingSerial('inventory_reported');
const KEEP_PLACE = `INSERT INTO places (journal, source, id, mark) VALUES (?, ?, ?, ?)
  ON CONFLICT (journal, source) DO UPDATE SET id = excluded.id, mark = excluded.mark`;
const SELECT_PLACE = 'SELECT id, mark FROM places WHERE journal = ? AND source = ?';
const KEEP_PROGRESS = `INSERT INTO progress (one, as_of_ms) VALUES (1, ?)
  ON CONFLICT (one) DO UPDATE SET as_of_ms = excluded.as_of_ms`;
const SELECT_PROGRESS = 'SELECT as_of_ms AS asOfMs FROM progress';
/** Parameters: moment, how many at most. */
const EXPIRE = `UPDATE inventory_entries SET ended_ms = not_after_ms, end_reason = '${EXPIRED}' WHERE id IN
  (SELECT id FROM inventory_entries INDEXED BY inventory_live_by_end WHERE ended_ms IS NULL AND not_after_ms <= ? LIMIT ?)`;
const FORGET_CERTIFICATES = `DELETE FROM inventory_certificates WHERE (serial, entry) IN
  (SELECT serial, entry FROM inventory_certificates WHERE not_after_ms <= ? LIMIT ?)`;
const FORGET_ENDED = `DELETE FROM inventory_entries WHERE id IN
  (SELECT id FROM inventory_entries INDEXED BY inventory_by_end WHERE ended_ms IS NOT NULL AND ended_ms < ? LIMIT ?)`;
const FORGET_REPORTED = `DELETE FROM inventory_reported WHERE (entry, serial) IN
  (SELECT entry, serial FROM inventory_reported WHERE not_after_ms < ? LIMIT ?)`;
const naming = (index: string): string => ` INDEXED BY ${index}`;

/** Every method throws what SQLite does, or a JournalProblem. */
export class InventoryStore implements Disposable {
  readonly #settings: InventorySettings;
  readonly #journals = new Map<string, JournalQueries>();
  readonly #prepared = new Map<string, StatementSync>();
  #database: DatabaseSync | undefined;

  constructor(settings: InventorySettings) {
    this.#settings = settings;
  }

  /** Takes in batches until all is in it, or `untilMs` of the monotonic clock. */
  follow({ nowMs }: { readonly nowMs: number }, isOver: () => boolean): InventoryProgress {
    let lastMs = this.#asOfMs() ?? 0;
    for (;;) {
      const batch = this.#inOneCommit(() => this.#takeIn(nowMs));
      lastMs = Math.max(lastMs, batch.lastMs ?? 0);
      if (batch.isCurrent) {
        this.#run(KEEP_PROGRESS, nowMs);
        return { isCurrent: true, asOfMs: nowMs };
      }
      if (isOver()) return { isCurrent: false, asOfMs: lastMs };
    }
  }

  page(question: InventoryQuestion): InventoryPage {
    const { order, page, lookedThrough } = pageQuestion(question, naming);
    const entries = this.#ask(page).map(entryFrom);
    const last = entries.length < question.limit ? this.#ask(lookedThrough).map(entryFrom)[0] : entries.at(-1);
    const asOfMs = this.#asOfMs();
    return {
      entries: entries.map((entry) => this.#acknowledged(entry)),
      ...(last !== undefined && { next: placeOf(last, order) }),
      ...(asOfMs !== undefined && { asOfMs }),
    };
  }

  endsIn(question: EndsQuestion): readonly number[] {
    return endsFrom(this.#ask(endsQuestion(question, naming)), question);
  }

  overdue(question: OverdueQuestion): OverdueFound {
    const { living, ranOut, count } = overdueQuestions(question, naming);
    const rows = [...this.#ask(living), ...(ranOut === undefined ? [] : this.#ask(ranOut))];
    const [counted] = this.#ask(count);
    return { entries: rows.slice(0, question.limit).map(entryFrom), count: Number(counted?.['count']) };
  }

  reportedOverdue(entries: readonly InventoryEntry[]): void {
    this.#inOneCommit(() => {
      for (const { serial, notAfterMs, identity, cluster, podUid = '' } of entries) {
        this.#run(KEEP_REPORTED, serial, notAfterMs, identity, cluster, podUid);
      }
    });
  }

  /** What was taken in is of no use: it is made again. */
  startAnew(): void {
    this[Symbol.dispose]();
    removeInventory(this.#settings.inventory);
  }

  [Symbol.dispose](): void {
    for (const journal of this.#journals.values()) journal[Symbol.dispose]();
    this.#journals.clear();
    this.#prepared.clear();
    this.#database?.close();
    this.#database = undefined;
  }

  /** @returns with `lastMs`, when the last decision that was taken in was made. */
  #takeIn(nowMs: number): { readonly isCurrent: boolean; readonly lastMs?: number } {
    // A closing is read after the decisions of its pod: those that come later find that it has ended.
    for (const [file, journal] of this.#eachJournal()) {
      const place = this.#placeOf(file, journal, 'decisions');
      const decisions = journal.tail.decisionsAfter(place, BATCH);
      for (const { row } of decisions) if (row['outcome'] === 'issued') this.#issued(row, nowMs);
      const last = decisions.at(-1);
      if (last === undefined) continue;
      this.#run(KEEP_PLACE, file, 'decisions', last.place.id, last.place.mark);
      if (decisions.length === BATCH) return { isCurrent: false, lastMs: Number(last.row['timeMs']) };
    }
    for (const [file, journal] of this.#eachJournal()) {
      const closings = journal.tail.closingsAfter(this.#placeOf(file, journal, 'closings'), BATCH);
      for (const { closing } of closings) this.#run(END, ...valuesOf(endedEntryOf(closing)));
      const last = closings.at(-1);
      if (last === undefined) continue;
      this.#run(KEEP_PLACE, file, 'closings', last.place.id, last.place.mark);
      if (closings.length === BATCH) return { isCurrent: false };
    }
    return { isCurrent: this.#forget(nowMs) };
  }

  #issued(row: Row, nowMs: number): void {
    for (const entry of entriesOf(row, this.#settings, nowMs)) {
      const renewed = entry.endedMs === null ? this.#run(RENEW, ...renewedValues(entry)) : 0;
      if (renewed === 0) this.#run(UPSERT, ...valuesOf(entry));
      const { serial, notAfterMs, identity, cluster, podUid } = entry;
      if (Number(notAfterMs) > nowMs) this.#run(KEEP_CERTIFICATE, serial, notAfterMs, identity, cluster, podUid);
    }
  }

  /** What is over by now. @returns whether that was all. */
  #forget(nowMs: number): boolean {
    const done = [
      this.#run(EXPIRE, nowMs, BATCH),
      this.#run(FORGET_CERTIFICATES, nowMs, BATCH),
      this.#run(FORGET_ENDED, nowMs - this.#settings.retentionMs, BATCH),
      this.#run(FORGET_REPORTED, nowMs - this.#settings.retentionMs, BATCH),
    ];
    return done.every((changed) => changed < BATCH);
  }

  #placeOf(file: string, journal: JournalQueries, table: TailTable): TailPlace {
    const row = this.#statement(SELECT_PLACE).get(file, table);
    const place = row === undefined ? BEGINNING : { id: Number(row['id']), mark: String(row['mark']) };
    return journal.tail.holds(table, place) ? place : BEGINNING;
  }

  #acknowledged(entry: InventoryEntry): InventoryEntry {
    const { identity, cluster, podUid = '' } = entry;
    const remote = cluster === this.#settings.cluster ? '' : cluster;
    const notes = [...this.#eachJournal()].flatMap(([, { tail }]) => tail.proxiesOf(identity, remote, podUid));
    const acknowledged = acknowledgedIn(notes);
    return acknowledged === undefined ? entry : { ...entry, acknowledged };
  }

  /** Slots may come while this runs, and a store whose files were away looks for that moment like one of another shape. */
  #eachJournal(): ReadonlyMap<string, JournalQueries> {
    const files = journalsOf(this.#settings.file);
    for (const [file, journal] of this.#journals) {
      if (files.includes(file)) continue;
      journal[Symbol.dispose]();
      this.#journals.delete(file);
    }
    for (const file of files) {
      if (!this.#journals.has(file)) this.#journals.set(file, new JournalQueries(file));
    }
    return this.#journals;
  }

  #asOfMs(): number | undefined {
    const asOfMs = this.#statement(SELECT_PROGRESS).get()?.['asOfMs'] ?? undefined;
    return asOfMs === undefined ? undefined : Number(asOfMs);
  }

  #ask({ sql, values }: EntryQuestion): readonly Row[] {
    // Not kept: there are as many as there are ways to ask.
    return this.#open()
      .prepare(sql)
      .all(...values);
  }

  #run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #inOneCommit<T>(work: () => T): T {
    const database = this.#open();
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (cause) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw cause;
    }
  }

  #open(): DatabaseSync {
    return (this.#database ??= openInventory(this.#settings.inventory));
  }

  #statement(sql: string): StatementSync {
    const statement = this.#prepared.get(sql) ?? this.#open().prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}

/** Of an entry, by its key. */
function keepingSerial(table: string): string {
  return `INSERT INTO ${table} (serial, entry, not_after_ms)
    SELECT ?, id, ? FROM inventory_entries WHERE identity = ? AND cluster = ? AND pod_uid = ? ON CONFLICT DO NOTHING`;
}

function valuesOf(entry: EntryRow): readonly (string | number | null)[] {
  return ENTRY_FIELDS.map((field) => entry[field]);
}
