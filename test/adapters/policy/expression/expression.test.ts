import assert from 'node:assert/strict';
import { compileExpression } from '../../../../src/adapters/policy/expression/expression.ts';
import type { Over } from '../../../../src/adapters/policy/expression/language.ts';
import type { Expression, ExpressionInput } from '../../../../src/domain/policy/condition.ts';
import { CLUSTER, object, request } from '../../../support/policy/policies.ts';

const INGRESS = object('Ingress', 'shop', 'public-web', {
  metadata: { labels: { team: 'shop', constructor: 'plain data' } },
  spec: {
    replicas: 3,
    ratio: 1.5,
    paused: false,
    selector: null,
    rules: [{ host: 'www.shop.example' }, { host: 'api.shop.example', port: 8443 }],
  },
});

function input(changes: Partial<ExpressionInput> = {}): ExpressionInput {
  const asked = request({
    requestedTtlMs: 3_600_000,
    dnsNames: ['a.example', 'b.example'],
    claims: { podName: 'web-1' },
  });
  return { request: asked, class: 'workload', cluster: CLUSTER, object: INGRESS, ...changes };
}

function compiled(source: string, over: Over = 'object'): Expression {
  const expression = compileExpression(source, over);
  assert.ok('source' in expression, JSON.stringify(expression));
  return expression;
}

const answer = (source: string, changes: Partial<ExpressionInput> = {}) => compiled(source).evaluate(input(changes));

function refusal(source: string, over: Over = 'object') {
  const refused = compileExpression(source, over);
  assert.ok(!('source' in refused), `${source} was accepted`);
  return refused;
}

describe('An expression', () => {
  const holds: readonly string[] = [
    'request.namespace == "shop" && request.serviceAccount == "web"',
    'request.spiffeId == "spiffe://" + request.trustDomain + "/ns/shop/sa/web"',
    'request.class == "workload" && request.issuer != "" && request.actor == ""',
    'request.key.type == "ec-p256" && request.key.bits == 0',
    'request.ttlSeconds <= 3600',
    'request.dnsNames.all(d, d.endsWith(".example")) && size(request.dnsNames) == 2',
    'request.claims.podName.startsWith("web-") && !has(request.claims.nodeName)',
    'cluster.id == "test-1" && cluster.labels.env == "test" && !("region" in cluster.labels)',
    '["web", "api"].exists(name, request.serviceAccount == name)',
    'object.spec.rules.exists(r, r.host.endsWith(".shop.example"))',
    'object.spec.rules.exists_one(r, has(r.port) && r.port == 8443)',
    'object.spec.rules.map(r, r.host) == ["www.shop.example", "api.shop.example"]',
    'size(object.spec.rules.filter(r, has(r.port))) == 1',
    'object.spec.rules[1].port + 1 == 8444',
    'object.metadata.labels["team"] == request.namespace',
    'object.metadata.labels.all(name, name != "owner")',
    'object.spec.selector == null && object.spec.paused == false',
  ];
  for (const source of holds) it(`can say ${source}`, () => assert.equal(answer(source), true));

  it('takes whole numbers of a manifest as int and others as double', () => {
    assert.equal(answer('object.spec.replicas >= 2 && object.spec.replicas % 2 == 1'), true);
    assert.equal(answer('object.spec.ratio > 1.0 && object.spec.ratio < 2'), true);
  });

  it('sees a lifetime that nobody asked for as zero', () => {
    assert.equal(answer('request.ttlSeconds == 0', { request: request({ requestedTtlMs: 0 }) }), true);
  });

  it('sees one request as each policy classes it', () => {
    const asked = input();
    const isGateway = compiled('request.class == "gateway"');
    assert.equal(isGateway.evaluate(asked), false);
    assert.equal(isGateway.evaluate({ ...asked, class: 'gateway' }), true);
  });

  it('answers the same however often and in whatever order it is asked', () => {
    const sources = ['object.spec.rules.exists(r, r.port == 8443)', 'object.spec.nothing', 'request.ttlSeconds > 1'];
    const round = () => sources.map((source) => answer(source));
    assert.deepEqual(round(), round());
    assert.deepEqual(
      sources
        .toReversed()
        .map((source) => answer(source))
        .toReversed(),
      round(),
    );
  });

  it('keeps its source, for whoever is refused by it', () => {
    assert.equal(compiled('request.ttlSeconds > 1', 'request').source, 'request.ttlSeconds > 1');
  });
});

