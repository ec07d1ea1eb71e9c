import assert from 'node:assert/strict';
import { lintCases, lintPolicies } from '../../../src/review/lint/lint-policies.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { BUNDLE, issuancePolicy } from '../../support/policy/policy-texts.ts';

const CENTRAL = { place: 'bundle.yaml', texts: [{ place: 'bundle.yaml', text: BUNDLE }] };
const greedy = { place: 'shop.yaml', text: issuancePolicy('{ contact: "#shop", narrow: { ttl: { max: 48h } } }') };

describe('A lint of texts', () => {
  it('says at its line which field asks for more than the bundle gives', () => {
    const result = lintPolicies({ texts: [greedy], bundle: CENTRAL, nowMs: NOON_MS });
    assert.deepEqual(
      result?.findings.map(({ id, severity, position }) => ({ id, severity, position })),
      [{ id: 'policy/exceeds', severity: 'error', position: { place: 'shop.yaml', line: 4, column: 44 } }],
    );
    assert.match(result.findings[0]?.message ?? '', /^spec\.narrow\.ttl\.max: 48h is more than corp gives \(.*24h/);
  });

  it('holds local policies against the one bundle among the texts', () => {
    const result = lintPolicies({ texts: [...CENTRAL.texts, greedy], nowMs: NOON_MS });
    assert.deepEqual(result && lintCases(result).map(({ name, findings }) => [name, findings.map(({ id }) => id)]), [
      ['bundle.yaml', []],
      ['shop.yaml', ['policy/exceeds']],
    ]);
  });

  it('has a finding for what does not parse, and judges the rest', () => {
    const broken = { place: 'broken.yaml', text: issuancePolicy('{ narrow: { kees: [rsa] } }') };
    const result = lintPolicies({ texts: [broken, greedy], bundle: CENTRAL, nowMs: NOON_MS });
    assert.deepEqual(
      result?.findings.map(({ id, position }) => [id, position?.place]),
      [
        ['policy/schema', 'broken.yaml'],
        ['policy/exceeds', 'shop.yaml'],
      ],
    );
  });

  it('judges expiry by the time that it is given', () => {
    const expiring = BUNDLE.replace('owner:', 'validity: { softExpiry: 2026-01-01T00:00:00Z }\nowner:');
    const idsAt = (nowMs: number) =>
      lintPolicies({ texts: [{ place: 'bundle.yaml', text: expiring }], nowMs })?.findings.map(({ id }) => id);
    assert.deepEqual(idsAt(Date.UTC(2025, 11, 31)), []);
    assert.deepEqual(idsAt(Date.UTC(2026, 0, 1)), ['policy/validity']);
  });

  it('notes a rule that a pod escapes by leaving a label off, and none that gives something for it', () => {
    const found = (match: string, more: string) => {
      const rule = `  - { id: by-label, match: ${match}, ${more} }\n`;
      const text = BUNDLE.replace('rules:\n', `rules:\n${rule}`);
      return lintPolicies({ texts: [{ place: 'bundle.yaml', text }], nowMs: NOON_MS })?.findings.map(({ id }) => id);
    };
    const byLabel = '{ pods: { labels: { tier: back } } }';
    assert.deepEqual(found(byLabel, 'deny: { serviceAccounts: [web] }'), ['policy/escapable']);
    assert.deepEqual(found('{ namespaces: { names: [shop] } }', 'deny: { serviceAccounts: [web] }'), []);
  });

  it('is of nothing when there is no text', () => {
    assert.equal(lintPolicies({ texts: [], nowMs: NOON_MS }), undefined);
  });
});
