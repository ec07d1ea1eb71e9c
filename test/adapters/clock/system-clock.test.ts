import assert from 'node:assert/strict';
import { MAX_TIMER_MS, SystemClock } from '../../../src/adapters/clock/system-clock.ts';

const NEVER = new AbortController().signal;

/** @param after the time that passes until a timer of `ms` fires. */
function withTimer(after: (ms: number) => number): { readonly clock: SystemClock; readonly slept: readonly number[] } {
  const slept: number[] = [];
  let nowMs = 0;
  const timer = async (ms: number): Promise<void> => {
    slept.push(ms);
    nowMs += after(ms);
  };
  return { clock: new SystemClock({ timer, monotonicMs: () => nowMs }), slept };
}

describe('The system clock', () => {
  it('tells milliseconds since the epoch, and never runs backwards where durations are measured', () => {
    const clock = new SystemClock();
    assert.ok(Math.abs(clock.nowMs() - Date.now()) < 1000);
    const first = clock.monotonicMs();
    assert.ok(clock.monotonicMs() >= first);
  });

  it('splits a sleep that no timer can hold', async () => {
    const { clock, slept } = withTimer((ms) => ms);
    await clock.sleep(2 * MAX_TIMER_MS + 5, { signal: NEVER });
    assert.deepEqual(slept, [MAX_TIMER_MS, MAX_TIMER_MS, 5]);
  });

  it('never wakes early, as timers do', async () => {
    const { clock, slept } = withTimer((ms) => Math.max(ms - 0.5, 1));
    await clock.sleep(2_000, { signal: NEVER });
    assert.deepEqual(slept, [2_000, 0.5]);
    assert.ok(clock.monotonicMs() >= 2_000);
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

  it('acts once after a while, unless that is taken back', async () => {
    const clock = new SystemClock();
    const acted: string[] = [];
    const takeBack = clock.after(5, () => acted.push('taken back'));
    takeBack();
    takeBack();
    clock.after(10, () => acted.push('acted'));
    await clock.sleep(30, { signal: NEVER });
    assert.deepEqual(acted, ['acted']);
  });

  it('wakes at a moment of the wall clock, and not before', async () => {
    const clock = new SystemClock();
    const momentMs = clock.nowMs() + 30;
    assert.equal(await clock.sleepUntil(momentMs, { signal: NEVER }), 'reached');
    assert.ok(clock.nowMs() >= momentMs);
    assert.equal(await clock.sleepUntil(momentMs - 3_600_000, { signal: NEVER }), 'reached');
  });

  for (const [way, stepMs] of [
    ['forwards', 25 * 3_600_000],
    ['back', -31 * 86_400_000],
  ] as const) {
    it(`wakes everybody who waits for a moment when the wall clock is set ${way}`, async () => {
      let offsetMs = 0;
      const looks: (() => void)[] = [];
      const clock = new SystemClock({
        wallMs: () => Date.now() + offsetMs,
        timer: async (_ms, _value, { signal }) =>
          new Promise((resolve, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason as Error));
            if (signal === undefined) looks.push(() => resolve(undefined));
          }),
      });
      const waits = [1, 2].map(async (days) => clock.sleepUntil(clock.nowMs() + days * 86_400_000, { signal: NEVER }));
      looks.shift()?.();
      await new Promise(setImmediate);
      assert.equal(looks.length, 1, 'nothing has happened, and the clocks are looked at again');
      offsetMs = stepMs;
      looks.shift()?.();
      assert.deepEqual(await Promise.all(waits), ['stepped', 'stepped']);
    });
  }

  it('ends a wait for a moment with the reason of its signal', async () => {
    const end = new AbortController();
    const waiting = new SystemClock().sleepUntil(Date.now() + 86_400_000, { signal: end.signal });
    end.abort(new Error('stop'));
    await assert.rejects(waiting, { message: 'stop' });
  });

  it('rejects with the reason of a signal that is or becomes aborted', async () => {
    const reason = new Error('stop');
    await assert.rejects(new SystemClock().sleep(1, { signal: AbortSignal.abort(reason) }), reason);
  });
});
