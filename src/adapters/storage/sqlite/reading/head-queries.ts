// What is asked of the journal's file about signed heads. Synchronous, as the other questions are.
import type { KeptHead } from '../../../../ports/audit/audit-heads.ts';
import type { Row } from '../../records.ts';
import { CHAINS_SINCE_VERSION } from '../file/chain-schema.ts';
import { SELECT_HEADS, SELECT_LAST_HEADS } from '../file/head-schema.ts';
import type { ReadableJournal } from '../file/journal-file.ts';

type Read = <T>(question: (journal: ReadableJournal) => T) => T;

/** Every method throws JournalProblem, naming the file. */
export class HeadQueries {
  readonly #read: Read;

  constructor(read: Read) {
    this.#read = read;
  }

  /** The newest first. */
  last(count: number): readonly KeptHead[] {
    const rows = this.#read(({ database, version }) =>
      version < CHAINS_SINCE_VERSION ? [] : database.prepare(SELECT_LAST_HEADS).all(count),
    );
    return rows.map(headFrom);
  }

  /** Oldest first. */
  *since(sinceMs: number): Generator<KeptHead, void, undefined> {
    const rows = this.#read(({ database, version }) =>
      version < CHAINS_SINCE_VERSION ? [] : database.prepare(SELECT_HEADS).iterate(Math.ceil(sinceMs)),
    );
    for (const row of rows) yield headFrom(row);
  }
}

function headFrom({ timeMs, digest, text }: Row): KeptHead {
  return { timeMs: Number(timeMs), digest: String(digest), text: String(text) };
}
