// Policies that nobody can pass are found before anybody is refused.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Bounds } from '../../../../src/domain/policy/bounds.ts';
import type { CentralRule, LocalPolicy, PolicyBundle } from '../../../../src/domain/policy/documents.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import { impossible } from '../../../../src/domain/policy/comparison/impossible.ts';
import { nameLimit } from '../../../../src/domain/policy/name-patterns.ts';
import {
  bundle,
  clusterWide,
  HOUR_MS,
  local,
  narrowed,
  policySet,
  request,
  rule,
  snapshot,
  WIDE,
  wide,
} from '../../../support/policy/policies.ts';

const limited = (id: string, changed: Partial<Bounds>, match: Partial<CentralRule['match']> = {}): CentralRule =>
  rule({ id, bounds: wide(changed), match });
const narrow = (name: string, requested: Partial<Bounds>): LocalPolicy => local({ name, narrow: narrowed(requested) });
const ttl = (minMs: number, maxMs: number): Partial<Bounds> => ({ ttl: { minMs, maxMs, defaultMs: Infinity } });

function reported(given: PolicyBundle | undefined, locals: readonly LocalPolicy[] = []): readonly string[] {
  return impossible(given, locals).map(({ field, left, with: other, certain }) =>
    [field, left, ...(other === undefined ? [] : [`with ${other}`]), ...(certain ? [] : ['maybe'])].join(' | '),
  );
}

