import assert from 'node:assert/strict';
import {
  excusedMs,
  excusedTimes,
  stillFelt,
  type Barred,
  type Interruption,
} from '../../../src/domain/trust/interruption.ts';

const HOUR_MS = 3_600_000;
const out = (from: number, to: number, barred: Barred = {}): Interruption => ({
  fromMs: from * HOUR_MS,
  toMs: to * HOUR_MS,
  barred,
});

describe('An interruption', () => {
  const felt = (hours: number, ...interruptions: readonly Interruption[]): number =>
    stillFelt(interruptions, 24 * HOUR_MS, hours * HOUR_MS).length;

  it('makes no difference any more after half of the longest life in which all could come', () => {
    assert.equal(felt(32, out(10, 20)), 1);
    assert.equal(felt(32.1, out(10, 20)), 0);
  });

  it('makes one as long as another holds up who was late already', () => {
    assert.equal(felt(200, out(10, 20), out(31, 200)), 2);
    assert.equal(felt(200, out(10, 20), out(33, 200)), 1);
  });
});

describe('The time that nobody is late for', () => {
  const GOLD = { issuerName: 'gold', cluster: 'east', podUid: '1' };
  const SILVER = { issuerName: 'silver', cluster: 'west', podUid: '2' };
  const MACHINE = { issuerName: 'silver', cluster: 'west' };
  const hours = (holder: typeof MACHINE, ...interruptions: readonly Interruption[]): number =>
    excusedMs(excusedTimes(interruptions, { cluster: 'east' }), holder, 10 * HOUR_MS) / HOUR_MS;

  it('is none where nothing was interrupted, and none from before a renewal was due', () => {
    assert.deepEqual(excusedTimes([], { cluster: 'east' }), []);
    assert.equal(hours(GOLD, out(5, 10)), 0);
    assert.equal(hours(GOLD, out(5, 12)), 2);
  });

  it('counts once where interruptions overlap, whomever they concerned', () => {
    const all = [
      out(10, 14),
      out(12, 16, { issuer: 'gold' }),
      out(15, 18, { cluster: '' }),
      out(20, 21, { cluster: 'west' }),
    ];
    assert.equal(hours(GOLD, ...all), 8);
    assert.equal(hours(SILVER, ...all), 5);
    assert.equal(hours(MACHINE, ...all), 4, 'a machine needs no API server');
  });

  it('counts what concerned an issuer in one cluster for those of both alone', () => {
    const both = out(10, 12, { issuer: 'silver', cluster: 'west' });
    assert.deepEqual([hours(SILVER, both), hours(MACHINE, both), hours(GOLD, both)], [2, 0, 0]);
  });

  it('is told in few spans however often something came and went, and in no less time', () => {
    const flapping = Array.from({ length: 200 }, (_, index) => out(10 + index, 10.5 + index));
    const long = [out(0, 9), out(400, 500)];
    const [excused, ...more] = excusedTimes([...flapping, ...long], { cluster: 'east' });
    assert.ok((excused?.spans.length ?? Infinity) <= 20 && more.length === 0);
    assert.ok(hours(GOLD, ...flapping) >= 100);
    assert.equal(excused?.spans.at(-1)?.fromMs, 400 * HOUR_MS, 'the shortest gaps are closed');
  });

  it('is told for few holders however many are concerned by something', () => {
    const many = Array.from({ length: 90 }, (_, index) => [
      out(10, 11, { issuer: `i${index}` }),
      out(11, 12, { cluster: `c${index}` }),
    ]).flat();
    assert.ok(excusedTimes(many, { cluster: 'east' }).length <= 200);
    assert.equal(hours({ issuerName: 'i5', cluster: 'east' }, ...many), 1);
  });
});