describe('An expression without an answer says why', () => {
  const problems: readonly (readonly [source: string, problem: string])[] = [
    ['object.spec.host == "x"', 'object.spec.host is not there'],
    ['request.claims.nodeName == "x"', 'request.claims.nodeName is not there'],
    ['object.spec.rules.exists(r, r.path == "/")', 'r.path is not there'],
    ['object.spec.rules[7].host == "x"', 'object.spec.rules[7] is out of bounds'],
    ['3600 / (request.ttlSeconds - 3600) > 1', '3600 / (request.ttlSeconds - 3600) divides by zero'],
    ['object.spec.replicas % 0 == 1', 'object.spec.replicas % 0 divides by zero'],
    [
      'object.spec.replicas * 9223372036854775807 > 1',
      'object.spec.replicas * 9223372036854775807 is a number out of range',
    ],
    ['object.spec.replicas > "2"', 'object.spec.replicas > "2" does not fit the type of its values'],
    ['object.metadata.name.all(c, true)', 'object.metadata.name does not fit the type of its values'],
    ['int(object.metadata.name) == 1', 'int(object.metadata.name) is not a number'],
    ['object.spec.replicas', 'the answer is neither true nor false'],
    ['object.spec.paused ? true : object.metadata.name', 'the answer is neither true nor false'],
  ];
  for (const [source, problem] of problems)
    it(`${source}: ${problem}`, () => assert.deepEqual(answer(source), { problem }));

  it('names parts of itself and never what it read', () => {
    const secret = object('Secret', 'shop', 'tls', { data: { key: 'hunter2', of: { hunter2: 1 } } });
    for (const source of [
      'int(object.data.key) == 1',
      'object.data.of[object.data.key].x == 1',
      'object.data[object.data.key] == 1',
    ]) {
      const { problem } = answer(source, { object: secret }) as { problem: string };
      assert.doesNotMatch(problem, /hunter2/);
    }
  });

  it('misses an object that nobody gave it', () => {
    const { object: none, ...alone } = input();
    assert.ok(none);
    assert.deepEqual(compiled('object.spec.x == 1').evaluate(alone), { problem: 'object is not there' });
  });
});

