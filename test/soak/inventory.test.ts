// The pages of `npm run soak -- --only inventory`, of an inventory of some thousands: every kind of question is answered, and whoever is
// there is found. How soon is for the soak to say, on a machine that does nothing else.
import assert from 'node:assert/strict';
import { peerOrSkip } from '../peers/support/presence.ts';
import { findPostgres } from '../support/postgres/binaries.ts';
import { runInventory } from './inventory/inventory.ts';
import { postgresStore, sqliteStore, type MakeStore } from './inventory/stores.ts';
import { broken } from './soak.ts';

const LOAD = { sizes: { ended: 6_000, live: 500 }, turns: 10 };

async function isAnswered(make: MakeStore): Promise<void> {
  const measured = await runInventory(make, LOAD, { seconds: 1, say: () => undefined });
  assert.deepEqual(
    measured.filter((one) => broken(one) && one.unit !== 'ms'),
    [],
  );
}

describe('A small inventory made in bulk', function () {
  this.timeout(120_000);

  it('answers every kind of question out of SQLite', async () => isAnswered(sqliteStore));

  it('answers every kind of question out of PostgreSQL', async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    await isAnswered(postgresStore);
  });
});
