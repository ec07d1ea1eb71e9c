import assert from 'node:assert/strict';
import { diffCases, diffPolicies, type PolicyDiff } from '../../../src/review/diff/diff-policies.ts';
import { parseTexts } from '../../../src/review/sources/policy-texts.ts';
import { BUNDLE } from '../../support/policy/policy-texts.ts';

function diffOf(before: string, after: string): PolicyDiff {
  const [one, other] = [before, after].map((text) => parseTexts([{ place: 'bundle.yaml', text }]).documents);
  return diffPolicies(one ?? [], other ?? []);
}

describe('A diff of two texts', () => {
  it('counts which fields widen, and finds them where they are written', () => {
    const diff = diffOf(BUNDLE, BUNDLE.replace('max: 24h', 'max: 48h').replace('sequence: 7', 'sequence: 8'));
    assert.deepEqual([diff.counts.widened, diff.counts.narrowed], [1, 0]);
    const findings = diffCases(diff, 'error').flatMap((one) => one.findings);
    assert.deepEqual(
      findings.map(({ id, severity, position }) => [id, severity, position?.line]),
      [['policy/widened', 'error', 11]],
    );
    assert.match(findings[0]?.message ?? '', /rules\.mesh\.bounds\.ttl\.max is wider than before: 24h -> 48h$/);
  });

  it('finds nothing in what narrows, but that the sequence does not count on', () => {
    const diff = diffOf(BUNDLE, BUNDLE.replace('max: 24h', 'max: 12h'));
    assert.deepEqual(
      diffCases(diff, 'error').flatMap((one) => one.findings.map(({ id }) => id)),
      ['policy/sequence'],
    );
  });

  it('finds widening as severe as its caller says', () => {
    const diff = diffOf(BUNDLE, BUNDLE.replace('max: 24h', 'max: 48h').replace('sequence: 7', 'sequence: 8'));
    assert.deepEqual(
      diffCases(diff, 'note').flatMap((one) => one.findings.map(({ severity }) => severity)),
      ['note'],
    );
  });
});
