// What a change of policies does, reported before it is merged: who may have more, and who less.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { USAGES, type Bounds } from '../../../../src/domain/policy/bounds.ts';
import {
  differences,
  mayWiden,
  type Direction,
  type FieldDifference,
} from '../../../../src/domain/policy/comparison/differences.ts';
import type { Condition } from '../../../../src/domain/policy/condition.ts';
import type {
  CentralRule,
  LocalPolicy,
  PolicyBundle,
  PolicyDocument,
} from '../../../../src/domain/policy/documents.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import { nameLimit } from '../../../../src/domain/policy/name-patterns.ts';
import type { PolicySet } from '../../../../src/domain/policy/policy-set.ts';
import type { PolicyRequest } from '../../../../src/domain/policy/request.ts';
import type { ClusterSnapshot } from '../../../../src/domain/cluster/snapshot.ts';
import { NO_QUOTAS } from '../../../../src/domain/policy/evaluation/statement.ts';
import {
  bundle,
  clusterWide,
  condition,
  expression,
  HAS_INGRESS,
  HOUR_MS,
  local,
  NOW_MS,
  object,
  policySet,
  request,
  rule,
  snapshot,
  WIDE,
  wide,
} from '../../../support/policy/policies.ts';

type Bundle = Partial<PolicyBundle>;

function reported(before: readonly PolicyDocument[], after: readonly PolicyDocument[]): readonly FieldDifference[] {
  return differences(before, after).filter(({ direction }) => direction !== 'unchanged');
}

/** The fields that differ between two bundles, each with its direction. */
function changes(before: Bundle, after: Bundle): Record<string, Direction> {
  const found = reported([bundle(before)], [bundle(after)]);
  return Object.fromEntries(found.map(({ field, direction }) => [field, direction]));
}

const strict = (changed: Partial<Bounds>): CentralRule => rule({ bounds: wide(changed) });
const ingress = condition(HAS_INGRESS);
const deny = { namespaces: [], serviceAccounts: ['default'] };

