import assert from 'node:assert/strict';
import { WatchClock } from '../../../src/adapters/clock/watch-clock.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';

describe('The clock of loops that look again and again', () => {
  let fake: FakeClock;
  let clock: WatchClock;
  let stop: AbortController;
  let looks: number;
  beforeEach(() => {
    fake = new FakeClock();
    clock = new WatchClock(fake);
    stop = new AbortController();
    looks = 0;
  });
  afterEach(() => stop.abort());

  async function look(): Promise<void> {
    while (!stop.signal.aborted) {
      looks += 1;
      await clock.sleep(30_000, stop).catch(() => undefined);
    }
  }

  it('sleeps as long as it is told', async () => {
    void look();
    await fake.advance(29_999);
    assert.equal(looks, 1);
    await fake.advance(1);
    assert.equal(looks, 2);
  });

  it('ends every sleep when it is roused, and has each loop look once more after a second', async () => {
    void look();
    await fake.advance(10_000);
    clock.rouse();
    await fake.advance(0);
    assert.equal(looks, 2);
    await fake.advance(1_000);
    assert.equal(looks, 3, 'a loop that was busy slept through the demand');
    await fake.advance(29_000);
    assert.equal(looks, 3);
  });

  it('rejects with the reason of the signal, roused or not', async () => {
    const reason = new Error('stopped');
    const sleeping = clock.sleep(30_000, stop);
    stop.abort(reason);
    await assert.rejects(sleeping, reason);
  });
});
