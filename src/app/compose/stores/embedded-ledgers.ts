// Where a ledger of an embedded store is kept: the single process has the file, of several the supervisor.
import { relayedLedger } from '../../../adapters/processes/relays/ledger.ts';
import {
  FileLedger,
  ledgerFileOf,
  type KeptLedger,
  type LedgerFile,
  type LedgerHead,
} from '../../../adapters/storage/embedded/file-ledger.ts';
import { JournaledLedger } from '../../../adapters/storage/embedded/journaled-ledger.ts';
import type { LedgerForm } from '../../../adapters/storage/ledgers/ledger-form.ts';
import type { Ledgers } from '../../../ports/storage/ledgers.ts';
import type { OperationJournal } from '../../../ports/storage/operation-journal.ts';
import type { WorkerPlace } from '../../worker-place.ts';

export interface EmbeddedStore {
  /** The journal's file. */
  readonly file: string;
  readonly journal: OperationJournal;
  readonly worker: WorkerPlace | undefined;
}

export function embeddedLedgers<L>({ file: store, journal, worker }: EmbeddedStore, form: LedgerForm<L>): Ledgers<L> {
  const place = ledgerFileOf(store, form);
  const file: LedgerFile<L> =
    worker === undefined
      ? new FileLedger(place, form)
      : relayedLedger<LedgerHead, KeptLedger<L>>(worker.link, form.kind, place);
  return new JournaledLedger({ file, journal }, { recordsForOthers: worker === undefined || worker.slot === 1 });
}
