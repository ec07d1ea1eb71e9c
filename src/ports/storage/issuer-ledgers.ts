// Where the decisions of operators about issuers are kept, for all processes and servers of one CA.
import type { IssuerLedger } from '../../domain/trust/issuer-ledger.ts';
import type { OperationRecord } from './operation-journal.ts';

export interface RevisedLedger {
  /** 0 before the first change; higher with every one. */
  readonly revision: number;
  readonly ledger: IssuerLedger;
}

/**
 * For an implementer of a shared store: one row that is changed by comparing its revision, in one transaction with the record
 * of the operation that changed it. Where ledger and journal are two files, the ledger keeps the record until the journal
 * has it, so that neither a crash nor a full disk parts them.
 */
export interface IssuerLedgers {
  /**
   * @returns the ledger as it is now; an empty one before the first change.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be read, `config_invalid` (CAP-X03) naming a
   *   file that is not one: never an empty ledger then, by which a tainted issuer would sign again. The signal's reason.
   */
  read(options: { readonly signal: AbortSignal }): Promise<RevisedLedger>;
  /**
   * Durable, with the record, when it resolves.
   * @param revision of the ledger that `next` was made of.
   * @returns false when it has another revision by now; nothing has changed then.
   * @throws as `read`. After CAP-S04 it may have changed all the same: read before another try.
   */
  replace(
    revision: number,
    next: IssuerLedger,
    operation: OperationRecord,
    options: { readonly signal: AbortSignal },
  ): Promise<boolean>;
}