describe('The difference between policies', () => {
  it('is nothing between a document and itself, and names every field that it compared', () => {
    const all = differences([bundle(), local()], [bundle(), local()]);
    assert.deepEqual([...new Set(all.map(({ direction }) => direction))], ['unchanged']);
    assert.ok(
      all.some(({ document, field }) => document === 'PolicyBundle corp' && field === 'rules.mesh.bounds.keys'),
    );
    assert.ok(all.some(({ document, field }) => document === 'IssuancePolicy shop/local' && field === 'spec.mode'));
  });

  it('tells a field with what it was and what it is, in the words of documents', () => {
    const before = bundle({ rules: [strict({ ttl: { ...WIDE.ttl, maxMs: HOUR_MS } })] });
    assert.deepEqual(reported([before], [bundle()]), [
      {
        document: 'PolicyBundle corp',
        field: 'rules.mesh.bounds.ttl.max',
        before: '1h',
        after: '24h',
        direction: 'widened',
      },
    ]);
  });

  const bounds: readonly [field: string, narrower: Partial<Bounds>][] = [
    ['trustDomains', { trustDomains: [] }],
    ['dnsNames', { dnsNames: nameLimit(['*.shop.example']) }],
    ['ttl.min', { ttl: { ...WIDE.ttl, minMs: HOUR_MS } }],
    ['ttl.default', { ttl: { ...WIDE.ttl, defaultMs: HOUR_MS } }],
    ['keys', { keys: { 'ec-p256': 0, rsa: 3072 } }],
    ['usages', { usages: ['digitalSignature', 'clientAuth'] }],
    ['impersonators', { impersonators: nameLimit(['istio-system/ztunnel']) }],
    ['issuer', { issuers: nameLimit(['prod-*']) }],
  ];
  for (const [field, changed] of bounds) {
    it(`has a direction for ${field}`, () => {
      const wider = ['trustDomains', 'dnsNames', 'impersonators'].includes(field);
      const [there, back]: Direction[] = wider ? ['widened', 'narrowed'] : ['narrowed', 'widened'];
      const name = `rules.mesh.bounds.${field}`;
      assert.deepEqual(changes({}, { rules: [strict(changed)] }), { [name]: there });
      assert.deepEqual(changes({ rules: [strict(changed)] }, {}), { [name]: back });
    });
  }

  it('counts what cannot be compared as what may widen', () => {
    const [one, other] = [strict({ keys: { 'ec-p256': 0 } }), strict({ keys: { ed25519: 0 } })];
    const [found] = reported([bundle({ rules: [one] })], [bundle({ rules: [other] })]);
    assert.equal(found?.direction, 'changed');
    assert.ok(mayWiden(found));
  });

  it('widens with a rule for somebody new, not with one more rule for the same', () => {
    const edge = rule({ id: 'edge', match: { namespaces: { names: ['edge'] } } });
    const mesh = rule({ match: { namespaces: { names: ['shop', 'team-*'] } } });
    const same = rule({ id: 'same', match: { namespaces: { names: ['team-a'] } } });
    assert.deepEqual(changes({ rules: [mesh] }, { rules: [mesh, edge] }), { 'rules.edge': 'widened' });
    assert.deepEqual(changes({ rules: [mesh] }, { rules: [mesh, same] }), { 'rules.same': 'narrowed' });
  });

  it('widens when a strict rule goes away and a loose one stays', () => {
    const payments = { ...strict({ keys: { 'ec-p384': 0 } }), id: 'payments', match: rule().match };
    assert.deepEqual(changes({ rules: [rule(), payments] }, {}), { 'rules.payments': 'widened' });
    assert.deepEqual(changes({ rules: [rule(), payments] }, { rules: [payments] }), { 'rules.mesh': 'narrowed' });
    const labelled = rule({ match: { namespaces: { labels: { mesh: 'true' } } } });
    const moved = changes({ rules: [labelled, payments] }, { rules: [labelled] });
    assert.deepEqual(moved, { 'rules.payments': 'widened' }, 'labels are not known here');
  });

  it('widens when a rule that denies or demands matches less', () => {
    const guard = (names: readonly string[], more: Partial<CentralRule>): CentralRule => {
      const { bounds: none, ...rest } = rule({ id: 'guard', match: { namespaces: { names } }, ...more });
      assert.ok(none);
      return rest;
    };
    for (const more of [{ deny }, { conditions: [ingress] }]) {
      const [wide, small] = [guard(['a', 'b'], more), guard(['a'], more)].map((each) => ({ rules: [rule(), each] }));
      assert.deepEqual(changes(wide!, small!), { 'rules.guard.match.namespaces.names': 'widened' });
      assert.deepEqual(changes(small!, wide!), { 'rules.guard.match.namespaces.names': 'narrowed' });
    }
  });

  const others: readonly [what: string, changed: Bundle, expected: Record<string, Direction>][] = [
    ['a rule that is only audited', { rules: [rule({ mode: 'audit' })] }, { 'rules.mesh.mode': 'narrowed' }],
    ['a rule that is switched off', { rules: [rule({ mode: 'off' })] }, { 'rules.mesh.mode': 'narrowed' }],
    ['one more denial', { rules: [rule({ deny })] }, { 'rules.mesh.deny.serviceAccounts': 'narrowed' }],
    [
      'one more condition',
      { rules: [rule({ conditions: [ingress] })] },
      { 'rules.mesh.conditions.condition': 'narrowed' },
    ],
    ['a lock', { rules: [rule({ locked: true })] }, { 'rules.mesh.locked': 'narrowed' }],
    ['a smaller audience', { audience: ['prod-*'] }, { 'audience.clusters': 'narrowed' }],
    [
      'a pinned anchor',
      { issuers: [{ name: 'x', anchor: 'aa', minRemainingMs: 0 }] },
      { 'issuers.x.anchor': 'narrowed' },
    ],
    [
      'a maximum of path length',
      { issuers: [{ name: 'x', minRemainingMs: 0, maxPathLength: 1 }] },
      { 'issuers.x.maxPathLength': 'narrowed' },
    ],
    [
      'another owner',
      { owner: { team: 'other', contact: '#o' } },
      { 'owner.contact': 'neutral', 'owner.team': 'neutral' },
    ],
    ['a new sequence', { sequence: 2 }, { 'metadata.sequence': 'neutral' }],
    [
      'another class',
      { classes: [{ class: 'gateway', namespaces: ['edge'], serviceAccounts: ['*'] }] },
      { classes: 'changed' },
    ],
    [
      'audited namespaces',
      { namespaces: { ...bundle().namespaces, audit: [{ names: ['sandbox-*'] }] } },
      { 'namespaces.audit': 'widened' },
    ],
    [
      'a stricter ceiling for local policies',
      {
        namespaces: {
          requireLocal: true,
          maxWaitMs: 1_000,
          onRenew: { kind: 'grace', graceMs: HOUR_MS },
          quotas: { perNamespacePerMinute: 10, perIdentityPerMinute: 1 },
          audit: [],
        },
      },
      {
        'namespaces.requireLocal': 'narrowed',
        'namespaces.maxLocalWait': 'narrowed',
        'namespaces.onRenew': 'narrowed',
        'namespaces.quotas.perNamespacePerMinute': 'narrowed',
        'namespaces.quotas.perIdentityPerMinute': 'narrowed',
      },
    ],
    [
      'an earlier end',
      { validity: { notBeforeMs: 1, softExpiryMs: 2, hardExpiryMs: 3, renewAfterHardExpiry: true } },
      {
        'validity.notBefore': 'narrowed',
        'validity.softExpiry': 'neutral',
        'validity.hardExpiry': 'narrowed',
        'validity.renewAfterHardExpiry': 'widened',
      },
    ],
  ];
  for (const [what, changed, expected] of others) {
    it(`knows what ${what} does`, () => {
      assert.deepEqual(changes({}, changed), expected);
      const back = Object.values(changes(changed, {}));
      const flipped: Partial<Record<Direction, Direction>> = { widened: 'narrowed', narrowed: 'widened' };
      assert.deepEqual(
        back,
        Object.values(expected).map((way) => flipped[way] ?? way),
      );
    });
  }

  const conditions: readonly [what: string, changed: Partial<Condition>, expected: Record<string, Direction>][] = [
    ['audited', { mode: 'audit' }, { mode: 'widened' }],
    ['gentler on renewal', { onRenew: { kind: 'warn' } }, { onRenew: 'widened' }],
    ['enforced on renewal', { onRenew: { kind: 'enforce' } }, { onRenew: 'narrowed' }],
    ['graceful for another time', { onRenew: { kind: 'grace', graceMs: 1 } }, { onRenew: 'changed' }],
    ['worded anew', { message: 'please' }, { message: 'neutral' }],
    ['waited for longer', { waitMs: 9_000 }, { waitFor: 'widened' }],
    ['asking for a label too', { check: { ...HAS_INGRESS, labels: { a: 'b' } } }, { 'exists.labels': 'narrowed' }],
    ['asking for another kind', { check: { ...HAS_INGRESS, objectKind: 'Service' } }, { 'exists.kind': 'changed' }],
    [
      'asking by an expression',
      { check: { ...HAS_INGRESS, where: expression(() => true) } },
      { 'exists.where': 'narrowed' },
    ],
    [
      'about something else',
      { check: { kind: 'claim', claim: 'nodeName', in: ['*'] } },
      { exists: 'changed', claim: 'changed' },
    ],
  ];
  for (const [what, changed, expected] of conditions) {
    it(`knows what a condition does that is ${what}`, () => {
      const found = reported([local({ conditions: [ingress] })], [local({ conditions: [{ ...ingress, ...changed }] })]);
      const fields = found.map(({ field, direction }) => [field.replace('spec.conditions.condition.', ''), direction]);
      assert.deepEqual(Object.fromEntries(fields), expected);
    });
  }

  it('widens when a local policy goes, unless it took nothing away', () => {
    const narrow = local({ deny });
    const [gone] = reported([narrow], []);
    assert.deepEqual(gone, {
      document: 'IssuancePolicy shop/local',
      field: '',
      before: 'present',
      after: 'absent',
      direction: 'widened',
    });
    assert.deepEqual(
      [reported([], [narrow]), reported([local({ deny, mode: 'audit' })], [])].map(([found]) => found?.direction),
      ['narrowed', 'neutral'],
    );
  });

  it('widens when a local policy comes where the bundle wants one', () => {
    const wanting = bundle({ namespaces: { ...bundle().namespaces, requireLocal: true } });
    const [first] = reported([wanting], [wanting, local()]);
    assert.equal(first?.direction, 'widened');
    const [second] = reported([wanting, local()], [wanting, local(), local({ name: 'more', deny })]);
    assert.equal(second?.direction, 'narrowed');
    const [web, all, off] = [local({ serviceAccounts: nameLimit(['web']) }), local(), local({ mode: 'off' })];
    for (const before of [web, off]) {
      const [found] = reported([wanting, before], [wanting, all]);
      assert.ok(found !== undefined && mayWiden(found), `${before.mode} ${found?.field} ${found?.direction}`);
    }
  });

  it('trusts a rule to hold back what another one held back only where it is enforced', () => {
    const audited = { ...bundle().namespaces, audit: [{ names: ['shop'] }] };
    const guard = rule({ id: 'guard', locked: true });
    const gone = (other: CentralRule): Record<string, Direction> =>
      changes({ rules: [other, guard], namespaces: audited }, { rules: [other], namespaces: audited });
    assert.deepEqual(gone(rule()), { 'rules.guard': 'widened' });
    assert.deepEqual(gone(rule({ locked: true })), { 'rules.guard': 'narrowed' });
  });
});

