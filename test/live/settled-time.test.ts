import assert from 'node:assert/strict';
import { BELIEVED_AFTER_MS, SettledTime } from '../../src/live/settled-time.ts';
import { FakeClock, NOON_MS } from '../support/fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

describe('Settled time', () => {
  let clock: FakeClock;
  let time: SettledTime;
  beforeEach(() => {
    clock = new FakeClock();
    time = new SettledTime(clock);
    time.nowMs();
  });

  it('is that of the wall clock while nobody sets it, however it is corrected', async () => {
    for (let at = 0; at < 100; at += 1) {
      await clock.advance(MINUTE_MS);
      clock.jumpTo(clock.nowMs() + 500);
      assert.equal(time.nowMs(), clock.nowMs());
    }
  });

  it('is in whole milliseconds, though the monotonic clock is not', () => {
    let monotonicMs = 1_234.5678;
    const machine = new SettledTime({ nowMs: () => NOON_MS, monotonicMs: () => (monotonicMs += 0.0123) });
    for (let at = 0; at < 10; at += 1) assert.ok(Number.isInteger(machine.nowMs()));
  });

  it('is ahead of nothing while nobody sets the clock, though two readings of it are never of one moment', () => {
    let monotonicMs = 1_234.5678;
    const readings = () => (monotonicMs += 0.0123);
    const machine = new SettledTime({ nowMs: () => NOON_MS + Math.floor(readings() - 1_234), monotonicMs: readings });
    for (let at = 0; at < 1_000; at += 1) assert.equal(machine.aheadMs(), 0);
  });

  it('goes on as it was when the clock is set forwards, and is the new one when that has been so for an hour', async () => {
    clock.jumpTo(NOON_MS + 48 * HOUR_MS);
    assert.deepEqual([time.nowMs(), time.aheadMs()], [NOON_MS, 48 * HOUR_MS]);
    await clock.advance(BELIEVED_AFTER_MS - 1);
    assert.equal(time.nowMs(), NOON_MS + BELIEVED_AFTER_MS - 1);
    await clock.advance(1);
    assert.deepEqual([time.nowMs(), time.aheadMs()], [clock.nowMs(), 0]);
  });

  it('never saw a step that was taken back, and counts anew for the next one', async () => {
    clock.jumpTo(NOON_MS + HOUR_MS);
    time.nowMs();
    await clock.advance(MINUTE_MS);
    clock.jumpTo(NOON_MS + MINUTE_MS);
    assert.deepEqual([time.nowMs(), time.aheadMs()], [NOON_MS + MINUTE_MS, 0]);
    await clock.advance(2 * HOUR_MS);
    clock.jumpTo(clock.nowMs() + HOUR_MS);
    assert.equal(time.aheadMs(), HOUR_MS);
  });

  it('believes of two steps the first after its hour, and the second after its own', async () => {
    clock.jumpTo(NOON_MS + HOUR_MS);
    time.nowMs();
    await clock.advance(BELIEVED_AFTER_MS / 2);
    clock.jumpTo(clock.nowMs() + HOUR_MS);
    time.nowMs();
    await clock.advance(BELIEVED_AFTER_MS / 2);
    assert.equal(time.aheadMs(), HOUR_MS);
    await clock.advance(BELIEVED_AFTER_MS);
    assert.equal(time.aheadMs(), 0);
  });

  it('is set back at once, and may come back within an hour to where it was, and no further', async () => {
    for (const backMs of [2 * HOUR_MS, HOUR_MS]) {
      clock.jumpTo(NOON_MS - backMs);
      assert.equal(time.nowMs(), NOON_MS - backMs);
    }
    clock.jumpTo(NOON_MS);
    assert.equal(time.nowMs(), NOON_MS);
    clock.jumpTo(NOON_MS + HOUR_MS);
    assert.equal(time.nowMs(), NOON_MS);
  });

  it('is a step forwards like any other when it comes back later', async () => {
    clock.jumpTo(NOON_MS - HOUR_MS);
    time.nowMs();
    await clock.advance(BELIEVED_AFTER_MS);
    clock.jumpTo(NOON_MS + BELIEVED_AFTER_MS);
    assert.equal(time.aheadMs(), HOUR_MS);
  });
});
