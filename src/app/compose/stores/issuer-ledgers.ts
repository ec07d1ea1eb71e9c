// Where the decisions of operators about issuers are kept, by the store.
import { relayedIssuerLedger } from '../../../adapters/processes/relays/issuer-ledger.ts';
import {
  FileIssuerLedger,
  ledgerFileOf,
  type KeptLedger,
} from '../../../adapters/storage/embedded/file-issuer-ledger.ts';
import { JournaledIssuerLedger } from '../../../adapters/storage/embedded/journaled-issuer-ledger.ts';
import type { IssuerLedgers } from '../../../ports/storage/issuer-ledgers.ts';
import type { OperationJournal } from '../../../ports/storage/operation-journal.ts';
import type { WorkerPlace } from '../../worker-place.ts';

/** Of an embedded store: the single process has the file, of several the supervisor. @param store the journal's file. */
export function embeddedIssuerLedgers(
  store: string,
  journal: OperationJournal,
  worker: WorkerPlace | undefined,
): IssuerLedgers {
  const place = ledgerFileOf(store);
  const file = worker === undefined ? new FileIssuerLedger(place) : relayedIssuerLedger<KeptLedger>(worker.link, place);
  return new JournaledIssuerLedger({ file, journal }, { recordsForOthers: worker === undefined || worker.slot === 1 });
}
