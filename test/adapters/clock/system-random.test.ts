import assert from 'node:assert/strict';
import { SystemRandom } from '../../../src/adapters/clock/system-random.ts';

describe('The system random generator', () => {
  it('never hands out the same bytes twice, across refills of its pool', () => {
    const random = new SystemRandom();
    const seen = new Set(Array.from({ length: 2000 }, () => Buffer.from(random.bytes(16)).toString('hex')));
    assert.equal(seen.size, 2000);
  });

  it('hands out bytes that nothing changes afterwards', () => {
    const random = new SystemRandom();
    const taken = random.bytes(16);
    const copy = Uint8Array.from(taken);
    for (let i = 0; i < 1000; i += 1) random.bytes(16);
    assert.deepEqual(taken, copy);
  });

  it('gives more than a pool holds when asked', () => {
    const bytes = new SystemRandom().bytes(10_000);
    assert.equal(bytes.length, 10_000);
    assert.ok(new Set(bytes).size > 200);
  });

  it('gives fractions from 0 up to, never reaching, 1, and spread over both halves', () => {
    const random = new SystemRandom();
    const fractions = Array.from({ length: 1000 }, () => random.fraction());
    assert.ok(fractions.every((fraction) => fraction >= 0 && fraction < 1));
    const upper = fractions.filter((fraction) => fraction >= 0.5).length;
    assert.ok(upper > 350 && upper < 650, `${upper} of 1000 in the upper half`);
  });
});
