import assert from 'node:assert/strict';
import { readPolicyTests } from '../../../src/review/policy-test/read-policy-tests.ts';
import { mismatchFindings, runPolicyTest } from '../../../src/review/policy-test/run-policy-test.ts';
import type { TextsBeside } from '../../../src/review/policy-test/test-inputs.ts';
import { BUNDLE, issuancePolicy } from '../../support/policy/policy-texts.ts';

/** Texts by the name that a test gives them. */
const BESIDE: Readonly<Record<string, string>> = {
  'bundle.yaml': BUNDLE,
  'shop.yaml': issuancePolicy('{ narrow: { keys: [ec-p384] } }'),
};

const textsBeside: TextsBeside = (_place, named) => {
  const text = BESIDE[named];
  return Promise.resolve(text === undefined ? { problem: `there is no ${named}` } : [{ place: named, text }]);
};

const policyTest = (expected: string, policies = 'shop.yaml'): string => `apiVersion: capstan.dev/v1alpha1
kind: PolicyTest
metadata: { name: shop }
bundle: bundle.yaml
policies: [${policies}]
request: { namespace: shop, serviceAccount: web }
cases:
  - name: a weak key
    request: { key: ec-p256 }
    expect: { outcome: ${expected} }
  - name: a strong key
    request: { key: ec-p384 }
    expect: { outcome: approved }
`;

describe('A policy test in memory', () => {
  it('finds what it names wherever its reader has it, and passes when every case is as expected', async () => {
    const { tests, problems } = await readPolicyTests(
      [{ place: 'editor', text: policyTest('refused, reason: CAP-P02') }],
      textsBeside,
    );
    assert.deepEqual(problems, []);
    const results = tests.flatMap(runPolicyTest);
    assert.deepEqual(
      results.map(({ name, decision, mismatches }) => [name, decision.outcome, mismatches]),
      [
        ['a weak key', 'refused', []],
        ['a strong key', 'approved', []],
      ],
    );
  });

  it('has a finding at the case that is not as expected', async () => {
    const { tests } = await readPolicyTests([{ place: 'editor', text: policyTest('approved') }], textsBeside);
    assert.deepEqual(tests.flatMap(runPolicyTest).flatMap(mismatchFindings), [
      {
        id: 'policy/test',
        severity: 'error',
        message: 'outcome: expected approved, but it is refused',
        position: { place: 'editor', line: 8, column: 5 },
      },
    ]);
  });

  it('is not run when something that it names is not to be had', async () => {
    const texts = [{ place: 'editor', text: policyTest('approved', 'missing.yaml') }];
    const { tests, problems } = await readPolicyTests(texts, textsBeside);
    assert.deepEqual(tests, []);
    assert.deepEqual(
      problems.map(({ position, path, problem }) => [position.line, path, problem]),
      [[5, 'policies.0', 'there is no missing.yaml']],
    );
  });
});
