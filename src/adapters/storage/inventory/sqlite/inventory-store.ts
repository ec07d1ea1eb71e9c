// The inventory of a store of SQLite journals as whoever keeps it has it: what is taken in of the journals, and who is late.
// Synchronous, for a thread of its own; pages are read in another (inventory-pages.ts).
import type { SQLInputValue } from 'node:sqlite';
import { EXPIRED, type InventoryEntry } from '../../../../domain/inventory/entry.ts';
import type {
  InventoryProgress,
  NewPairsFound,
  NewPairsQuestion,
  OverdueFound,
  OverdueQuestion,
} from '../../../../ports/inventory/inventory.ts';
import type { Row } from '../../records.ts';
import type { JournalQueries } from '../../sqlite/reading/journal-queries.ts';
import { BEGINNING, type TailPlace, type TailTable } from '../../sqlite/reading/tail-queries.ts';
import { overdueQuestions, type EntryQuestion } from '../entry-questions.ts';
import { endedEntryOf, entriesOf, ENTRY_FIELDS, entryFrom, type EntryRow, type EntrySettings } from '../entry-rows.ts';
import { endEntry, PARAMETERS, RENEW, renewedValues, upsertEntry } from '../entry-statements.ts';
import { pairQuestions } from '../pair-questions.ts';
import { FollowedJournals } from './followed-journals.ts';
import { NAMING, openInventory, removeInventory, SELECT_PROGRESS } from './inventory-file.ts';
import { InventoryHandle } from './inventory-handle.ts';

export interface InventorySettings extends EntrySettings {
  /** The store's. */
  readonly file: string;
  /** The inventory's. */
  readonly inventory: string;
  /** What ended is kept as long as its records. */
  readonly retentionMs: number;
}

/** Records of one commit: the more, the less often a page of the file is written. It takes a tenth of a second. */
const BATCH = 2_000;

const UPSERT = upsertEntry(PARAMETERS);
const END = endEntry(PARAMETERS);
const KEEP_CERTIFICATE = keepingSerial('inventory_certificates');
const KEEP_REPORTED = keepingSerial('inventory_reported');
const KEEP_PLACE = `INSERT INTO places (journal, source, id, mark) VALUES (?, ?, ?, ?)
  ON CONFLICT (journal, source) DO UPDATE SET id = excluded.id, mark = excluded.mark`;
const SELECT_PLACE = 'SELECT id, mark FROM places WHERE journal = ? AND source = ?';
const KEEP_PROGRESS = `INSERT INTO progress (one, as_of_ms) VALUES (1, ?)
  ON CONFLICT (one) DO UPDATE SET as_of_ms = excluded.as_of_ms`;
/** Parameters: moment, how many at most. */
const EXPIRE = `UPDATE inventory_entries SET ended_ms = not_after_ms, end_reason = '${EXPIRED}' WHERE id IN
  (SELECT id FROM inventory_entries INDEXED BY inventory_live_by_end WHERE ended_ms IS NULL AND not_after_ms <= ? LIMIT ?)`;
const FORGET_CERTIFICATES = `DELETE FROM inventory_certificates WHERE (serial, entry) IN
  (SELECT serial, entry FROM inventory_certificates WHERE not_after_ms <= ? LIMIT ?)`;
const FORGET_ENDED = `DELETE FROM inventory_entries WHERE id IN
  (SELECT id FROM inventory_entries INDEXED BY inventory_by_end WHERE ended_ms IS NOT NULL AND ended_ms < ? LIMIT ?)`;
const FORGET_REPORTED = `DELETE FROM inventory_reported WHERE (entry, serial) IN
  (SELECT entry, serial FROM inventory_reported WHERE not_after_ms < ? LIMIT ?)`;

/** Every method throws what SQLite does, or a JournalProblem. */
export class InventoryStore implements Disposable {
  readonly #settings: InventorySettings;
  readonly #journals: FollowedJournals;
  readonly #inventory: InventoryHandle;

  constructor(settings: InventorySettings) {
    this.#settings = settings;
    this.#journals = new FollowedJournals(settings.file);
    this.#inventory = new InventoryHandle(settings.inventory, openInventory);
  }

  /** Takes in batches until all is in it, or `untilMs` of the monotonic clock. */
  follow({ nowMs }: { readonly nowMs: number }, isOver: () => boolean): InventoryProgress {
    // Whoever took the store away has taken the inventory along: no second one is begun without it.
    for (const journal of this.#journals.each().values()) journal.open();
    this.#inventory.current();
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

  overdue(question: OverdueQuestion): OverdueFound {
    const { living, ranOut, count } = overdueQuestions(question, NAMING);
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

  newPairs(question: NewPairsQuestion): NewPairsFound {
    const { pairs, upTo, newest } = pairQuestions(question, NAMING);
    const entries = pairs === undefined ? [] : this.#ask(pairs).map(entryFrom);
    return { entries, upTo: Number(this.#ask(upTo)[0]?.['upTo'] ?? this.#ask(newest)[0]?.['upTo'] ?? 0) };
  }

  /** What was taken in is of no use: it is made again. */
  startAnew(): void {
    this[Symbol.dispose]();
    removeInventory(this.#settings.inventory);
  }

  [Symbol.dispose](): void {
    this.#journals[Symbol.dispose]();
    this.#inventory[Symbol.dispose]();
  }

  /** @returns with `lastMs`, when the last decision that was taken in was made. */
  #takeIn(nowMs: number): { readonly isCurrent: boolean; readonly lastMs?: number } {
    // A closing is read after the decisions of its pod: those that come later find that it has ended.
    for (const [file, journal] of this.#journals.each()) {
      const place = this.#placeOf(file, journal, 'decisions');
      const decisions = journal.tail.decisionsAfter(place, BATCH);
      for (const { row } of decisions) if (row['outcome'] === 'issued') this.#issued(row, nowMs);
      const last = decisions.at(-1);
      if (last === undefined) continue;
      this.#run(KEEP_PLACE, file, 'decisions', last.place.id, last.place.mark);
      if (decisions.length === BATCH) return { isCurrent: false, lastMs: Number(last.row['timeMs']) };
    }
    for (const [file, journal] of this.#journals.each()) {
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
    const row = this.#inventory.statement(SELECT_PLACE).get(file, table);
    const place = row === undefined ? BEGINNING : { id: Number(row['id']), mark: String(row['mark']) };
    return journal.tail.holds(table, place) ? place : BEGINNING;
  }

  #asOfMs(): number | undefined {
    const asOfMs = this.#inventory.statement(SELECT_PROGRESS).get()?.['asOfMs'] ?? undefined;
    return asOfMs === undefined ? undefined : Number(asOfMs);
  }

  #ask({ sql, values }: EntryQuestion): readonly Row[] {
    // Not kept prepared: it is another one with each interruption.
    return this.#inventory
      .database()
      .prepare(sql)
      .all(...values);
  }

  #run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#inventory.statement(sql).run(...values).changes);
  }

  #inOneCommit<T>(work: () => T): T {
    const database = this.#inventory.database();
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
}

/** Of an entry, by its key. */
function keepingSerial(table: string): string {
  return `INSERT INTO ${table} (serial, entry, not_after_ms)
    SELECT ?, id, ? FROM inventory_entries WHERE identity = ? AND cluster = ? AND pod_uid = ? ON CONFLICT DO NOTHING`;
}

function valuesOf(entry: EntryRow): readonly (string | number | null)[] {
  return ENTRY_FIELDS.map((field) => entry[field]);
}
