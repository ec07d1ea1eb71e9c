import assert from 'node:assert/strict';
import { evaluate, type PolicyQuestion } from '../../../src/domain/policy/evaluate.ts';
import type { Policy, PolicyRule } from '../../../src/domain/policy/policy.ts';

const HOUR_MS = 3_600_000;
const ALL_KEYS = ['ec-p256', 'ec-p384', 'rsa'];

function rule(changes: Partial<PolicyRule>): PolicyRule {
  return { namespaces: ['default'], serviceAccounts: ['*'], keyTypes: ALL_KEYS, maxTtlMs: Infinity, ...changes };
}

function policy(...rules: PolicyRule[]): Policy {
  return { revision: '0'.repeat(16), rules };
}

function ask(changes: Partial<PolicyQuestion> = {}): PolicyQuestion {
  return { namespace: 'default', serviceAccount: 'demo', keyFamily: 'ec-p256', ...changes };
}

describe('Policy', () => {
  it('denies everything when it has no rules', () => {
    assert.deepEqual(evaluate(policy(), ask()), {
      allowed: false,
      reason: 'CAP-P01',
      violations: [{ path: 'namespace', actual: 'default', allowed: 'none' }],
    });
  });

  const patterns: readonly [pattern: string, name: string, matches: boolean][] = [
    ['default', 'default', true],
    ['default', 'default2', false],
    ['default', 'defaul', false],
    ['team-*', 'team-a', true],
    ['team-*', 'team-', true],
    ['team-*', 'team', false],
    ['team-*', 'my-team-a', false],
    ['*', 'anything', true],
  ];
  for (const [pattern, name, matches] of patterns) {
    it(`${matches ? 'lets' : 'does not let'} ${pattern} stand for ${name}`, () => {
      const byNamespace = policy(rule({ namespaces: [pattern] }));
      const byAccount = policy(rule({ serviceAccounts: [pattern] }));
      assert.equal(evaluate(byNamespace, ask({ namespace: name })).allowed, matches);
      assert.equal(evaluate(byAccount, ask({ serviceAccount: name })).allowed, matches);
    });
  }

  it('grants the longest lifetime of all rules that allow, whatever their order', () => {
    const rules = [1, 24, 2].map((hours) => rule({ maxTtlMs: hours * HOUR_MS }));
    assert.deepEqual(evaluate(policy(...rules), ask()), { allowed: true, maxTtlMs: 24 * HOUR_MS });
    assert.deepEqual(evaluate(policy(...rules.toReversed()), ask()), { allowed: true, maxTtlMs: 24 * HOUR_MS });
  });

  it('does not borrow the lifetime of a rule that does not allow', () => {
    const rules = [rule({ maxTtlMs: HOUR_MS }), rule({ keyTypes: ['rsa'], maxTtlMs: 24 * HOUR_MS })];
    assert.deepEqual(evaluate(policy(...rules), ask()), { allowed: true, maxTtlMs: HOUR_MS });
  });

  it('never joins halves of two rules into a permission', () => {
    const halves = policy(rule({ namespaces: ['other'] }), rule({ serviceAccounts: ['other'] }));
    assert.equal(evaluate(halves, ask()).allowed, false);
  });

  it('tells which service accounts would have passed in a known namespace', () => {
    assert.deepEqual(evaluate(policy(rule({ serviceAccounts: ['web', 'api-*'] })), ask()), {
      allowed: false,
      reason: 'CAP-P01',
      violations: [{ path: 'serviceAccount', actual: 'demo', allowed: 'api-* web' }],
    });
  });

  it('tells which key types would have passed for the identity', () => {
    const rules = [rule({ keyTypes: ['rsa'] }), rule({ keyTypes: ['ec-p384'] }), rule({ namespaces: ['other'] })];
    assert.deepEqual(evaluate(policy(...rules), ask()), {
      allowed: false,
      reason: 'CAP-P02',
      violations: [{ path: 'keyType', actual: 'ec-p256', allowed: 'ec-p384 rsa' }],
    });
  });
});
