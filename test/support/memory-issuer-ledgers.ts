// The ledger of issuers in memory, as several processes share it, with the records of what changed it.
import { NO_LEDGER, type IssuerLedger } from '../../src/domain/trust/issuer-ledger.ts';
import type { IssuerLedgers, RevisedLedger } from '../../src/ports/storage/issuer-ledgers.ts';
import type { OperationRecord } from '../../src/ports/storage/operation-journal.ts';

export class MemoryIssuerLedgers implements IssuerLedgers {
  readonly operations: OperationRecord[] = [];
  /** Thrown by every call while it is set. */
  failure: Error | undefined;
  #kept: RevisedLedger = { revision: 0, ledger: NO_LEDGER };

  async read({ signal }: { readonly signal: AbortSignal }): Promise<RevisedLedger> {
    signal.throwIfAborted();
    if (this.failure !== undefined) throw this.failure;
    return this.#kept;
  }

  async replace(
    revision: number,
    ledger: IssuerLedger,
    operation: OperationRecord,
    options: { readonly signal: AbortSignal },
  ): Promise<boolean> {
    await this.read(options);
    if (this.#kept.revision !== revision) return false;
    this.#kept = { revision: revision + 1, ledger };
    this.operations.push(operation);
    return true;
  }
}