describe('An impossible policy', () => {
  it('is none of the usual ones', () => {
    assert.deepEqual(reported(bundle(), [local(), clusterWide()]), []);
  });

  const empty: readonly [changed: Partial<Bounds>, expected: string][] = [
    [{ trustDomains: nameLimit([]) }, 'trustDomains | none'],
    [{ keys: {} }, 'keys | none'],
    [{ usages: ['digitalSignature', 'keyEncipherment'] }, 'usages | digitalSignature keyEncipherment'],
    [ttl(2 * HOUR_MS, HOUR_MS), 'ttl | at least 2h and at most 1h'],
    [{ issuers: nameLimit([]) }, 'issuer | none'],
    [{ serviceAccounts: nameLimit([]) }, 'serviceAccounts | none'],
  ];
  for (const [changed, expected] of empty) {
    it(`leaves ${expected}, in a rule and in a local policy`, () => {
      assert.deepEqual(reported(bundle({ rules: [limited('x', changed)] })), [`rules.x.bounds.${expected}`]);
      assert.deepEqual(reported(bundle(), [narrow('x', changed)]), [`spec.narrow.${expected}`]);
    });
  }

  it('grants an identity to service accounts that it does not match', () => {
    const rules = [limited('x', { serviceAccounts: nameLimit(['a*']) }, { serviceAccounts: nameLimit(['b*']) })];
    assert.deepEqual(reported(bundle({ rules })), ['rules.x.bounds.serviceAccounts | a*, and of b*']);
  });

  it('denies everybody to whom it gives an identity', () => {
    const match = { namespaces: { names: ['team-a'] } };
    const rules = [rule({ match, deny: { namespaces: ['team-*'], serviceAccounts: ['default'] } })];
    assert.deepEqual(reported(bundle({ rules })), [
      'rules.mesh.deny.namespaces | nobody whom rules.mesh gives an identity',
    ]);
  });

  it('is made of two rules that agree on nothing for the same workloads', () => {
    const rules = [
      limited('a', { keys: { ed25519: 0 } }),
      limited('b', { keys: { rsa: 2048 } }, { namespaces: { names: ['shop'] } }),
    ];
    assert.deepEqual(reported(bundle({ rules })), ['rules.b.bounds.keys | none | with rules.a']);
  });

  it('is reported once, where it is', () => {
    const rules = [limited('a', { keys: {} }), limited('b', { keys: { rsa: 2048 } })];
    assert.deepEqual(reported(bundle({ rules })), ['rules.a.bounds.keys | none']);
  });

  it('may be made of two rules that some workload could match, and is not when none can', () => {
    const pair = (a: Partial<CentralRule['match']>, b: Partial<CentralRule['match']>): readonly string[] =>
      reported(
        bundle({ rules: [limited('a', { keys: { ed25519: 0 } }, a), limited('b', { keys: { rsa: 2048 } }, b)] }),
      );
    const labels = (env: string) => ({ namespaces: { labels: { env } } });
    assert.deepEqual(pair(labels('prod'), { namespaces: { names: ['shop'] } }), [
      'rules.b.bounds.keys | none | with rules.a | maybe',
    ]);
    assert.deepEqual(pair(labels('prod'), labels('test')), []);
    assert.deepEqual(pair({ classes: ['gateway'] }, {}), []);
    assert.deepEqual(pair({ clusters: { ids: ['prod-*'] } }, { clusters: { ids: ['test-*'] } }), []);
  });

  it('is a local policy that leaves nothing of what every rule for it gives', () => {
    const other = narrow('x', { keys: { ed25519: 0 } });
    assert.deepEqual(reported(bundle(), [other]), ['spec.narrow.keys | none | with rules.mesh of corp']);
    const rules = [rule(), limited('ed', { keys: { ed25519: 0 } }, { namespaces: { labels: { key: 'ed' } } })];
    const labelled = rule({ match: { namespaces: { labels: { key: 'other' } } } });
    assert.deepEqual(
      reported(bundle({ rules: [labelled, ...rules.slice(1)] }), [other]),
      [],
      'one rule leaves something',
    );
    assert.deepEqual(reported(bundle({ rules }), [other]).slice(1), [
      'spec.narrow.keys | none | with rules.ed and rules.mesh of corp'.replace(
        'ed and rules.mesh',
        'mesh and rules.ed',
      ),
    ]);
  });

  it('is made of local policies that agree on nothing, in one namespace or cluster-wide', () => {
    const [long, short] = [narrow('long', ttl(2 * HOUR_MS, Infinity)), narrow('short', ttl(0, HOUR_MS))];
    assert.deepEqual(reported(undefined, [long, short]), [
      'spec.narrow.ttl | at least 2h and at most 1h | with shop/long',
    ]);
    const wide = clusterWide({ narrow: short.narrow });
    assert.deepEqual(reported(undefined, [wide, long]), [
      'spec.narrow.ttl | at least 2h and at most 1h | with platform',
    ]);
    assert.deepEqual(reported(undefined, [long, { ...short, namespace: 'pay' } as LocalPolicy]), []);
    assert.deepEqual(reported(undefined, [long, { ...short, mode: 'audit' }]), []);
  });

  it('refuses indeed everybody whom it applies to, when it is certain', () => {
    const anyBounds: fc.Arbitrary<Partial<Bounds>> = fc.record({
      keys: fc.constantFrom<Bounds['keys'] & object>({ rsa: 2048 }, { 'ec-p256': 0 }, { 'ec-p256': 0, rsa: 4096 }),
      ttl: fc.record({
        minMs: fc.constantFrom(0, 2 * HOUR_MS),
        maxMs: fc.constantFrom(HOUR_MS, 24 * HOUR_MS),
        defaultMs: fc.constant(Infinity),
      }),
      usages: fc.constantFrom<Bounds['usages'] & object>(['digitalSignature', 'clientAuth'], WIDE.usages ?? []),
    });
    const requests = [
      { type: 'ec-p256', bits: 0 },
      { type: 'rsa', bits: 4096 },
    ].map((key) => request({ key }));
    let found = 0;
    const property = fc.property(anyBounds, anyBounds, anyBounds, fc.boolean(), (one, two, three, labelled) => {
      const match = labelled ? { namespaces: { labels: { a: 'b' } } } : {};
      const given = bundle({ rules: [limited('one', one), limited('two', two, match)] });
      const policy = narrow('x', three);
      const certain = impossible(given, [policy]).filter((each) => each.certain && each.document === policy);
      if (certain.length === 0) return;
      found += 1;
      for (const asked of requests) {
        assert.notEqual(evaluate(policySet(given, [policy]), asked, snapshot()).outcome, 'approved');
      }
    });
    fc.assert(property, { numRuns: 500 });
    assert.ok(found > 20, `${found} were found`);
  });
});
