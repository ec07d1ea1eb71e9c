// A ledger as a row that all servers change by comparing its revision, in one statement with the record of the operation.
import { AuthorityError } from '../../../../domain/errors.ts';
import { parseJson } from '../../../../domain/text/parse-json.ts';
import { UNCHANGED, type Ledgers, type Revised, type Revision } from '../../../../ports/storage/ledgers.ts';
import type { OperationRecord } from '../../../../ports/storage/operation-journal.ts';
import { ledgerIn, writtenLedger, type LedgerForm } from '../../ledgers/ledger-form.ts';
import { problemBehind } from '../connection/postgres-problem.ts';
import { OPERATION_COLUMNS, operationValues, type Row } from '../../records.ts';
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

  async revision({ signal }: Waits): Promise<Revision> {
    signal.throwIfAborted();
    const [row] = await this.#database.query(this.#statements.revision, [this.#trust], { signal });
    return row === undefined ? UNCHANGED : revisionIn(row);
  }

  async read({ signal }: Waits): Promise<Revised<L>> {
    signal.throwIfAborted();
    const [row] = await this.#database.query(this.#statements.read, [this.#trust], { signal });
    if (row === undefined) return { revision: UNCHANGED, ledger: this.#form.empty };
    const ledger = ledgerIn(this.#form, parseJson(String(row['ledger'])));
    if (ledger !== undefined) return { revision: revisionIn(row), ledger };
    const { table, name, withoutIt } = this.#form;
    const detail = `the row of ${this.#trust} in the table ${table} is not ${name}; restore it; without it ${withoutIt}`;
    throw new AuthorityError('CAP-X03', { detail });
  }

  async replace(
    { number, digest = '' }: Revision,
    next: L,
    operation: OperationRecord,
    options: Waits,
  ): Promise<Revision | undefined> {
    options.signal.throwIfAborted();
    const { create, replace } = this.#statements;
    const values = [this.#trust, number, writtenLedger(this.#form, next), ...operationValues(operation)];
    const written =
      number === 0
        ? this.#database.commit(create, values, options)
        : this.#database.commit(replace, [...values, digest], options);
    const [row] = await written.catch(orUnknown);
    return row === undefined ? undefined : revisionIn(row);
  }
}

/** A connection that was lost does not say what became of the statement; a database that refuses it, as one whose disk is full, does. */
function orUnknown(cause: unknown): never {
  const kind = problemBehind(cause)?.kind ?? 'lost';
  const lost = cause instanceof AuthorityError && cause.reason === 'CAP-S04' && kind === 'lost';
  throw lost ? new AuthorityError('CAP-O06', { detail: 'the database did not answer', cause: cause.cause }) : cause;
}

function revisionIn(row: Row): Revision {
  return { number: Number(row['revision']), digest: String(row['digest']) };
}

/**
 * The last two give a row only when the revision is the one that was seen, of the ledger that was seen: what was read of a
 * database that has lost its last moments since must not replace what others wrote there. Parameters: trust, revision, ledger, the
 * operation's, digest.
 */
function statementsOf(table: string) {
  return {
    revision: `SELECT revision, digest FROM ${table} WHERE trust = $1`,
    read: `SELECT revision, digest, ledger FROM ${table} WHERE trust = $1`,
    create: recorded(`INSERT INTO ${table} (trust, revision, ledger) VALUES ($1, $2::bigint + 1, $3)
      ON CONFLICT (trust) DO NOTHING RETURNING revision, digest`),
    replace: recorded(`UPDATE ${table} SET revision = revision + 1, ledger = $3
      WHERE trust = $1 AND revision = $2::bigint AND digest = $9::text RETURNING revision, digest`),
  };
}

function recorded(change: string): string {
  return `WITH changed AS (${change})
    INSERT INTO operations (${COLUMNS}) SELECT ${TYPED} FROM changed
    RETURNING (SELECT revision FROM changed), (SELECT digest FROM changed)`;
}
