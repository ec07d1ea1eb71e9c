// The revocation lists of all servers, against a real database.
import assert from 'node:assert/strict';
import { PostgresCrls } from '../../../../src/adapters/storage/postgres/shared/postgres-crls.ts';
import { describeCrls, keptCrl } from '../../../support/contracts/crls.ts';
import { SharedStore } from './shared-store.ts';

const OPTIONS = { nowMs: 0, signal: new AbortController().signal };

describe('The revocation lists of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();
  const crlsOf = (trust = 'cluster.local'): PostgresCrls => new PostgresCrls({ database: store.database }, { trust });

  describeCrls('of a shared store', () => [crlsOf(), crlsOf()]);

  it('are those of one trust domain', async () => {
    await crlsOf().keep(keptCrl(5), OPTIONS);
    assert.deepEqual(await crlsOf('other.example').all(OPTIONS), []);
  });

  it('are an error where they cannot be read, never none', async () => {
    await crlsOf().keep(keptCrl(5), OPTIONS);
    store.failing = true;
    await assert.rejects(crlsOf().all(OPTIONS), { reason: 'CAP-S04' });
    store.failing = false;
    assert.equal((await crlsOf().all(OPTIONS)).length, 1);
  });
});
