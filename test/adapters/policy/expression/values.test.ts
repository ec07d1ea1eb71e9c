import assert from 'node:assert/strict';
import { compileExpression } from '../../../../src/adapters/policy/expression/expression.ts';
import { CLUSTER, object, request } from '../../../support/policy/policies.ts';

function answer(source: string, spec: unknown, dnsNames: readonly string[] = []) {
  const expression = compileExpression(source, 'object');
  assert.ok('source' in expression, JSON.stringify(expression));
  const seen = object('Widget', 'shop', 'one', { spec });
  return expression.evaluate({ request: request({ dnsNames }), class: 'workload', cluster: CLUSTER, object: seen });
}

/** As YAML and JSON give them: an own field of that name. */
const hostile: unknown = JSON.parse(
  '{"__proto__": {"admin": true}, "constructor": {"name": "Map"}, "toString": "text"}',
);
const numbers = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

describe('Data that an expression reads', () => {
  it('is never a prototype, a constructor or a method', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'size', 'get'];
    for (const name of names) {
      assert.deepEqual(answer(`object.spec["${name}"] == 1`, {}), { problem: `object.spec["${name}"] is not there` });
      assert.equal(answer(`has(object.spec.x.${name}) || "${name}" in object.spec.x`, { x: {} }), false, name);
    }
    assert.deepEqual(answer('object.spec.length == 1', 'text'), { problem: 'object.spec.length is not there' });
    assert.deepEqual(answer('object.spec.length == 1', [1]), { problem: 'object.spec.length is not there' });
  });

  it('may have fields of such names, which are data like others', () => {
    assert.equal(answer('object.spec.constructor.name == "Map" && object.spec.toString == "text"', hostile), true);
    assert.equal(answer('object.spec["__proto__"].admin', hostile), true);
    assert.deepEqual(answer('object.spec.admin', hostile), { problem: 'object.spec.admin is not there' });
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });

  it('compares as a whole, whatever its depth', () => {
    const spec = { a: { list: [1, { deep: null }] }, b: { list: [1, { deep: null }] }, c: { list: [1, { deep: 0 }] } };
    assert.equal(answer('object.spec.a == object.spec.b', spec), true);
    assert.equal(answer('object.spec.a == object.spec.c', spec), false);
  });

  it('can have a field without the others being looked at', () => {
    const annotations = { applied: 'x'.repeat(20_000), 'team.example/owner': 'shop' };
    assert.equal(answer('"team.example/owner" in object.spec && size(object.spec) == 2', annotations), true);
  });

  it('has an answer however deep it is', () => {
    const nest = () => {
      let spec: unknown = 1;
      for (let depth = 0; depth < 50_000; depth += 1) spec = { spec };
      return spec;
    };
    const compared = answer('object.spec.a == object.spec.b', { a: nest(), b: nest() });
    assert.equal(typeof (compared as { problem: string }).problem, 'string');
  });

  it('is JSON and nothing else', () => {
    for (const spec of [new Date(0), new Map(), () => true, Symbol('x'), 1n]) {
      assert.deepEqual(answer('object.spec == 1', spec), { problem: 'a value is not JSON' });
    }
  });

  it('leaves numbers that are no whole ones as they are', () => {
    assert.equal(answer('object.spec.all(n, n > 0.5)', [0.75, 1e300]), true);
    assert.equal(answer('object.spec == -9007199254740991', Number.MIN_SAFE_INTEGER), true);
  });
});

describe('What an expression can be made to do is bounded', () => {
  it('walks a list of 1,000 elements and no longer one', () => {
    assert.equal(answer('object.spec.all(x, x.n >= 0)', numbers(1_000)), true);
    const problem = 'a list has more than 1,000 elements';
    assert.deepEqual(answer('object.spec.all(x, x.n >= 0)', numbers(1_001)), { problem });
    assert.deepEqual(answer('size(object.spec) > 0', numbers(1_001)), { problem });
  });

  it('walks a map of 1,000 entries and no longer one', () => {
    const labels = (count: number) => Object.fromEntries(numbers(count).map(({ n }) => [`label-${n}`, '']));
    assert.equal(answer('object.spec.labels.all(name, name != "")', { labels: labels(1_000) }), true);
    assert.deepEqual(answer('object.spec.labels.all(name, name != "")', { labels: labels(1_001) }), {
      problem: 'a list has more than 1,000 elements',
    });
  });

  it('asks for no more than 1,000 DNS names of a request', () => {
    const names = (count: number) => numbers(count).map(({ n }) => `${n}.example`);
    assert.equal(answer('request.dnsNames.all(d, d.endsWith(".example"))', 0, names(1_000)), true);
    assert.deepEqual(answer('request.dnsNames.all(d, d.endsWith(".example"))', 0, names(1_001)), {
      problem: 'a list has more than 1,000 elements',
    });
  });

  it('reads a text of 10,000 characters and no longer one', () => {
    assert.equal(answer('object.spec.contains("b")', 'a'.repeat(10_000)), false);
    assert.deepEqual(answer('object.spec.contains("b")', 'a'.repeat(10_001)), {
      problem: 'a text has more than 10,000 characters',
    });
  });

  it('reads no list inside a list', () => {
    assert.deepEqual(answer('1 in object.spec', [[1]]), { problem: 'a list stands in a list' });
  });

  const TOO_MANY = { problem: 'it takes more than 20,000 steps' };
  const dear: readonly (readonly [what: string, source: string, spec: unknown])[] = [
    ['a long test for each of 1,000 elements', `object.spec.all(x, ${'x.n >= 0 && '.repeat(5)}true)`, numbers(1_000)],
    [
      'a long test for each of 1,000 labels',
      `object.spec.labels.all(name, ${'name != "" && '.repeat(6)}true)`,
      { labels: Object.fromEntries(numbers(1_000).map(({ n }) => [`label-${n}`, ''])) },
    ],
    [
      'a list read for each element of another',
      'object.spec.a.all(x, !(x.n in object.spec.b))',
      { a: numbers(200), b: Array<number>(1_000).fill(-1) },
    ],
    [
      'maps compared for each element',
      'object.spec.a.all(x, object.spec.b != object.spec.c)',
      { a: numbers(1_000), b: { x: numbers(500) }, c: { x: numbers(499) } },
    ],
    [
      'long texts searched for each element',
      'object.spec.a.all(x, !object.spec.b.contains("b"))',
      { a: numbers(100), b: 'a'.repeat(5_000) },
    ],
    [
      'long texts searched for long texts',
      `${'!object.spec.a.contains(object.spec.b) && '.repeat(20)}true`,
      { a: 'a'.repeat(4_096), b: `${'a'.repeat(1_024)}b${'a'.repeat(1_023)}` },
    ],
    ['errors that are passed over', 'object.spec.exists(x, x.a || x.b || x.c || x.d || x.e) || true', numbers(1_000)],
  ];
  for (const [what, source, spec] of dear)
    it(`cuts off ${what}`, () => assert.deepEqual(answer(source, spec), TOO_MANY));

  it('starts anew with each evaluation', () => {
    assert.deepEqual(answer(dear[0]![1], dear[0]![2]), TOO_MANY);
    assert.equal(answer('object.spec == 1', 1), true);
  });
});
