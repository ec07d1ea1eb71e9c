// A ledger as a row that all servers change by comparing its revision, in one statement with the record of the operation.
import { AuthorityError } from '../../../../domain/errors.ts';
import { parseJson } from '../../../../domain/text/parse-json.ts';
import type { Ledgers, Revised } from '../../../../ports/storage/ledgers.ts';
import type { OperationRecord } from '../../../../ports/storage/operation-journal.ts';
import { ledgerIn, writtenLedger, type LedgerForm } from '../../ledgers/ledger-form.ts';
import { OPERATION_COLUMNS, operationValues } from '../../records.ts';
import type { Database } from './database.ts';

interface Waits {
  readonly signal: AbortSignal;
}

const COLUMNS = Object.values(OPERATION_COLUMNS).join(', ');
const TYPED = '$4::bigint, $5::text, $6::text, $7::text, $8::text';

export class PostgresLedgers<L> implements Ledgers<L> {
  readonly #database: Database;
  readonly #form: LedgerForm<L>;
  readonly #trust: string;
  readonly #statements: ReturnType<typeof statementsOf>;

  /** @param settings.trust whose ledger it is: the trust domain. */
  constructor(
    { database }: { readonly database: Database },
    settings: { readonly trust: string; readonly form: LedgerForm<L> },
  ) {
    this.#database = database;
    this.#trust = settings.trust;
    this.#form = settings.form;
    this.#statements = statementsOf(settings.form.table);
  }

  async revision({ signal }: Waits): Promise<number> {
    signal.throwIfAborted();
    const [row] = await this.#database.query(this.#statements.revision, [this.#trust], { signal });
    return row === undefined ? 0 : Number(row['revision']);
  }

  async read({ signal }: Waits): Promise<Revised<L>> {
    signal.throwIfAborted();
    const [row] = await this.#database.query(this.#statements.read, [this.#trust], { signal });
    if (row === undefined) return { revision: 0, ledger: this.#form.empty };
    const ledger = ledgerIn(this.#form, parseJson(String(row['ledger'])));
    if (ledger !== undefined) return { revision: Number(row['revision']), ledger };
    const { table, name, withoutIt } = this.#form;
    const detail = `the row of ${this.#trust} in the table ${table} is not ${name}; restore it; without it ${withoutIt}`;
    throw new AuthorityError('CAP-X03', { detail });
  }

  async replace(revision: number, next: L, operation: OperationRecord, options: Waits): Promise<boolean> {
    options.signal.throwIfAborted();
    const values = [this.#trust, revision, writtenLedger(this.#form, next), ...operationValues(operation)];
    const { create, replace } = this.#statements;
    const rows = await this.#database.commit(revision === 0 ? create : replace, values, options).catch(orUnknown);
    return rows.length === 1;
  }
}

/** A connection that was lost does not say what became of the statement. */
function orUnknown(cause: unknown): never {
  const lost = cause instanceof AuthorityError && cause.reason === 'CAP-S04';
  throw lost ? new AuthorityError('CAP-O06', { detail: 'the database did not answer', cause: cause.cause }) : cause;
}

/** The last two give a row only when the revision is the one that was seen. Parameters: trust, revision, ledger, the operation's. */
function statementsOf(table: string) {
  return {
    revision: `SELECT revision FROM ${table} WHERE trust = $1`,
    read: `SELECT revision, ledger FROM ${table} WHERE trust = $1`,
    create: recorded(`INSERT INTO ${table} (trust, revision, ledger) VALUES ($1, $2::bigint + 1, $3)
      ON CONFLICT (trust) DO NOTHING RETURNING 1`),
    replace: recorded(`UPDATE ${table} SET revision = revision + 1, ledger = $3
      WHERE trust = $1 AND revision = $2::bigint RETURNING 1`),
  };
}

function recorded(change: string): string {
  return `WITH changed AS (${change})
    INSERT INTO operations (${COLUMNS}) SELECT ${TYPED} WHERE EXISTS (SELECT FROM changed) RETURNING 1`;
}
