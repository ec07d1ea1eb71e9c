import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MemoryQuotaBank } from '../../../../src/adapters/storage/embedded/memory-quota-bank.ts';
import { MemoryQuotaCounters } from '../../../../src/adapters/storage/embedded/memory-quota-counters.ts';
import { LentQuotaCounters } from '../../../../src/adapters/storage/lent/lent-quota-counters.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import type { Loan, QuotaBank } from '../../../../src/ports/storage/quota-bank.ts';
import type { FullBucket, QuotaBucket, QuotaCounters } from '../../../../src/ports/storage/quota-counters.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';

const WAITING = { signal: NEVER };
const MINUTE_MS = 60_000;
/** A counterexample is told before mocha's time is over, made as small as that time allows. */
const PROPERTY = { numRuns: 40, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: true };

/** Over a bank in memory; counts what it is asked, and can be held or away. */
class WatchedBank implements QuotaBank {
  readonly asked: (readonly [key: string, most: number])[] = [];
  held: Promise<undefined> | undefined;
  failing = false;
  readonly #bank: QuotaBank;

  constructor(clock: FakeClock) {
    this.#bank = new MemoryQuotaBank(clock);
  }

  async lend(bucket: QuotaBucket, most: number, options: { readonly signal: AbortSignal }): Promise<Loan | FullBucket> {
    this.asked.push([bucket.key, most]);
    await this.held;
    if (this.failing) throw new AuthorityError('CAP-S04');
    return this.#bank.lend(bucket, most, options);
  }
}

