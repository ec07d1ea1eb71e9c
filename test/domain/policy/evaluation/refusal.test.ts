// The line that a refused workload's owner reads in the proxy's log: what, where, why and whom to ask.
import assert from 'node:assert/strict';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import { refusalOf } from '../../../../src/domain/policy/evaluation/refusal.ts';
import { unsyncedSnapshot } from '../../../../src/domain/cluster/snapshot.ts';
import {
  bundle,
  condition,
  EMPTY,
  HAS_INGRESS,
  local,
  policySet,
  request,
  rule,
  wide,
} from '../../../support/policy/policies.ts';

const NEEDS_INGRESS = local({
  conditions: [condition(HAS_INGRESS, { id: 'has-ingress', message: 'Publish an Ingress first' })],
  contact: '#team-shop',
});

describe('The line of a refusal', () => {
  it('is none when policy approves', () => {
    assert.equal(refusalOf(evaluate(policySet(), request(), EMPTY)), undefined);
  });

  it('names the condition, says what to do, that it may pass later, and whom to ask', () => {
    const refusal = refusalOf(evaluate(policySet(bundle(), [NEEDS_INGRESS]), request(), EMPTY));
    assert.equal(
      refusal?.message,
      'CAP-P12 a policy condition is not met: shop/local spec.conditions.has-ingress: Publish an Ingress first (there is none); may pass later; ask #team-shop',
    );
  });

  it('names the field, what was found and what would pass', () => {
    const keys = policySet(bundle({ rules: [rule({ bounds: wide({ keys: { rsa: 3072 } }) })] }));
    assert.equal(
      refusalOf(evaluate(keys, request(), EMPTY))?.message,
      'CAP-P02 policy does not allow this key type for this identity: corp@1 rules.mesh.bounds.keys: ec-p256, allowed rsa>=3072; ask #pki',
    );
  });

  it('tells the first clause and counts the others; all of them are violations', () => {
    const deny = { namespaces: ['shop'], serviceAccounts: ['web'] };
    const refusal = refusalOf(
      evaluate(policySet(bundle({ rules: [rule({ deny })] }), [NEEDS_INGRESS]), request(), EMPTY),
    );
    assert.match(refusal?.message ?? '', /^CAP-P04 .*; ask #pki; and 2 more$/);
    assert.deepEqual(
      refusal?.violations.map(({ path }) => path),
      [
        'corp@1 rules.mesh.deny.namespaces',
        'corp@1 rules.mesh.deny.serviceAccounts',
        'shop/local spec.conditions.has-ingress',
      ],
    );
  });

  it('keeps the contact however much the author and the cluster say', () => {
    const message = 'Publish an Ingress. '.repeat(20);
    const names = Array.from({ length: 50 }, (_, index) => `a-long-name-${index}`);
    const wordy = local({ conditions: [condition({ ...HAS_INGRESS, names }, { message })], contact: '#team-shop' });
    const line = refusalOf(evaluate(policySet(bundle(), [wordy]), request(), EMPTY))?.message ?? '';
    assert.ok(line.length <= 320 && line.includes('ask #team-shop'), line);
  });

  it('is UNAVAILABLE, with a reason of its own, where nobody could judge', () => {
    const unsynced = unsyncedSnapshot('the manifests have not been read');
    const refusal = refusalOf(evaluate(policySet(bundle(), [NEEDS_INGRESS]), request(), unsynced));
    assert.deepEqual([refusal?.reason, refusal?.code], ['CAP-S10', 'not_ready']);
  });
});
