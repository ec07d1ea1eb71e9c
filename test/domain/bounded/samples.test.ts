import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_GROUPS, Samples, type Sample } from '../../../src/domain/bounded/samples.ts';

const BOUNDS = { each: 2, alone: 5, kinds: 4 };

const sample = (group: string, kind: string): Sample => ({ group, kind, rest: 'all' });

describe('Samples', () => {
  it('stand for themselves at first and are counted then, kind by kind', () => {
    const samples = new Samples<string>(BOUNDS);
    for (const kind of ['a', 'a', 'b', 'b', 'c'])
      assert.equal(
        samples.take(sample('g', kind), () => kind),
        undefined,
      );
    for (const kind of ['a', 'a', 'c', 'd']) samples.take(sample('g', kind), () => kind);
    assert.deepEqual(samples.end(), [
      { of: 'a', count: 2 },
      { of: 'c', count: 1 },
      { of: 'd', count: 1 },
    ]);
    assert.deepEqual(samples.end(), []);
    assert.equal(
      samples.take(sample('g', 'a'), () => 'a'),
      undefined,
      'a new interval begins',
    );
  });

  it('lose nothing and keep their bounds, whatever comes', () => {
    const anything = fc.array(fc.record({ group: fc.nat(400), kind: fc.nat(9) }), { minLength: 1, maxLength: 2_000 });
    fc.assert(
      fc.property(anything, (taken) => {
        const samples = new Samples<string>(BOUNDS);
        const alone = taken.filter(
          ({ group, kind }) => samples.take(sample(String(group), String(kind)), () => 'x') === undefined,
        ).length;
        const tallies = samples.end();
        const counted = tallies.reduce((sum, { count }) => sum + count, 0);
        assert.equal(alone + counted, taken.length);
        const groups = Math.min(new Set(taken.map(({ group }) => group)).size, MAX_GROUPS + 1);
        assert.ok(alone <= groups * BOUNDS.alone);
        assert.ok(tallies.length <= groups * (BOUNDS.kinds + 1));
      }),
      { numRuns: 20 },
    );
  });

  it('say when a tally is of several kinds', () => {
    const samples = new Samples<boolean>({ each: 0, alone: 0, kinds: 1 });
    for (const kind of ['a', 'b', 'c']) samples.take(sample('g', kind), (mixed) => mixed);
    assert.deepEqual(samples.end(), [
      { of: false, count: 1 },
      { of: true, count: 2 },
    ]);
  });
});