describe('Lent quotas', () => {
  let clock: FakeClock;
  let bank: WatchedBank;
  beforeEach(() => {
    clock = new FakeClock();
    bank = new WatchedBank(clock);
  });

  const worker = (): LentQuotaCounters => new LentQuotaCounters({ bank, clock });
  const bucket = (key: string, perMinute: number): QuotaBucket => ({ key, perMinute, central: true });
  const passes = async (counters: LentQuotaCounters, ...buckets: QuotaBucket[]): Promise<boolean> =>
    (await counters.take(buckets, WAITING)).length === 0;

  it('ask the bank once for a hundredth of a quota, and spend it without asking', async () => {
    const counters = worker();
    for (let n = 0; n < 60; n += 1) assert.ok(await passes(counters, bucket('shop', 6_000)));
    assert.deepEqual(bank.asked, [['shop', 60]]);
    assert.ok(await passes(counters, bucket('shop', 6_000)));
    assert.equal(bank.asked.length, 2);
  });

  it('let a quota of one in a minute pass one in a minute, whichever process is asked', async () => {
    const [first, second] = [worker(), worker()];
    assert.ok(await passes(first, bucket('a', 1)));
    assert.deepEqual(await second.take([bucket('a', 1)], WAITING), [{ key: 'a', roomAfterMs: MINUTE_MS }]);
    await clock.advance(MINUTE_MS - 1);
    assert.ok(!(await passes(first, bucket('a', 1))));
    await clock.advance(1);
    assert.ok(await passes(second, bucket('a', 1)));
    assert.ok(!(await passes(first, bucket('a', 1))));
  });

  it('do not ask again for a bucket that is known to be full, until it has room', async () => {
    const counters = worker();
    for (let n = 0; n < 2; n += 1) await passes(counters, bucket('a', 1));
    const asked = bank.asked.length;
    await clock.advance(20_000);
    assert.deepEqual(await counters.take([bucket('a', 1)], WAITING), [{ key: 'a', roomAfterMs: 40_000 }]);
    assert.equal(bank.asked.length, asked);
    assert.ok(await passes(counters, bucket('a', 100)), 'a quota that was raised is asked for at once');
  });

  it('let one through at the very millisecond at which an exact bucket would, however often that was asked meanwhile', async () => {
    const alone = new MemoryQuotaCounters(clock);
    const [counters, asked] = [worker(), bucket('a', 25)];
    const takes = async (who: QuotaCounters): Promise<boolean> => (await who.take([asked], WAITING)).length === 0;
    for (let n = 0; n < 5_000; n += 1) {
      assert.equal(await takes(counters), await takes(alone), `after ${clock.monotonicMs()} ms`);
      clock.pass(n % 21);
    }
  });

  it('let nothing through where the quota is none', async () => {
    assert.deepEqual(await worker().take([bucket('a', 0)], WAITING), [{ key: 'a', roomAfterMs: MINUTE_MS }]);
  });

  it('borrow once for all that want one at the same time', async () => {
    const counters = worker();
    const passed = await Promise.all(Array.from({ length: 50 }, async () => passes(counters, bucket('a', 60))));
    assert.ok(passed.every(Boolean));
    assert.deepEqual(bank.asked, [
      ['a', 1],
      ['a', 49],
    ]);
  });

  it('take nothing from a quota that others share while the identity has none left', async () => {
    const [counters, other] = [worker(), worker()];
    const [mine, shared] = [bucket('identity', 1), bucket('namespace', 10)];
    const passed = await Promise.all(Array.from({ length: 100 }, async () => counters.take([shared, mine], WAITING)));
    assert.equal(passed.filter((full) => full.length === 0).length, 1);
    assert.ok(passed.slice(1).every(([full]) => full?.key === 'identity'));
    let others = 0;
    while (await passes(other, shared)) others += 1;
    assert.equal(others, 9);
  });

  it('give back what a refusal by another quota left over, and forget it once it has leaked', async () => {
    const counters = worker();
    const [small, large] = [bucket('small', 2), bucket('large', 3)];
    for (let n = 0; n < 3; n += 1) assert.ok(await passes(counters, large));
    assert.ok(!(await passes(counters, small, large)));
    assert.ok(await passes(counters, small), 'the one that was given back');
    assert.ok(await passes(counters, small));
    assert.ok(!(await passes(counters, small)), 'and no more than the quota');
  });

  it('issue nothing while the bank cannot be asked, and go on when it can', async () => {
    const counters = worker();
    bank.failing = true;
    await assert.rejects(counters.take([bucket('a', 1)], WAITING), { reason: 'CAP-S04' });
    bank.failing = false;
    assert.ok(await passes(counters, bucket('a', 1)));
  });

  it('leave what was borrowed to the others when one gives up', async () => {
    const counters = worker();
    const answering = Promise.withResolvers<undefined>();
    bank.held = answering.promise;
    const impatient = new AbortController();
    const given = assert.rejects(counters.take([bucket('a', 1)], impatient), /enough/);
    const patient = passes(counters, bucket('a', 1));
    impatient.abort(new Error('enough'));
    await given;
    answering.resolve(undefined);
    assert.ok(await patient);
    assert.equal(bank.asked.length, 1);
  });

  it('let through what a slow bank lends, however late it comes', async () => {
    const counters = worker();
    const answering = Promise.withResolvers<undefined>();
    bank.held = answering.promise;
    const passed = passes(counters, bucket('a', 6_000));
    await clock.advance(MINUTE_MS);
    answering.resolve(undefined);
    assert.ok(await passed);
  });

  it('keep no more than a batch of what was borrowed for calls that gave up', async () => {
    const counters = worker();
    const impatient = new AbortController();
    const [first, second] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    bank.held = first.promise;
    const calls = Array.from({ length: 50 }, async () => counters.take([bucket('a', 60)], impatient));
    bank.held = second.promise;
    first.resolve(undefined);
    await eventually('the others are borrowed for', () => bank.asked.length === 2, { withinMs: 30_000 });
    impatient.abort(new Error('enough'));
    second.resolve(undefined);
    await Promise.allSettled(calls);
    await new Promise(setImmediate);
    for (let n = 0; n < 2; n += 1) assert.ok(await passes(counters, bucket('a', 60)));
    assert.deepEqual(bank.asked, [
      ['a', 1],
      ['a', 49],
      ['a', 1],
    ]);
  });

  it('overshoot by what the quota leaks while a batch is in hand, and not by a batch that lay there for long', async () => {
    const workers = [worker(), worker(), worker()];
    const large = bucket('a', 600);
    const fill = async (): Promise<number> => {
      let passed = 0;
      for (const counters of workers) while (await passes(counters, large)) passed += 1;
      return passed;
    };
    for (const counters of workers) await passes(counters, large);
    await clock.advance(599);
    const soon = await fill();
    assert.ok(soon > 600 && soon <= 606, `${soon} passed`);
    await clock.advance(MINUTE_MS);
    for (const counters of workers) await passes(counters, large);
    await clock.advance(10_000);
    assert.equal(await fill(), 600);
  });

  /** Calls at the workers, most of them close together and some after a while; `burst` many at once. */
  const callsAt = (workers: number) =>
    fc.array(
      fc.record({
        who: fc.nat({ max: workers - 1 }),
        waitMs: fc.oneof(
          { weight: 9, arbitrary: fc.nat({ max: 20 }) },
          { weight: 1, arbitrary: fc.nat({ max: 20_000 }) },
        ),
        burst: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 3 }) }, { weight: 1, arbitrary: fc.nat({ max: 300 }) }),
      }),
      { maxLength: 200, size: 'max' },
    );
  const workersOver = (time: FakeClock, count: number): readonly LentQuotaCounters[] => {
    const shared = new MemoryQuotaBank(time);
    return Array.from({ length: count }, () => new LentQuotaCounters({ bank: shared, clock: time }));
  };

  it('are exact below 200 a minute: several processes decide as one would', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 199 }), callsAt(4), async (perMinute, calls) => {
        const time = new FakeClock();
        const workers = workersOver(time, 4);
        const alone = new MemoryQuotaCounters(time);
        const asked = [bucket('a', perMinute)];
        for (const { who, waitMs } of calls) {
          await time.advance(waitMs);
          const [lent, exact] = [await workers[who]?.take(asked, WAITING), await alone.take(asked, WAITING)];
          assert.equal(lent?.length, exact.length);
        }
      }),
      PROPERTY,
    );
  });

  it('never let more through than the quota and a batch for each process, over any time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 150, max: 600 }), callsAt(3), async (perMinute, calls) => {
        const time = new FakeClock();
        const workers = workersOver(time, 3);
        const passed: { readonly atMs: number; readonly count: number }[] = [];
        for (const { who, waitMs, burst } of calls) {
          await time.advance(waitMs);
          const asked = Array.from({ length: burst }, async () =>
            workers[who]?.take([bucket('a', perMinute)], WAITING),
          );
          const full = await Promise.all(asked);
          passed.push({ atMs: time.monotonicMs(), count: full.filter((one) => one?.length === 0).length });
        }
        const allowed = perMinute + 3 * Math.max(1, Math.floor(perMinute / 100));
        assert.ok(fullest(passed, perMinute) <= allowed + 1e-6, `${fullest(passed, perMinute)} over ${allowed}`);
      }),
      PROPERTY,
    );
  });

  /** @returns how full an exact bucket of any size would have been at most: more than over any time leaked from it. */
  function fullest(passed: readonly { readonly atMs: number; readonly count: number }[], perMinute: number): number {
    let [level, atMs, most] = [0, 0, 0];
    for (const next of passed) {
      level = Math.max(0, level - ((next.atMs - atMs) * perMinute) / MINUTE_MS) + next.count;
      [atMs, most] = [next.atMs, Math.max(most, level)];
    }
    return most;
  }
});
