// A store whose decisions and acts of operators are told to a collector of logs too, once they are on record.
import type { RecordLog } from '../../../ports/platform/record-log.ts';
import type { Ledgers } from '../../../ports/storage/ledgers.ts';
import type { Store } from './store.ts';

type Journal = Store['journal'];

export function reportedStore(store: Store, log: RecordLog): Store {
  return {
    ...store,
    journal: reportedJournal(store.journal, log),
    issuerLedgers: reportedLedgers(store.issuerLedgers, log),
    anchorLedgers: reportedLedgers(store.anchorLedgers, log),
    banLedgers: reportedLedgers(store.banLedgers, log),
  };
}

function reportedJournal(journal: Journal, log: RecordLog): Journal {
  return {
    append: async (record, options) => {
      const isRecorded = await journal.append(record, options);
      if (isRecorded) log.decision(record);
      return isRecorded;
    },
    recordOperation: async (record, options) => {
      await journal.recordOperation(record, options);
      log.operation(record);
    },
    keepIssuers: async (...given) => journal.keepIssuers(...given),
  };
}

/** A change of a ledger is on record with it. */
function reportedLedgers<L>(ledgers: Ledgers<L>, log: RecordLog): Ledgers<L> {
  return {
    revision: async (options) => ledgers.revision(options),
    read: async (options) => ledgers.read(options),
    replace: async (revision, next, operation, options) => {
      const given = await ledgers.replace(revision, next, operation, options);
      if (given !== undefined) log.operation(operation);
      return given;
    },
  };
}
