// What is asked of the inventory of SQLite journals. Synchronous, for a thread of its own: who looks does not wait for what is taken in,
// nor for processors that issuing needs (keeping-worker.ts).
import type { DatabaseSync } from 'node:sqlite';
import type { InventoryEntry } from '../../../../domain/inventory/entry.ts';
import { placeOf } from '../../../../domain/inventory/question.ts';
import type { EndsQuestion, InventoryPage, InventoryQuestion } from '../../../../ports/inventory/inventory.ts';
import type { Row } from '../../records.ts';
import { acknowledgedIn } from '../acknowledged.ts';
import { endOfPart, endsFrom, endsQuestion, type EndsPart } from '../entry-ends.ts';
import { pageQuestion, type EntryQuestion } from '../entry-questions.ts';
import { entryFrom } from '../entry-rows.ts';
import { FollowedJournals } from './followed-journals.ts';
import { NAMING, openToRead, removeInventory, SELECT_PROGRESS } from './inventory-file.ts';
import { InventoryHandle } from './inventory-handle.ts';
import type { InventorySettings } from './inventory-store.ts';

/** Every method throws what SQLite does, or a JournalProblem. */
export class InventoryPages implements Disposable {
  readonly #settings: InventorySettings;
  readonly #journals: FollowedJournals;
  readonly #inventory: InventoryHandle;

  constructor(settings: InventorySettings) {
    this.#settings = settings;
    this.#journals = new FollowedJournals(settings.file);
    this.#inventory = new InventoryHandle(settings.inventory, openToRead);
  }

  /** Of one moment, and of nobody while there is no inventory yet. */
  page(question: InventoryQuestion): InventoryPage {
    const { order, page, lookedThrough } = pageQuestion(question, NAMING);
    const found = this.#atOneMoment((database) => {
      const entries = asked(database, page).map(entryFrom);
      const last = entries.length < question.limit ? asked(database, lookedThrough).map(entryFrom)[0] : entries.at(-1);
      return { entries, last, asOfMs: this.#inventory.statement(SELECT_PROGRESS).get()?.['asOfMs'] ?? undefined };
    });
    if (found === undefined) return { entries: [] };
    const { entries, last, asOfMs } = found;
    return {
      entries: question.acknowledged === false ? entries : this.#acknowledged(entries),
      ...(last !== undefined && { next: placeOf(last, order) }),
      ...(asOfMs !== undefined && { asOfMs: Number(asOfMs) }),
    };
  }

  /** Of those who end first, so many that nobody waits for it. */
  endsIn(question: EndsQuestion): EndsPart {
    const found = this.#atOneMoment((database) => {
      const [last] = asked(database, endOfPart(question, NAMING));
      const upToMs = last === undefined ? undefined : Number(last['upToMs']);
      return { rows: asked(database, endsQuestion(question, NAMING, upToMs)), upToMs };
    });
    const counts = endsFrom(found?.rows ?? [], question);
    return { counts, ...(found?.upToMs !== undefined && { upToMs: found.upToMs }) };
  }

  /** It is of no use: whoever keeps it makes it again. */
  startAnew(): void {
    this[Symbol.dispose]();
    removeInventory(this.#settings.inventory);
  }

  [Symbol.dispose](): void {
    this.#journals[Symbol.dispose]();
    this.#inventory[Symbol.dispose]();
  }

  #acknowledged(entries: readonly InventoryEntry[]): readonly InventoryEntry[] {
    // Which journals there are is asked of the disk: once for all of them.
    const journals = [...this.#journals.each().values()];
    return entries.map((entry) => {
      const { identity, cluster, podUid = '' } = entry;
      const remote = cluster === this.#settings.cluster ? '' : cluster;
      const acknowledged = acknowledgedIn(journals.flatMap(({ tail }) => tail.proxiesOf(identity, remote, podUid)));
      return acknowledged === undefined ? entry : { ...entry, acknowledged };
    });
  }

  #atOneMoment<T>(ask: (database: DatabaseSync) => T): T | undefined {
    const database = this.#inventory.current();
    if (database === undefined) return undefined;
    database.exec('BEGIN');
    try {
      return ask(database);
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK');
    }
  }
}

/** Not kept prepared: there are as many as there are ways to ask. */
function asked(database: DatabaseSync, { sql, values }: EntryQuestion): readonly Row[] {
  return database.prepare(sql).all(...values);
}
