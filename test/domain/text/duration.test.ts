import assert from 'node:assert/strict';
import { formatDuration, parseDuration } from '../../../src/domain/text/duration.ts';

describe('A duration', () => {
  const valid: readonly [string, number][] = [
    ['0s', 0],
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['36500d', 36_500 * 86_400_000],
  ];
  for (const [text, ms] of valid) {
    it(`is ${ms} ms when written ${text}`, () => assert.equal(parseDuration(text), ms));
  }

  for (const text of ['', '10', 'h', '1.5h', '-1s', '1h30m', ' 1h', '1H', '1w', '1 h', '1e3s', '٣s', '1h\n']) {
    it(`is refused when written ${JSON.stringify(text)}, with what would be right`, () => {
      const problem = 'is not a whole number followed by s, m, h or d, such as 30s, 10m, 1h or 7d';
      assert.deepEqual(parseDuration(text), { problem });
    });
  }

  it('is refused when it is longer than any date can bear', () => {
    assert.deepEqual(parseDuration('36501d'), { problem: 'is longer than 36500d' });
    assert.deepEqual(parseDuration('999999999999999d'), { problem: 'is longer than 36500d' });
  });

  const spoken: readonly [number, string][] = [
    [0, '0s'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [86_400_000, '24h'],
    [604_800_000, '7d'],
    [Infinity, 'any'],
  ];
  for (const [ms, text] of spoken) {
    it(`of ${ms} ms is written ${text}`, () => assert.equal(formatDuration(ms), text));
  }
});