const NAMES = [['shop'], ['pay'], ['shop', 'pay'], ['*']] as const;
const ACCOUNTS: [Bounds['serviceAccounts'], ...Bounds['serviceAccounts'][]] = [
  [],
  nameLimit(['web']),
  nameLimit(['w*']),
];

/** Mostly the first, so that most requests are approved and one change is seen among the others. */
function usually<Value>(first: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant(first) },
    { weight: 2, arbitrary: fc.constantFrom(first, ...others) },
  );
}

const anyBounds: fc.Arbitrary<Bounds> = fc.record({
  trustDomains: fc.constant(WIDE.trustDomains),
  spiffeIds: fc.constant(WIDE.spiffeIds),
  serviceAccounts: usually(...ACCOUNTS),
  dnsNames: usually<Bounds['dnsNames']>([], nameLimit([]), nameLimit(['*.example'])),
  issuers: usually<Bounds['issuers']>([], nameLimit(['default']), nameLimit(['other'])),
  impersonators: usually(nameLimit(['sys/*']), nameLimit([])),
  keys: usually<Bounds['keys'] & object>({ 'ec-p256': 0, rsa: 2048 }, { 'ec-p256': 0 }, { rsa: 3072 }),
  usages: usually<Bounds['usages'] & object>(USAGES, ['digitalSignature', 'clientAuth'], ['serverAuth']),
  ttl: fc.record({
    minMs: usually(0, HOUR_MS),
    maxMs: usually(24 * HOUR_MS, HOUR_MS, HOUR_MS / 2),
    defaultMs: usually(Infinity, HOUR_MS),
  }),
});
const anyMode = usually<CentralRule['mode']>('enforce', 'audit', 'off');
const anyDeny = fc.record({
  namespaces: usually<readonly string[]>([], ['pay'], ['s*']),
  serviceAccounts: usually<readonly string[]>([], ['api'], ['*']),
});
const oneCondition: fc.Arbitrary<Condition> = fc.record({
  id: fc.constantFrom('one', 'two'),
  check: fc.constantFrom<Condition['check']>(
    HAS_INGRESS,
    { ...HAS_INGRESS, names: ['w*'] },
    { kind: 'claim', claim: 'nodeName', in: ['gpu-*'] },
    { kind: 'matches', target: 'namespace', labels: { env: 'test' } },
  ),
  message: fc.constant('do it'),
  onRenew: fc.constantFrom<Condition['onRenew']>(
    { kind: 'enforce' },
    { kind: 'warn' },
    { kind: 'grace' },
    { kind: 'grace', graceMs: HOUR_MS / 4 },
  ),
  waitMs: fc.constant(0),
  mode: anyMode,
});
const anyConditions: fc.Arbitrary<readonly Condition[]> = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.uniqueArray(oneCondition, { maxLength: 2, selector: ({ id }) => id }) },
);
const anyRule = (id: string): fc.Arbitrary<CentralRule> =>
  fc
    .record({
      match: fc.record({
        classes: usually<CentralRule['match']['classes']>(['workload'], ['gateway'], ['workload', 'gateway']),
        namespaces: fc.constantFrom<CentralRule['match']['namespaces']>(
          {},
          { labels: { env: 'test' } },
          ...NAMES.map((names) => ({ names })),
        ),
        serviceAccounts: usually(...ACCOUNTS),
        clusters: fc.constantFrom<CentralRule['match']['clusters']>(
          {},
          {},
          { ids: ['prod-*'] },
          { labels: { env: 'test' } },
        ),
      }),
      bounds: fc.option(anyBounds, { nil: undefined, freq: 4 }),
      deny: anyDeny,
      conditions: anyConditions,
      mode: anyMode,
      locked: fc.boolean(),
    })
    .map(({ bounds: some, ...rest }) => ({ id, ...rest, ...(some !== undefined && { bounds: some }) }));
