import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ConditionCheck } from '../../../src/domain/policy/condition.ts';
import { kindsNamedBy } from '../../../src/domain/policy/named-kinds.ts';
import { anyBundle, anyLocal } from '../../support/policy/arbitrary-policies.ts';
import { bundle, clusterWide, condition, HAS_INGRESS, local, policySet, rule } from '../../support/policy/policies.ts';

describe('The kinds that policies name', () => {
  const named = (...locals: Parameters<typeof policySet>[1] & object): readonly string[] =>
    kindsNamedBy(policySet(bundle(), locals)).kinds.map(
      ({ kind, apiVersion = 'any', inFull }) => `${apiVersion} ${kind}${inFull ? ' in full' : ''}`,
    );
  const checks: readonly [ConditionCheck, readonly string[]][] = [
    [HAS_INGRESS, ['any Ingress']],
    [{ ...HAS_INGRESS, apiVersion: 'networking.k8s.io/v1' }, ['networking.k8s.io/v1 Ingress']],
    [{ ...HAS_INGRESS, selectsPod: true }, ['any Ingress in full', 'v1 Pod']],
    [{ kind: 'matches', target: 'namespace', labels: { team: 'a' } }, []],
    [{ kind: 'matches', target: 'pod', labels: { team: 'a' } }, ['v1 Pod']],
    [{ kind: 'matches', target: 'pod', annotations: { team: 'a' } }, ['v1 Pod in full']],
    [{ kind: 'matches', target: 'serviceAccount' }, ['v1 ServiceAccount']],
    [{ kind: 'claim', claim: 'nodeName', in: ['n*'] }, []],
  ];
  for (const [check, expected] of checks) {
    it(`are those of its condition, and namespaces: ${JSON.stringify(check)}`, () => {
      assert.deepEqual(named(local({ conditions: [condition(check)] })), ['v1 Namespace', ...expected]);
      assert.deepEqual(named(local({ conditions: [condition(check, { mode: 'off' })] })), ['v1 Namespace']);
    });
  }

  it('are each named once, by the policy that comes first, in full where any of them wants that', () => {
    const matching = (annotations?: Record<string, string>) =>
      condition({ kind: 'matches', target: 'pod', ...(annotations && { annotations }) });
    const { kinds } = kindsNamedBy(
      policySet(bundle({ rules: [rule({ conditions: [matching()] })] }), [
        local({ conditions: [matching({ a: 'b' })] }),
      ]),
    );
    assert.deepEqual(
      kinds.map(({ kind, policy, inFull }) => [kind, policy, inFull]),
      [
        ['Namespace', '', false],
        ['Pod', 'corp@1', true],
      ],
    );
  });

  it('are at most two hundred, those of the bundle and of cluster policies first, and few of each namespace', () => {
    const many = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => condition({ ...HAS_INGRESS, objectKind: `${prefix}${index}` }));
    const locals = Array.from({ length: 30 }, (_, index) =>
      local({ namespace: `team-${index}`, conditions: many(`Of${index}x`, 12) }),
    );
    const { kinds, left } = kindsNamedBy(
      policySet(bundle(), [...locals, clusterWide({ conditions: many('Wide', 50) })]),
    );
    assert.equal(kinds.filter(({ kind }) => kind.startsWith('Wide')).length, 50);
    assert.equal(kinds.length, 200);
    assert.ok(Map.groupBy(kinds, ({ policy }) => policy.split('/')[0]).get('team-0')?.length === 10);
    assert.equal(left, 30 * 12 + 50 + 1 - 200);
  });

  it('are all that any decision may look at', () => {
    fc.assert(
      fc.property(anyBundle, fc.array(anyLocal, { maxLength: 4 }), (of, locals) => {
        const policies = policySet(of, locals);
        const { kinds } = kindsNamedBy(policies);
        for (const namespace of ['shop', 'pay', 'edge'])
          for (const kind of [...policies.dependenciesFor(namespace).values()].flatMap((some) => [...some]))
            assert.ok(
              kinds.some((one) => one.kind === kind),
              kind,
            );
      }),
    );
  });
});
