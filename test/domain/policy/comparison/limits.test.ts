// Limits compared with limits: the tools that say "this asks for too much" and "nobody can pass" rest on it.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  admitsNobody,
  coversKeys,
  coversLabels,
  coversNames,
  coversPatterns,
  coversUsages,
  shareLabels,
  sharePattern,
} from '../../../../src/domain/policy/comparison/limits.ts';
import {
  admits,
  matchesAny,
  matchesPattern,
  nameLimit,
  type NameLimit,
} from '../../../../src/domain/policy/name-patterns.ts';

/** Every name of up to five letters a and b: enough to tell any two short patterns apart. */
const NAMES = [0, 1, 2, 3, 4, 5].flatMap((length) =>
  Array.from({ length: 2 ** length }, (_, index) =>
    length === 0 ? '' : index.toString(2).padStart(length, '0').replaceAll('0', 'a').replaceAll('1', 'b'),
  ),
);
const anyPattern = fc.constantFrom('*', 'a*', '*a', 'ab*', '*ba', 'b*', '*b', 'a', 'ab', 'abba', 'ba');
const anySet = fc.array(anyPattern, { maxLength: 3 });
const anyLimit: fc.Arbitrary<NameLimit> = fc.array(anySet, { maxLength: 3 });

describe('Limits on names', () => {
  it('cover others only when every name of the others is theirs', () => {
    const property = fc.property(anyLimit, anyLimit, (outer, inner) => {
      fc.pre(coversNames(outer, inner));
      for (const name of NAMES) assert.ok(!admits(inner, name) || admits(outer, name), name);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it('cover themselves, anything when they are none, and what another way of writing says too', () => {
    assert.ok(coversNames([], nameLimit(['a'])));
    assert.ok(coversNames(nameLimit(['*']), []));
    assert.ok(!coversNames(nameLimit(['a*']), []));
    assert.ok(coversNames(nameLimit(['a*', 'c']), nameLimit(['ab*', 'c'])));
    assert.ok(!coversNames(nameLimit(['ab*']), nameLimit(['a*'])));
    assert.ok(coversNames(nameLimit(['a']), nameLimit([])), 'who admits nobody asks for nothing');
    assert.ok(coversPatterns(undefined, ['a']) && !coversPatterns(['a'], undefined));
  });

  it('share a name exactly when there is one', () => {
    const property = fc.property(anyPattern, anyPattern, (one, other) => {
      const shared = NAMES.some((name) => matchesPattern(one, name) && matchesPattern(other, name));
      assert.equal(sharePattern(one, other), shared);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('admit nobody exactly when no name passes', () => {
    const property = fc.property(anyLimit, (limit) => {
      assert.equal(
        admitsNobody(limit),
        NAMES.every((name) => !limit.every((set) => matchesAny(set, name))),
      );
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  it('are not followed into ever more combinations', () => {
    const sets = Array.from({ length: 50 }, (_, at) => Array.from({ length: 50 }, (__, to) => `${at}-${to}*`));
    assert.equal(admitsNobody(sets.map((set) => [...set, '*x', '*'])), false);
  });
});

describe('Limits on keys, usages and labels', () => {
  it('cover what is listed with no fewer bits', () => {
    assert.ok(coversKeys({ rsa: 2048, 'ec-p256': 0 }, { rsa: 3072 }));
    assert.ok(!coversKeys({ rsa: 3072 }, { rsa: 2048 }));
    assert.ok(!coversKeys({ 'ec-p256': 0 }, { ed25519: 0 }));
    assert.ok(coversKeys(undefined, {}) && !coversKeys({ rsa: 2048 }, undefined));
  });

  it('cover usages by name', () => {
    assert.ok(coversUsages(['digitalSignature', 'serverAuth'], ['serverAuth']));
    assert.ok(!coversUsages(['digitalSignature'], undefined));
    assert.ok(coversUsages(undefined, undefined));
  });

  it('read more labels as fewer objects', () => {
    assert.ok(coversLabels({ a: '1' }, { a: '1', b: '2' }));
    assert.ok(!coversLabels({ a: '1', b: '2' }, { a: '1' }));
    assert.ok(shareLabels({ a: '1' }, { b: '2' }));
    assert.ok(!shareLabels({ a: '1' }, { a: '2' }));
  });
});
