// The inventory's file as one thread has it open, with its statements. Another thread may remove it, when it is of no use, and make it
// again: whoever has it open looks before each question whether it is still the one.
import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** @returns nothing where there is none to be had. */
export type InventoryOpener = (file: string) => DatabaseSync | undefined;

export class InventoryHandle implements Disposable {
  readonly #file: string;
  readonly #opener: InventoryOpener;
  readonly #prepared = new Map<string, StatementSync>();
  #opened: { readonly database: DatabaseSync; readonly inode: string | undefined } | undefined;

  constructor(file: string, opener: InventoryOpener) {
    this.#file = file;
    this.#opener = opener;
  }

  /** @throws what SQLite does. */
  current(): DatabaseSync | undefined {
    if (this.#opened?.inode !== inodeOf(this.#file)) this[Symbol.dispose]();
    if (this.#opened === undefined) {
      const database = this.#opener(this.#file);
      if (database !== undefined) this.#opened = { database, inode: inodeOf(this.#file) };
    }
    return this.#opened?.database;
  }

  /** The one that `current` gave last. @throws where there is none. */
  database(): DatabaseSync {
    const database = this.#opened?.database ?? this.current();
    if (database === undefined) throw new Error(`there is no ${this.#file}`);
    return database;
  }

  /** Of the file that `current` gave last. @param sql one of few. */
  statement(sql: string): StatementSync {
    const statement = this.#prepared.get(sql) ?? this.database().prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  [Symbol.dispose](): void {
    this.#prepared.clear();
    this.#opened?.database.close();
    this.#opened = undefined;
  }
}

/** An open file keeps its number: no other can have it. */
function inodeOf(file: string): string | undefined {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
