// The signed heads of a journal that several servers share: the row of the lease is held in the statement that keeps one, so that
// two servers never continue the same head.
import { AuthorityError } from '../../../../domain/errors.ts';
import type { AuditHeads, KeptHead } from '../../../../ports/audit/audit-heads.ts';
import type { Row } from '../../records.ts';
import { KEEP_HEAD, SELECT_LAST_HEADS } from '../schema/audit-heads.ts';
import type { Database } from './database.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class PostgresAuditHeads implements AuditHeads {
  readonly #database: Database;
  readonly #leaseName: string;

  constructor({ database }: { readonly database: Database }, settings: { readonly leaseName: string }) {
    this.#database = database;
    this.#leaseName = settings.leaseName;
  }

  async keepHead(
    { timeMs, digest, text }: KeptHead,
    { epoch, signal }: Waits & { readonly epoch: number },
  ): Promise<void> {
    signal.throwIfAborted();
    const [row] = await this.#database.commit(KEEP_HEAD, [this.#leaseName, epoch, timeMs, digest, text], { signal });
    if (row?.['held'] !== true) throw new AuthorityError('CAP-S04', { detail: 'the lease of the journal is over' });
  }

  async lastHeads(count: number, options: Waits): Promise<readonly KeptHead[]> {
    options.signal.throwIfAborted();
    const rows = await this.#database.query(SELECT_LAST_HEADS, [count], options);
    return rows.map(headFrom);
  }
}

/** @param row of `SELECT_LAST_HEADS` or `SELECT_HEADS`. */
export function headFrom({ timeMs, digest, text }: Row): KeptHead {
  return { timeMs: Number(timeMs), digest: String(digest), text: String(text) };
}
