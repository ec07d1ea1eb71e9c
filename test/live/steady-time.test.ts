import assert from 'node:assert/strict';
import { steadyTime } from '../../src/live/steady-time.ts';

describe('The time for what cannot be taken back', () => {
  let [nowMs, monotonicMs] = [0, 0];
  const clock = { nowMs: () => nowMs, monotonicMs: () => monotonicMs };
  beforeEach(() => {
    [nowMs, monotonicMs] = [1_000_000, 12.75];
  });

  it('goes on with the clock, in whole milliseconds', () => {
    const time = steadyTime(clock);
    [nowMs, monotonicMs] = [1_000_500, 512.25];
    assert.equal(time(), 1_000_499);
  });

  it('does not go forwards with a clock that is set forwards, and goes back with one that is set back', () => {
    const time = steadyTime(clock);
    [nowMs, monotonicMs] = [9_000_000, 1_012.75];
    assert.equal(time(), 1_001_000);
    nowMs = 900_000;
    assert.equal(time(), 900_000);
  });
});
