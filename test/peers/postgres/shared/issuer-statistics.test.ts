// The figures of issuers over all servers, against a real database.
import { PostgresIssuerStatistics } from '../../../../src/adapters/storage/postgres/postgres-issuer-statistics.ts';
import { describeIssuerStatistics } from '../../../support/contracts/issuer-statistics.ts';
import { SharedStore } from './shared-store.ts';

const NEVER = { signal: new AbortController().signal };

describe('Of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();

  describeIssuerStatistics('in the journal of all servers', async (records) => {
    const journal = store.journal('journal');
    for (const record of records) await journal.append(record, NEVER);
    return new PostgresIssuerStatistics({ database: store.database });
  });
});
