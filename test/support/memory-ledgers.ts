// A ledger in memory, as several processes share it, with the records of what changed it.
import { writtenLedger, type LedgerForm } from '../../src/adapters/storage/ledgers/ledger-form.ts';
import {
  isSameRevision,
  UNCHANGED,
  type Ledgers,
  type Revised,
  type Revision,
} from '../../src/ports/storage/ledgers.ts';
import type { OperationRecord } from '../../src/ports/storage/operation-journal.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class MemoryLedgers<L> implements Ledgers<L> {
  readonly operations: OperationRecord[] = [];
  /** Thrown by every call while it is set. */
  failure: Error | undefined;
  /** How often the whole ledger was read. */
  reads = 0;
  #kept: Revised<L>;

  readonly #form: LedgerForm<L> | undefined;

  /** @param form what may be in it; absent, anything. */
  constructor(empty: L, form?: LedgerForm<L>) {
    this.#form = form;
    this.#kept = { revision: UNCHANGED, ledger: empty };
  }

  async revision(options: Waits): Promise<Revision> {
    return this.#asked(options).revision;
  }

  async read(options: Waits): Promise<Revised<L>> {
    this.reads += 1;
    return this.#asked(options);
  }

  async replace(
    revision: Revision,
    ledger: L,
    operation: OperationRecord,
    options: Waits,
  ): Promise<Revision | undefined> {
    if (!isSameRevision(this.#asked(options).revision, revision)) return undefined;
    if (this.#form !== undefined) writtenLedger(this.#form, ledger);
    this.#kept = { revision: { number: revision.number + 1 }, ledger };
    this.operations.push(operation);
    return this.#kept.revision;
  }

  /** As a database that was put back, or whose last moments are lost. */
  setBack(kept: Revised<L>): void {
    this.#kept = kept;
  }

  #asked({ signal }: Waits): Revised<L> {
    signal.throwIfAborted();
    if (this.failure !== undefined) throw this.failure;
    return this.#kept;
  }
}
