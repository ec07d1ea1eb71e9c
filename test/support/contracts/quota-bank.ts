// What the port of quota banks promises, of each implementation.
import assert from 'node:assert/strict';
import type { QuotaBank } from '../../../src/ports/storage/quota-bank.ts';
import type { QuotaBucket } from '../../../src/ports/storage/quota-counters.ts';

const NEVER = { signal: new AbortController().signal };
const TEN: QuotaBucket = { key: 'namespace shop', perMinute: 10, central: true };
/** What leaks from it while the test looks: a busy machine may take seconds. */
const SLOW: QuotaBucket = { key: 'namespace pay', perMinute: 2, central: true };

export interface QuotaBankUnderTest {
  /** Two borrowers of one bank, as two replicas are; the same one twice where there is only one. */
  readonly banks: readonly [QuotaBank, QuotaBank];
  /** As much later. */
  readonly pass: (ms: number) => Promise<void>;
}

export function describeQuotaBank(what: string, make: () => Promise<QuotaBankUnderTest>): void {
  describe(`A quota bank ${what}`, () => {
    let banks: QuotaBankUnderTest['banks'];
    let pass: QuotaBankUnderTest['pass'];
    beforeEach(async () => ({ banks, pass } = await make()));

    const grantedOf = (answer: Awaited<ReturnType<QuotaBank['lend']>>): number =>
      'granted' in answer ? answer.granted : 0;

    it('lends what has room, to whoever asks first', async () => {
      const [one, other] = banks;
      assert.deepEqual(await one.lend(TEN, 7, NEVER), { granted: 7 });
      assert.deepEqual(await other.lend(TEN, 7, NEVER), { granted: 3 });
      const full = await one.lend(TEN, 7, NEVER);
      assert.ok('key' in full && full.key === TEN.key && full.roomAfterMs > 0 && full.roomAfterMs <= 6_000);
    });

    it('has room again as it leaks, and is never emptier than empty', async () => {
      const [one, other] = banks;
      await one.lend(SLOW, 2, NEVER);
      await pass(31_000);
      assert.deepEqual(await other.lend(SLOW, 2, NEVER), { granted: 1 });
      await pass(600_000);
      assert.deepEqual(await other.lend(SLOW, 9, NEVER), { granted: 2 });
    });

    it('lends no more than there is to any number who ask at once', async () => {
      const asked = Array.from({ length: 30 }, (_, index) => banks[index % 2]!.lend(SLOW, 1, NEVER));
      const granted = (await Promise.all(asked)).map(grantedOf);
      assert.equal(
        granted.reduce((sum, one) => sum + one, 0),
        2,
      );
    });

    it('keeps what belongs to the bundle apart from the rest', async () => {
      const [one] = banks;
      await one.lend(SLOW, 2, NEVER);
      assert.deepEqual(await one.lend({ ...SLOW, central: false }, 1, NEVER), { granted: 1 });
    });

    it('goes on from where a bucket stands when its number changes', async () => {
      const [one] = banks;
      await one.lend(TEN, 10, NEVER);
      assert.equal(grantedOf(await one.lend({ ...TEN, perMinute: 12 }, 9, NEVER)), 2);
      assert.equal(grantedOf(await one.lend({ ...TEN, perMinute: 2 }, 1, NEVER)), 0);
    });

    it('lends nothing of a quota of none, and says to come back in a minute', async () => {
      assert.deepEqual(await banks[0].lend({ ...TEN, perMinute: 0 }, 1, NEVER), { key: TEN.key, roomAfterMs: 60_000 });
    });

    it('lends nothing to who gave up before', async () => {
      const reason = new Error('the caller is gone');
      await assert.rejects(banks[0].lend(SLOW, 2, { signal: AbortSignal.abort(reason) }), reason);
      assert.deepEqual(await banks[1].lend(SLOW, 2, NEVER), { granted: 2 });
    });
  });
}
