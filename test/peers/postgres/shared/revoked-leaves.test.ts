// The certificates that bans hit over all servers, against a real database.
import { PostgresRevokedLeaves } from '../../../../src/adapters/storage/postgres/postgres-revoked-leaves.ts';
import { describeRevokedLeaves } from '../../../support/contracts/revoked-leaves.ts';
import { SharedStore } from './shared-store.ts';

const NEVER = { signal: new AbortController().signal };

describe('Of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();

  describeRevokedLeaves('in the journal of all servers', async (records) => {
    const journal = store.journal('journal');
    for (const record of records) await journal.append(record, NEVER);
    return new PostgresRevokedLeaves({ database: store.database });
  });
});