describe('An expression is refused when it is loaded', () => {
  const FUNCTIONS =
    'has, size, int, double, string, startsWith, endsWith, contains, all, exists, exists_one, map, filter';
  const refused: readonly (readonly [what: string, source: string, problem: string, offset: number | undefined])[] = [
    ['empty', '', 'is not CEL: it ends too early', 0],
    ['half written', 'request.ttlSeconds >', 'is not CEL: it ends too early', 20],
    ['in another language', 'request.ttlSeconds === 1', 'is not CEL: Unexpected character: =', 21],
    ['a number', 'request.ttlSeconds', 'gives int, not true or false', 0],
    ['a text', '"yes"', 'gives string, not true or false', 0],
    [
      'a constant without an answer in a list',
      '[1, 0].all(n, 1 / n == 1)',
      'has no answer for anybody: 1 / n divides by zero',
      0,
    ],
    ['a constant without an answer', '1 / 0 == 1', 'has no answer for anybody: 1 / 0 divides by zero', 0],
    [
      'comparing text with a number',
      'true && request.namespace == 1',
      'does not type-check: no such overload: string == int',
      8,
    ],
    ['asking for a field that requests lack', 'request.pod == "x"', 'does not type-check: No such key: pod', 8],
    ['asking whether there is such a field', 'true || has(request.pod)', 'does not type-check: No such key: pod', 12],
    [
      "a claim's former name",
      'request.claims.provenBy == "token"',
      'the claim provenBy is called authenticationMethod now',
      15,
    ],
    [
      "asking for a claim's former name",
      'has(request.claims.provenBy)',
      'the claim provenBy is called authenticationMethod now',
      19,
    ],
    [
      "looking for a claim's former name",
      '"evidence" in request.claims',
      'the claim evidence is called credentialId now',
      0,
    ],
    [
      "a claim's former name in brackets",
      'request.claims["evidence"] == "x"',
      'the claim evidence is called credentialId now',
      0,
    ],
    ['a misspelt variable', 'true && requst.namespace == "x"', 'requst is not known here: request, cluster, object', 8],
    ['a type for a variable', 'int == int', 'int is not known here: request, cluster, object', 0],
    ['an unknown function', 'true && now() > 1', `now() is not a function here: ${FUNCTIONS}`, 8],
    [
      'a timestamp',
      'timestamp(object.x) == timestamp(object.y)',
      `timestamp() is not a function here: ${FUNCTIONS}`,
      0,
    ],
    [
      'a regular expression',
      '"aaaa!".matches("(a+)+$")',
      'matches() is not available: use startsWith, endsWith or contains',
      0,
    ],
    [
      'a regular expression on data',
      'object.spec.rules.all(r, r.host.matches(r.host))',
      'matches() is not available: use startsWith, endsWith or contains',
      25,
    ],
    ['binding a name', 'cel.bind(x, 1, x == 1)', `bind() is not a function here: ${FUNCTIONS}`, 0],
    [
      'a walk inside a walk',
      'object.a.all(x, object.b.all(y, x == y))',
      'all() stands inside another walk over a list',
      16,
    ],
    [
      'a walk inside what a walk makes',
      'object.a.map(x, object.b.filter(y, y == x)) == []',
      'filter() stands inside another walk over a list',
      16,
    ],
    [
      'a walk over what a walk made',
      'object.a.filter(x, x > 1).exists(y, y > 2)',
      'exists() walks a field or a written list, nothing computed',
      0,
    ],
    [
      'a walk over a sum of lists',
      '(object.a + object.b).exists(y, y > 2)',
      'exists() walks a field or a written list, nothing computed',
      1,
    ],
    [
      'a walk hidden in an argument',
      'object.a.exists(x, x in object.b.map(y, y))',
      'map() stands inside another walk over a list',
      24,
    ],
    ['five walks', Array.from({ length: 5 }, () => 'object.a.all(x, x)').join(' && '), 'walks more than 4 lists', 88],
    [
      'an element with a name that is taken',
      'object.a.all(request, request == 1)',
      'request has a meaning already',
      13,
    ],
    [
      'a walk without a test',
      'object.a.all(x)',
      'all() takes a name for the element and a test, as in list.all(x, x != "")',
      0,
    ],
    ['has() of no field', 'has(object)', 'has() takes a field, as in has(object.spec)', 0],
    [
      'searching composed text',
      'object.a.contains(object.b + object.c)',
      'contains() takes a field or written text, nothing composed',
      0,
    ],
    ['a map', '{"a": 1}["a"] == 1', 'maps cannot be written here', 1],
    ['bytes', 'b"a" == b"a"', 'bytes and unsigned numbers cannot be written here', 0],
    ['an unsigned number', '1u == 1u', 'bytes and unsigned numbers cannot be written here', 0],
    ['a number out of range', '9223372036854775808 > 1', 'has a number out of range', 0],
    ['2,001 characters', 'true'.padEnd(2_001), 'is longer than 2,000 characters', undefined],
    [
      'a text of 601 characters',
      `request.namespace == "${'x'.repeat(601)}"`,
      'has a text of more than 600 characters',
      21,
    ],
    ['501 parts', `${'"a" + '.repeat(300)}"a" == "a"`, 'has more than 500 parts', 0],
    ['1,990 negations', `${'!'.repeat(1_990)}true`, 'has more than 500 parts', 1_490],
    ['900 parentheses', `${'('.repeat(900)}true${')'.repeat(900)}`, 'is nested more than 32 deep', 32],
    ['a path of 40 fields', `object${'.a'.repeat(40)} == 1`, 'is nested more than 32 deep', 68],
    ['101 elements', `1 in [${'1,'.repeat(101)}]`, 'has a list of more than 100 elements', 206],
    ['four arguments', 'size(1, 2, 3, 4) == 1', 'calls a function with more than 3 arguments', 14],
  ];
  for (const [what, source, problem, offset] of refused) {
    it(`with ${what}`, () => assert.deepEqual(refusal(source), { problem, ...(offset !== undefined && { offset }) }));
  }

  it('with an object where there is none', () => {
    assert.deepEqual(refusal('object.spec.x == 1', 'request'), {
      problem: 'object is not known here: request, cluster',
      offset: 0,
    });
  });
});
