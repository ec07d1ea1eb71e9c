import assert from 'node:assert/strict';
import { changedNamespaces } from '../../../../src/domain/policy/history/changed-namespaces.ts';
import { PolicySet } from '../../../../src/domain/policy/policy-set.ts';
import { bundle, clusterWide, local, policySet } from '../../../support/policy/policies.ts';

describe('The namespaces whose policies changed', () => {
  const before = policySet(bundle(), [local({ namespace: 'shop' }), local({ namespace: 'bank' })]);

  it('are those with a policy that is another, that came or that went, and no others', () => {
    const after = policySet(bundle(), [local({ namespace: 'shop', mode: 'audit' }), local({ namespace: 'new' })]);
    assert.deepEqual(changedNamespaces(before, after), ['bank', 'new', 'shop']);
    const same = policySet(bundle(), [local({ namespace: 'bank' }), local({ namespace: 'shop' })]);
    assert.deepEqual(changedNamespaces(before, same), []);
  });

  it('are those whose policies nobody can read any more', () => {
    const { bundle: ofAll, bundleDigest, local: all, cluster } = before;
    const missing = { namespaces: new Map([['shop', 'it is no YAML']]) };
    const after = PolicySet.of({ bundle: ofAll, bundleDigest, local: all, cluster, missing });
    assert.deepEqual(changedNamespaces(before, after), ['shop']);
  });

  it('are all of them where the bundle or a policy of the cluster changed', () => {
    const [other, wide] = [policySet(bundle(), [], 'another'), policySet(bundle(), [...locals(), clusterWide()])];
    assert.deepEqual([changedNamespaces(before, other), changedNamespaces(before, wide)], [undefined, undefined]);
  });
});

function locals() {
  return [local({ namespace: 'shop' }), local({ namespace: 'bank' })];
}
