// Quotas over all replicas, against a real database.
import assert from 'node:assert/strict';
import { PostgresQuotaBank } from '../../../../src/adapters/storage/postgres/shared/postgres-quota-bank.ts';
import type { QuotaBucket } from '../../../../src/ports/storage/quota-counters.ts';
import { describeQuotaBank } from '../../../support/contracts/quota-bank.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { SharedStore } from './shared-store.ts';

const NEVER = { signal: new AbortController().signal };
const of = (index: number, perMinute: number): QuotaBucket => ({ key: `account ${index}`, perMinute, central: true });

describe('The quota bank of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();
  const bankOf = (clock = new FakeClock()): PostgresQuotaBank =>
    new PostgresQuotaBank({ database: store.database, clock });
  const pass = async (ms: number): Promise<void> => {
    await store.cluster.query(`UPDATE quota_buckets SET leaked_at = leaked_at - ${ms} * interval '1 ms'`);
  };

  describeQuotaBank('of a shared store', async () => ({ banks: [bankOf(), bankOf()], pass }));

  it('asks once for all that is wanted within a moment', async () => {
    const bank = bankOf();
    store.questions = 0;
    const asked = Array.from({ length: 100 }, async (_, index) => bank.lend(of(index % 10, 100), 1, NEVER));
    assert.ok((await Promise.all(asked)).every((answer) => 'granted' in answer && answer.granted === 1));
    assert.equal(store.questions, 1);
    assert.deepEqual(await store.cluster.query('SELECT DISTINCT round(level) FROM quota_buckets'), [['10']]);
  });

  it('serves those who ask for one bucket within a moment in their order', async () => {
    const bank = bankOf();
    const asked = [2, 2, 1].map(async (most) => bank.lend(of(1, 3), most, NEVER));
    const [first, second, third] = await Promise.all(asked);
    assert.deepEqual([first, second], [{ granted: 2 }, { granted: 1 }]);
    assert.ok(third !== undefined && 'roomAfterMs' in third);
  });

  it('is not blocked by replicas that ask for the same buckets in another order', async () => {
    const [one, other] = [bankOf(), bankOf()];
    for (let round = 0; round < 50; round += 1) {
      const there = Array.from({ length: 20 }, async (_, index) => one.lend(of(index, 1_000), 1, NEVER));
      const back = Array.from({ length: 20 }, async (_, index) => other.lend(of(19 - index, 1_000), 1, NEVER));
      await Promise.all([...there, ...back]);
    }
    assert.deepEqual(await store.cluster.query('SELECT count(*) FROM quota_buckets WHERE level > 90'), [['20']]);
  });

  it('takes a database whose clock is set back for one where no time has passed', async () => {
    const bank = bankOf();
    await bank.lend(of(1, 10), 10, NEVER);
    await pass(-60_000);
    assert.ok('roomAfterMs' in (await bank.lend(of(1, 10), 1, NEVER)));
    await pass(6_500);
    assert.deepEqual(await bank.lend(of(1, 10), 1, NEVER), { granted: 1 });
  });

  it('forgets a bucket that is empty again, and none that is not', async () => {
    const clock = new FakeClock();
    const bank = bankOf(clock);
    await bank.lend(of(1, 10), 10, NEVER);
    await pass(61_000);
    await bank.lend(of(2, 10), 10, NEVER);
    clock.pass(60_000);
    await bank.lend(of(3, 10), 10, NEVER);
    await store.asked();
    assert.deepEqual(await store.cluster.query('SELECT key FROM quota_buckets ORDER BY key'), [
      ['account 2'],
      ['account 3'],
    ]);
  });

  it('lends nothing while the database cannot be asked, and goes on after it', async () => {
    const bank = bankOf();
    store.failing = true;
    await assert.rejects(bank.lend(of(1, 10), 1, NEVER), { reason: 'CAP-S04' });
    store.failing = false;
    assert.deepEqual(await bank.lend(of(1, 10), 1, NEVER), { granted: 1 });
  });
});
