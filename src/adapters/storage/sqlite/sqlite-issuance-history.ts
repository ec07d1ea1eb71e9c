// What was issued before, out of the issuance journal. Asked on the server's event loop, and only for what memory
// does not know, such as a connection's first certificate: one indexed lookup, on a handle of its own.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { AuthorityError } from '../../../domain/errors.ts';
import type { CurrentCertificate } from '../../../domain/policy/request.ts';
import type { IssuanceHistory, LeafNames, LeafRecord, LeafRecords } from '../../../ports/storage/issuance-history.ts';
import type { FormerIssuers } from '../../../ports/storage/issuer-records.ts';
import { currentCertificateFrom, leafRecordFrom } from '../records.ts';
import { openForReading } from './file/journal-file.ts';
import { journalProblem } from './file/journal-problem.ts';
import { SELECT_CURRENT, SELECT_ISSUERS, SELECT_LEAF } from './file/journal-schema.ts';

/** The event loop waits with it: a journal that is locked for longer is an outage anyway. */
const BUSY_TIMEOUT_MS = 50;

interface OpenHistory {
  readonly database: DatabaseSync;
  readonly current: StatementSync;
  readonly leaf: StatementSync;
}

export class SqliteIssuanceHistory implements IssuanceHistory, LeafRecords, FormerIssuers, Disposable {
  readonly #file: string;
  #open: OpenHistory | undefined;

  /** @param file the journal's; it is opened by the first question, when the journal has made it. */
  constructor(file: string) {
    this.#file = file;
  }

  currentCertificateOf(identity: string, nowMs: number): CurrentCertificate | undefined {
    const row = this.#read(({ current }) => current.get(identity, nowMs));
    return row === undefined ? undefined : currentCertificateFrom(row);
  }

  recordOf({ identity, notAfterMs, serial }: LeafNames): LeafRecord | undefined {
    const row = this.#read(({ leaf }) => leaf.get(identity, notAfterMs, serial));
    return row === undefined ? undefined : leafRecordFrom(row);
  }

  issuersAt(nowMs: number): readonly Uint8Array[] {
    const rows = this.#read(({ database }) => database.prepare(SELECT_ISSUERS).all(nowMs));
    return rows.map(({ certificate }) => certificate as Uint8Array);
  }

  [Symbol.dispose](): void {
    this.#open?.database.close();
    this.#open = undefined;
  }

  #read<T>(question: (history: OpenHistory) => T): T {
    try {
      return question((this.#open ??= openHistory(this.#file)));
    } catch (cause) {
      this[Symbol.dispose]();
      const problem = journalProblem(this.#file, cause);
      throw new AuthorityError('CAP-S04', { detail: problem.message, cause: problem });
    }
  }
}

function openHistory(file: string): OpenHistory {
  const { database } = openForReading(file, BUSY_TIMEOUT_MS);
  try {
    return { database, current: database.prepare(SELECT_CURRENT), leaf: database.prepare(SELECT_LEAF) };
  } catch (cause) {
    database.close();
    throw cause;
  }
}