const anyBundle: fc.Arbitrary<PolicyBundle> = fc
  .record({
    rules: fc.tuple(...['a', 'b', 'c'].map((id) => fc.option(anyRule(id), { nil: undefined, freq: 3 }))),
    classes: fc.constantFrom<PolicyBundle['classes']>(
      [],
      [],
      [{ class: 'gateway', namespaces: ['pay'], serviceAccounts: ['*'] }],
    ),
    namespaces: fc.record({
      requireLocal: usually(false, true),
      maxWaitMs: fc.constant(10_000),
      onRenew: fc.constantFrom<Condition['onRenew']>({ kind: 'warn' }, { kind: 'grace', graceMs: HOUR_MS / 2 }),
      quotas: fc.constantFrom(NO_QUOTAS, { perNamespacePerMinute: 10, perIdentityPerMinute: 5 }),
      audit: fc.constantFrom<PolicyBundle['namespaces']['audit']>([], [], [{ names: ['shop'] }]),
    }),
  })
  .map(({ rules, ...rest }) => bundle({ ...rest, rules: rules.filter((each) => each !== undefined) }));
const anyLocal: fc.Arbitrary<LocalPolicy> = fc
  .record({
    wide: fc.boolean(),
    name: fc.constantFrom('x', 'y'),
    namespace: fc.constantFrom('shop', 'pay'),
    namespaces: fc.constantFrom({}, { names: ['pay'] }, { labels: { env: 'test' } }),
    spec: fc.record({
      mode: anyMode,
      serviceAccounts: usually(...ACCOUNTS),
      narrow: anyBounds,
      deny: anyDeny,
      conditions: anyConditions,
      quotas: fc.constantFrom(NO_QUOTAS, { perNamespacePerMinute: 5, perIdentityPerMinute: 5 }),
    }),
  })
  .map(({ wide, name, namespace, namespaces, spec }) =>
    wide ? clusterWide({ name, namespaces, ...spec }) : local({ name: `${namespace}-${name}`, namespace, ...spec }),
  );

