// The ledger of issuers as a row that all servers change by comparing its revision, in one statement with the record of the
// operation.
import { AuthorityError } from '../../../../domain/errors.ts';
import { NO_LEDGER, type IssuerLedger } from '../../../../domain/trust/issuer-ledger.ts';
import type { IssuerLedgers, RevisedLedger } from '../../../../ports/storage/issuer-ledgers.ts';
import type { OperationRecord } from '../../../../ports/storage/operation-journal.ts';
import { readLedger } from '../../issuer-ledger-json.ts';
import { OPERATION_COLUMNS, operationValues } from '../../records.ts';
import type { Database } from './database.ts';

interface Waits {
  readonly signal: AbortSignal;
}

const READ = 'SELECT revision, ledger FROM issuer_ledgers WHERE trust = $1';
const COLUMNS = Object.values(OPERATION_COLUMNS).join(', ');
const TYPED = '$4::bigint, $5::text, $6::text, $7::text, $8::text';
/** Both give a row only when the revision is the one that was seen. Parameters: trust, revision, ledger, the operation's. */
const CREATE = recorded(`INSERT INTO issuer_ledgers (trust, revision, ledger) VALUES ($1, $2::bigint + 1, $3)
  ON CONFLICT (trust) DO NOTHING RETURNING 1`);
const REPLACE = recorded(`UPDATE issuer_ledgers SET revision = revision + 1, ledger = $3
  WHERE trust = $1 AND revision = $2::bigint RETURNING 1`);

export class PostgresIssuerLedgers implements IssuerLedgers {
  readonly #database: Database;
  readonly #trust: string;

  /** @param settings.trust whose issuers they are: the trust domain. */
  constructor({ database }: { readonly database: Database }, settings: { readonly trust: string }) {
    this.#database = database;
    this.#trust = settings.trust;
  }

  async read({ signal }: Waits): Promise<RevisedLedger> {
    signal.throwIfAborted();
    const [row] = await this.#database.query(READ, [this.#trust], { signal });
    if (row === undefined) return { revision: 0, ledger: NO_LEDGER };
    const ledger = readLedger(String(row['ledger']));
    if (ledger !== undefined) return { revision: Number(row['revision']), ledger };
    throw new AuthorityError('CAP-X03', { detail: 'the table issuer_ledgers has a ledger that cannot be read' });
  }

  async replace(revision: number, next: IssuerLedger, operation: OperationRecord, options: Waits): Promise<boolean> {
    options.signal.throwIfAborted();
    const values = [this.#trust, revision, JSON.stringify(next), ...operationValues(operation)];
    const rows = await this.#database.commit(revision === 0 ? CREATE : REPLACE, values, options);
    return rows.length === 1;
  }
}

function recorded(change: string): string {
  return `WITH changed AS (${change})
    INSERT INTO operations (${COLUMNS}) SELECT ${TYPED} WHERE EXISTS (SELECT FROM changed) RETURNING 1`;
}
