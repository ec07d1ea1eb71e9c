// What a decision may look at is known before it is made: a change of anything else cannot change it.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { changeBetween, concerns, CLUSTER_ITSELF } from '../../../../src/domain/cluster/cluster-change.ts';
import type { ConditionCheck } from '../../../../src/domain/policy/condition.ts';
import type { PolicyBundle } from '../../../../src/domain/policy/documents.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import type { PolicyDecision } from '../../../../src/domain/policy/policy-decision.ts';
import { anyBundle, anyLocal, anyRequest, anySnapshot } from '../../../support/policy/arbitrary-policies.ts';
import {
  bundle,
  clusterWide,
  condition,
  HAS_INGRESS,
  local,
  policySet,
  rule,
} from '../../../support/policy/policies.ts';

/** Of the namespace shop, as `kind/namespace`. */
function dependencies(of: PolicyBundle, ...locals: Parameters<typeof policySet>[1] & object): readonly string[] {
  const kinds = [...policySet(of, locals).dependenciesFor('shop')];
  return kinds.flatMap(([namespace, names]) => [...names].map((kind) => `${kind}/${namespace}`)).sort();
}

describe('What a decision may look at in the cluster', () => {
  it('is nothing without conditions and labels', () => assert.deepEqual(dependencies(bundle(), local()), []));

  const checks: readonly [ConditionCheck, readonly string[]][] = [
    [HAS_INGRESS, ['Ingress/shop']],
    [{ ...HAS_INGRESS, selectsPod: true }, ['Ingress/shop', 'Pod/shop']],
    [{ ...HAS_INGRESS, inNamespace: { in: 'named', namespace: 'edge' } }, ['Ingress/edge']],
    [{ ...HAS_INGRESS, objectKind: 'GatewayClass', inNamespace: { in: 'none' } }, [`GatewayClass/${CLUSTER_ITSELF}`]],
    [{ kind: 'matches', target: 'namespace', labels: { team: 'a' } }, ['Namespace/shop']],
    [{ kind: 'matches', target: 'serviceAccount', labels: { team: 'a' } }, ['ServiceAccount/shop']],
    [{ kind: 'matches', target: 'pod', labels: { team: 'a' } }, ['Pod/shop']],
    [{ kind: 'claim', claim: 'nodeName', in: ['n*'] }, []],
  ];
  for (const [check, expected] of checks) {
    it(`is what its condition asks for: ${JSON.stringify(check)}`, () => {
      assert.deepEqual(dependencies(bundle(), local({ conditions: [condition(check)] })), expected);
      assert.deepEqual(
        dependencies(bundle({ rules: [rule({ conditions: [condition(check, { mode: 'audit' })] })] })),
        expected,
      );
      assert.deepEqual(dependencies(bundle(), clusterWide({ conditions: [condition(check, { mode: 'off' })] })), []);
      assert.deepEqual(dependencies(bundle(), local({ namespace: 'pay', conditions: [condition(check)] })), []);
    });
  }

  it('is the Namespace where labels say what applies or is audited', () => {
    const labels = { team: 'a' };
    const { namespaces } = bundle();
    assert.deepEqual(dependencies(bundle({ rules: [rule({ match: { namespaces: { labels } } })] })), [
      'Namespace/shop',
    ]);
    assert.deepEqual(dependencies(bundle({ namespaces: { ...namespaces, audit: [{ labels }] } })), ['Namespace/shop']);
    assert.deepEqual(dependencies(bundle(), clusterWide({ namespaces: { labels } })), ['Namespace/shop']);
  });

  it('is all that can change it: any policies decide the same after any change that does not concern them', function () {
    this.timeout(60_000);
    const seen = { unconcerned: 0, changed: 0 };
    const facts = ({ outcome, failures, audits, waived, objects }: PolicyDecision) => ({
      outcome,
      failures,
      audits,
      waived,
      objects,
    });
    const locals = fc.array(anyLocal, { maxLength: 2 });
    fc.assert(
      fc.property(anyBundle, locals, anyRequest, anySnapshot, anySnapshot, (of, others, asked, before, after) => {
        const policies = policySet(of, others);
        const change = changeBetween(before, after);
        const [first, second] = [before, after].map((view) => facts(evaluate(policies, asked, view)));
        if (concerns(change, policies.dependenciesFor(asked.subject.namespace))) {
          if (JSON.stringify(first) !== JSON.stringify(second)) seen.changed += 1;
          return;
        }
        if (change !== 'everything' && change.size > 0) seen.unconcerned += 1;
        assert.deepEqual(second, first);
      }),
      { numRuns: 10_000 },
    );
    assert.ok(seen.unconcerned > 500 && seen.changed > 500, JSON.stringify(seen));
  });
});
