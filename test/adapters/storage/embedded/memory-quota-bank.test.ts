import { MemoryQuotaBank } from '../../../../src/adapters/storage/embedded/memory-quota-bank.ts';
import { describeQuotaBank } from '../../../support/contracts/quota-bank.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';

describeQuotaBank('of one server', async () => {
  const clock = new FakeClock();
  const bank = new MemoryQuotaBank(clock);
  return { banks: [bank, bank], pass: async (ms) => clock.pass(ms) };
});
