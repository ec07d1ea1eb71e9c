// The newest records of all servers, against a real database.
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresNewestRecords } from '../../../../src/adapters/storage/postgres/postgres-newest-records.ts';
import { PostgresClosings } from '../../../../src/adapters/storage/postgres/shared/postgres-closings.ts';
import { PostgresLease } from '../../../../src/adapters/storage/postgres/shared/postgres-lease.ts';
import { describeNewestRecords } from '../../../support/contracts/newest-records.ts';
import { SharedStore } from './shared-store.ts';

const LEASE = 'journal';
const NEVER = { signal: new AbortController().signal };

describe('Of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();

  describeNewestRecords('in the journal of all servers', async ({ decisions, operations, closings }) => {
    const journal = store.journal(LEASE);
    for (const record of decisions) await journal.append(record, NEVER);
    for (const operation of operations) await journal.recordOperation(operation, NEVER);
    const { database } = store;
    await using lease = new PostgresLease({ database, clock: new SystemClock() }, { name: LEASE, holder: 'a test' });
    const { epoch } = await lease.acquire(NEVER);
    const ends = new PostgresClosings({ database: store.pool }, { leaseName: LEASE });
    await ends.recordClosings(closings, undefined, { epoch, ...NEVER });
    return new PostgresNewestRecords({ database });
  });
});
