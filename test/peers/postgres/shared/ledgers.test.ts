// A ledger of all servers, against a real database.
import assert from 'node:assert/strict';
import { ISSUER_LEDGER } from '../../../../src/adapters/storage/ledgers/issuer-ledger.ts';
import { PostgresLedgers } from '../../../../src/adapters/storage/postgres/shared/postgres-ledgers.ts';
import { operationFrom } from '../../../../src/adapters/storage/records.ts';
import { NO_LEDGER, type IssuerLedger } from '../../../../src/domain/trust/issuer-ledger.ts';
import { describeLedgers, ledgerAfter, operation } from '../../../support/contracts/ledgers.ts';
import { SharedStore } from './shared-store.ts';

const NEVER = { signal: new AbortController().signal };
const OPERATIONS = 'SELECT time_ms AS "timeMs", operation, was, became AS is, details FROM operations ORDER BY id';

describe('A ledger of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();
  const ledgersOf = (trust = 'cluster.local'): PostgresLedgers<IssuerLedger> =>
    new PostgresLedgers({ database: store.database }, { trust, form: ISSUER_LEDGER });

  describeLedgers('of a shared store', () => ({
    views: [ledgersOf(), ledgersOf()],
    recorded: async () => (await store.database.query(OPERATIONS, [], NEVER)).map(operationFrom),
  }));

  it('is one for each trust domain', async () => {
    await ledgersOf().replace(0, ledgerAfter(NO_LEDGER, 'taint'), operation(), NEVER);
    assert.deepEqual(await ledgersOf('other.example').read(NEVER), { revision: 0, ledger: NO_LEDGER });
  });

  it('is an error where it cannot be read, never an empty one', async () => {
    const next = ledgerAfter(NO_LEDGER, 'taint');
    await ledgersOf().replace(0, next, operation(), NEVER);
    store.failing = true;
    await assert.rejects(ledgersOf().read(NEVER), { reason: 'CAP-S04' });
    store.failing = false;
    assert.deepEqual((await ledgersOf().read(NEVER)).ledger, next);
    await store.database.commit("UPDATE issuer_ledgers SET ledger = '{}'", [], NEVER);
    await assert.rejects(ledgersOf().read(NEVER), { reason: 'CAP-X03' });
  });
});
