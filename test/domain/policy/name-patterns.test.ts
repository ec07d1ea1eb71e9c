// Names in policies: a star at one end at most, so that matching takes no longer than reading.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  admits,
  ANY_NAME,
  covers,
  matchesPattern,
  meetNames,
  NO_NAME,
  nameLimit,
} from '../../../src/domain/policy/name-patterns.ts';

const name = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 6 });
const pattern = fc.oneof(
  name,
  fc.constant('*'),
  name.map((prefix) => `${prefix}*`),
  name.map((suffix) => `*${suffix}`),
);
const limit = fc.array(
  fc.array(pattern, { maxLength: 3 }).map((set) => nameLimit(set)),
  { maxLength: 2 },
);

describe('A name pattern', () => {
  const cases: [pattern: string, name: string, expected: boolean][] = [
    ['shop', 'shop', true],
    ['shop', 'shopping', false],
    ['shop*', 'shopping', true],
    ['*', 'anything', true],
    ['*.example', 'a.example', true],
    ['*.example', 'example', false],
    ['s.op', 'shop', false],
  ];
  for (const [written, tried, expected] of cases) {
    it(`${written} ${expected ? 'matches' : 'does not match'} ${tried}`, () => {
      assert.equal(matchesPattern(written, tried), expected);
    });
  }

  it('covers another only if it matches everything that the other does', () => {
    fc.assert(
      fc.property(pattern, pattern, name, (outer, inner, tried) => {
        if (covers(outer, inner) && matchesPattern(inner, tried)) assert.ok(matchesPattern(outer, tried));
      }),
      { numRuns: 10_000 },
    );
  });

  it('covers itself, what is longer on the open side, and what it matches', () => {
    for (const [outer, inner] of [
      ['*', 'a*'],
      ['a*', 'ab*'],
      ['*b', '*ab'],
      ['a*', 'ab'],
      ['x', 'x'],
    ] as const) {
      assert.ok(covers(outer, inner), `${outer} ${inner}`);
    }
    for (const [outer, inner] of [
      ['a*', '*'],
      ['a', 'a*'],
      ['ab*', 'a*'],
      ['a*', '*a'],
      ['*b', 'b*'],
    ] as const) {
      assert.ok(!covers(outer, inner), `${outer} ${inner}`);
    }
  });
});

describe('A limit on names', () => {
  it('lets everything through when it says nothing, and nothing when it names nobody', () => {
    assert.ok(admits(ANY_NAME, 'x'));
    assert.ok(!admits(NO_NAME, 'x'));
  });

  it('combined with another lets through what both do', () => {
    fc.assert(
      fc.property(limit, limit, name, (a, b, tried) => {
        const [one, other] = [a.flat(), b.flat()];
        assert.equal(admits(meetNames(one, other), tried), admits(one, tried) && admits(other, tried));
      }),
      { numRuns: 10_000 },
    );
  });
});
