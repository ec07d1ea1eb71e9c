// The newest records of all servers, against a real database.
import { PostgresNewestRecords } from '../../../../src/adapters/storage/postgres/postgres-newest-records.ts';
import { describeNewestRecords } from '../../../support/contracts/newest-records.ts';
import { SharedStore } from './shared-store.ts';

const NEVER = { signal: new AbortController().signal };

describe('Of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();

  describeNewestRecords('in the journal of all servers', async (decisions, operations) => {
    const journal = store.journal('journal');
    for (const record of decisions) await journal.append(record, NEVER);
    for (const operation of operations) await journal.recordOperation(operation, NEVER);
    return new PostgresNewestRecords({ database: store.database });
  });
});
