import assert from 'node:assert/strict';
import { MAX_TIMER_MS, SystemClock } from '../../../src/adapters/clock/system-clock.ts';

const NEVER = new AbortController().signal;

describe('The system clock', () => {
  it('tells milliseconds since the epoch, and never runs backwards where durations are measured', () => {
    const clock = new SystemClock();
    assert.ok(Math.abs(clock.nowMs() - Date.now()) < 1000);
    const first = clock.monotonicMs();
    assert.ok(clock.monotonicMs() >= first);
  });

  it('splits a sleep that no timer can hold', async () => {
    const slept: number[] = [];
    const clock = new SystemClock({ timer: async (ms) => slept.push(ms) });
    await clock.sleep(2 * MAX_TIMER_MS + 5, { signal: NEVER });
    assert.deepEqual(slept, [MAX_TIMER_MS, MAX_TIMER_MS, 5]);
  });

  it('does not wake at once from a sleep of a year', async () => {
    const end = new AbortController();
    let woke = false;
    const asleep = new SystemClock().sleep(365 * 86_400_000, { signal: end.signal }).then(() => (woke = true));
    await new SystemClock().sleep(20, { signal: NEVER });
    assert.equal(woke, false);
    end.abort(new Error('enough'));
    await assert.rejects(asleep, { message: 'enough' });
  });

  it('rejects with the reason of a signal that is or becomes aborted', async () => {
    const reason = new Error('stop');
    await assert.rejects(new SystemClock().sleep(1, { signal: AbortSignal.abort(reason) }), reason);
  });
});
