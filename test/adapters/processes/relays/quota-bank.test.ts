import assert from 'node:assert/strict';
import { relayedQuotaBank, serveQuotaBank } from '../../../../src/adapters/processes/relays/quota-bank.ts';
import { MemoryQuotaBank } from '../../../../src/adapters/storage/embedded/memory-quota-bank.ts';
import { LentQuotaCounters } from '../../../../src/adapters/storage/lent/lent-quota-counters.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import { describeQuotaBank } from '../../../support/contracts/quota-bank.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { linkedPair } from '../../../support/fakes/linked-pair.ts';

const WAITING = { signal: NEVER };
const ONE = { key: 'namespace shop', perMinute: 1, central: true } as const;

describeQuotaBank('of a supervisor, for two workers', async () => {
  const clock = new FakeClock();
  const bank = new MemoryQuotaBank(clock);
  const worker = () => {
    const pair = linkedPair(clock);
    serveQuotaBank(pair.supervisor, bank);
    return relayedQuotaBank(pair.worker);
  };
  return { banks: [worker(), worker()], pass: async (ms) => clock.advance(ms) };
});

describe('The quota bank of a supervisor', () => {
  it('holds a quota over all of its workers', async () => {
    const clock = new FakeClock();
    const bank = new MemoryQuotaBank(clock);
    const [first, second] = [1, 2].map(() => {
      const { supervisor, worker } = linkedPair(clock);
      serveQuotaBank(supervisor, bank);
      return new LentQuotaCounters({ bank: relayedQuotaBank(worker), clock });
    });
    assert.deepEqual(await first?.take([ONE], WAITING), []);
    assert.deepEqual(await second?.take([ONE], WAITING), [{ key: ONE.key, roomAfterMs: 60_000 }]);
  });

  it('lets nothing be issued when it is gone', async () => {
    const clock = new FakeClock();
    const { worker, cut } = linkedPair(clock);
    cut();
    const counters = new LentQuotaCounters({ bank: relayedQuotaBank(worker), clock });
    await assert.rejects(counters.take([ONE], WAITING), { reason: 'CAP-S04' });
  });
});
