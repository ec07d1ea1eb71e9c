// What identities were given before this process started, out of the issuance journal. Asked on the server's
// event loop, and only for what memory does not know: one indexed lookup, on a handle of its own.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { AuthorityError } from '../../domain/errors.ts';
import type { HeldCertificate } from '../../domain/policy/request.ts';
import type { IssuanceHistory } from '../../ports/issuance-history.ts';
import type { PolicyTrace } from '../../ports/issuance-journal.ts';
import { openForReading } from './journal-file.ts';
import { journalProblem } from './journal-problem.ts';
import { SELECT_HELD } from './journal-schema.ts';

/** The event loop waits with it: a journal that is locked for longer is an outage anyway. */
const BUSY_TIMEOUT_MS = 50;

interface OpenHistory {
  readonly database: DatabaseSync;
  readonly held: StatementSync;
}

export class SqliteIssuanceHistory implements IssuanceHistory, Disposable {
  readonly #file: string;
  #open: OpenHistory | undefined;

  /** @param file the journal's; it is opened by the first question, when the journal has made it. */
  constructor(file: string) {
    this.#file = file;
  }

  heldBy(identity: string, nowMs: number): HeldCertificate | undefined {
    try {
      this.#open ??= openHistory(this.#file);
      const row = this.#open.held.get(identity, nowMs);
      return row === undefined ? undefined : heldFrom(row);
    } catch (cause) {
      this[Symbol.dispose]();
      const problem = journalProblem(this.#file, cause);
      throw new AuthorityError('CAP-S04', { detail: problem.message, cause: problem });
    }
  }

  [Symbol.dispose](): void {
    this.#open?.database.close();
    this.#open = undefined;
  }
}

function openHistory(file: string): OpenHistory {
  const { database } = openForReading(file, BUSY_TIMEOUT_MS);
  try {
    return { database, held: database.prepare(SELECT_HELD) };
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** A record of before there were policy traces excused nothing. */
function heldFrom({ issuedMs, notAfterMs, policy }: Readonly<Record<string, unknown>>): HeldCertificate {
  const { excused = [] } = policy === null ? {} : (JSON.parse(policy as string) as PolicyTrace);
  return {
    issuedMs: Number(issuedMs),
    notAfterMs: Number(notAfterMs),
    excused: Object.fromEntries(excused.map(({ key, sinceMs }) => [key, sinceMs])),
  };
}
