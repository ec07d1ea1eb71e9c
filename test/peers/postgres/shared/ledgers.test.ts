// A ledger of all servers, against a real database.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ISSUER_LEDGER } from '../../../../src/adapters/storage/ledgers/issuer-ledger.ts';
import { PostgresLedgers } from '../../../../src/adapters/storage/postgres/shared/postgres-ledgers.ts';
import { operationFrom } from '../../../../src/adapters/storage/records.ts';
import { NO_LEDGER, type IssuerLedger } from '../../../../src/domain/trust/issuer-ledger.ts';
import { UNCHANGED } from '../../../../src/ports/storage/ledgers.ts';
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
    await ledgersOf().replace(UNCHANGED, ledgerAfter(NO_LEDGER, 'taint'), operation(), NEVER);
    assert.deepEqual(await ledgersOf('other.example').read(NEVER), { revision: UNCHANGED, ledger: NO_LEDGER });
  });

  it('has the digest of its text as it is, also where a server of before, which knows of none, has written it', async () => {
    const next = ledgerAfter(NO_LEDGER, 'suspend', 'C:\\new \\101 \\\\x41, "größer" ✓');
    const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
    const written = await ledgersOf().replace(UNCHANGED, next, operation(), NEVER);
    assert.deepEqual(written, { number: 1, digest: digestOf(JSON.stringify(next)) });
    const other = JSON.stringify(ledgerAfter(NO_LEDGER, 'taint'));
    await store.database.commit('UPDATE issuer_ledgers SET revision = revision + 1, ledger = $1', [other], NEVER);
    assert.deepEqual(await ledgersOf().revision(NEVER), { number: 2, digest: digestOf(other) });
  });

  it('is not changed by who saw another one under its revision, as before a failover', async () => {
    const seen = await ledgersOf().replace(UNCHANGED, ledgerAfter(NO_LEDGER, 'suspend'), operation(), NEVER);
    const other = ledgerAfter(NO_LEDGER, 'taint');
    await store.database.commit('UPDATE issuer_ledgers SET ledger = $1', [JSON.stringify(other)], NEVER);
    const late = ledgersOf().replace(seen!, ledgerAfter(NO_LEDGER, 'retire'), operation('too late'), NEVER);
    assert.equal(await late, undefined);
    assert.deepEqual((await ledgersOf().read(NEVER)).ledger, other);
    assert.deepEqual((await store.database.query(OPERATIONS, [], NEVER)).map(operationFrom), [operation()]);
  });

  it('is an error where it cannot be read, never an empty one', async () => {
    const next = ledgerAfter(NO_LEDGER, 'taint');
    await ledgersOf().replace(UNCHANGED, next, operation(), NEVER);
    store.failing = true;
    await assert.rejects(ledgersOf().read(NEVER), { reason: 'CAP-S04' });
    store.failing = false;
    assert.deepEqual((await ledgersOf().read(NEVER)).ledger, next);
    await store.database.commit("UPDATE issuer_ledgers SET ledger = '{}'", [], NEVER);
    await assert.rejects(ledgersOf().read(NEVER), { reason: 'CAP-X03' });
  });
});