interface Policies {
  readonly bundle: PolicyBundle;
  readonly locals: readonly LocalPolicy[];
}

const anyPolicies: fc.Arbitrary<Policies> = fc.record({
  bundle: anyBundle,
  locals: fc.uniqueArray(anyLocal, { maxLength: 3, selector: ({ name }) => name }),
});

/** Takes each part from the one or, seldom, the other: changes as people make them, a few at a time. */
function blended<Value>(one: Value, other: Value, takes: () => boolean): Value {
  if (Array.isArray(one) && Array.isArray(other)) return blendedLists(one, other, takes) as Value;
  if (!isRecord(one) || !isRecord(other) || one['kind'] !== other['kind']) return takes() ? other : one;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  const members = [...names].flatMap((name) => {
    if (name in one && name in other) return [[name, blended(one[name], other[name], takes)]];
    const has = name in one !== takes();
    return has ? [[name, one[name] ?? other[name]]] : [];
  });
  return Object.fromEntries(members) as Value;
}

function blendedLists(one: readonly unknown[], other: readonly unknown[], takes: () => boolean): unknown {
  const keyed = (list: readonly unknown[]): Map<string, unknown> | undefined => {
    const keys = list.map((each) => (isRecord(each) ? (each['id'] ?? each['name']) : undefined));
    return keys.every((key) => typeof key === 'string') ? new Map(keys.map((key, at) => [key, list[at]])) : undefined;
  };
  const [a, b] = [keyed(one), keyed(other)];
  if (a === undefined || b === undefined || a.size !== one.length) return takes() ? other : one;
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((key) => {
    const [mine, theirs] = [a.get(key), b.get(key)];
    if (mine !== undefined && theirs !== undefined) return [blended(mine, theirs, takes)];
    return (mine !== undefined) !== takes() ? [mine ?? theirs] : [];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SNAPSHOTS: readonly ClusterSnapshot[] = [
  snapshot(),
  snapshot(
    object('Namespace', undefined, 'shop', { metadata: { labels: { env: 'test' } } }),
    object('Ingress', 'shop', 'web'),
    object('Ingress', 'pay', 'api'),
  ),
];
const HELD = { issuedMs: NOW_MS - HOUR_MS / 3, notAfterMs: NOW_MS + HOUR_MS, waived: {} };
const REQUESTS: readonly PolicyRequest[] = ['shop', 'pay'].flatMap((namespace) =>
  ['web', 'api'].flatMap((serviceAccount) =>
    [
      {},
      { held: HELD },
      { key: { type: 'rsa', bits: 2048 }, claims: { nodeName: 'gpu-1' } },
      { key: { type: 'rsa', bits: 4096 }, requestedTtlMs: HOUR_MS / 3 },
      { dnsNames: ['a.example'], actor: 'sys/proxy' },
    ].map((more) => request({ namespace, serviceAccount, ...more })),
  ),
);

function documentsOf({ bundle: central, locals }: Policies): readonly PolicyDocument[] {
  return [central, ...locals];
}

/** What the second set gives that the first does not. */
function gained(before: PolicySet, after: PolicySet): readonly string[] {
  return SNAPSHOTS.flatMap((cluster) =>
    REQUESTS.flatMap((asked) => {
      const [one, other] = [evaluate(before, asked, cluster), evaluate(after, asked, cluster)];
      if (other.outcome !== 'approved') return [];
      if (one.outcome !== 'approved')
        return [`${asked.subject.spiffeId} newly approved: ${JSON.stringify(one.failures)}`];
      const [was, is] = [one.grant, other.grant];
      return [
        ...(is.ttl.maxMs > was.ttl.maxMs || is.ttl.defaultMs > was.ttl.defaultMs ? ['a longer lifetime'] : []),
        ...(is.usages.some((usage) => !was.usages.includes(usage)) ? ['another usage'] : []),
        ...(is.quotas.perNamespacePerMinute > was.quotas.perNamespacePerMinute ? ['a larger quota'] : []),
      ];
    }),
  );
}

describe('A difference that widens nothing', () => {
  it('never lets anybody have more, whatever changed', () => {
    let judged = 0;
    const property = fc.property(anyPolicies, anyPolicies, fc.infiniteStream(fc.nat(9)), (before, other, dice) => {
      const after = blended(before, other, () => dice.next().value === 0);
      const found = differences(documentsOf(before), documentsOf(after));
      if (found.some(mayWiden)) return;
      if (found.some(({ direction }) => direction === 'narrowed')) judged += 1;
      const sets = [before, after].map(({ bundle: central, locals }) => policySet(central, locals)) as [
        PolicySet,
        PolicySet,
      ];
      assert.deepEqual(gained(...sets), []);
    });
    fc.assert(property, { numRuns: 3_000, seed: 7 });
    assert.ok(judged > 150, `${judged} changes that only narrow were judged`);
  });
});
