import assert from 'node:assert/strict';
import { judgePolicy } from '../../../src/review/standing/judge-policy.ts';
import { parsePolicyBundle } from '../../../src/adapters/policy/source/policy-bundle-document.ts';
import { BOUNDS, bundleText } from '../../adapters/policy/source/documents.ts';

const CLUSTER = { id: 'default', labels: {} };
const WIDE = BOUNDS.replace('clientAuth]', 'serverAuth, clientAuth]');
const parsed = parsePolicyBundle(
  bundleText(`rules:
  - id: mesh
    match: { namespaces: { names: ["shop*"] } }
    bounds: ${WIDE}
  - id: other-cluster
    match: { clusters: { ids: [else] } }
    bounds: ${WIDE.replace('24h', '1h')}`),
  'bundle.yaml',
);
if ('problems' in parsed) assert.fail(JSON.stringify(parsed.problems));
const context = { bundle: parsed.document, cluster: CLUSTER };

function policy(spec: unknown, namespace = 'shop'): string {
  const metadata = { name: 'web', namespace };
  return JSON.stringify({ apiVersion: 'capstan.dev/v1alpha1', kind: 'IssuancePolicy', metadata, spec });
}

describe('How a policy stands', () => {
  it('is with the bounds that bundle and policy leave together, in this cluster', () => {
    const { problems, exceeding, effective } = judgePolicy(policy({ narrow: { ttl: { max: '30m' } } }), 'p', context);
    assert.deepEqual([problems, exceeding], [[], []]);
    assert.deepEqual(
      ['ttl.max', 'keys', 'trustDomains'].map((field) => effective.get(field)),
      ['30m', 'ec-p256', 'corp.example'],
    );
  });

  it('is as if its narrowing were not there while it is only audited', () => {
    const { effective } = judgePolicy(policy({ mode: 'audit', narrow: { ttl: { max: '30m' } } }), 'p', context);
    assert.equal(effective.get('ttl.max'), '24h');
  });

  it('names the field in which it asks for more than the bundle gives', () => {
    const { exceeding } = judgePolicy(policy({ narrow: { ttl: { max: '48h' }, keys: ['ec-p384'] } }), 'p', context);
    assert.deepEqual(exceeding, [
      { field: 'spec.narrow.ttl.max', actual: '48h', allowed: '24h' },
      { field: 'spec.narrow.keys', actual: 'ec-p384', allowed: 'ec-p256' },
    ]);
  });

  it('names every field that is wrong', () => {
    const { problems, digest } = judgePolicy(policy({ mod: 'audit', narrow: { ttl: { max: 'soon' } } }), 'p', context);
    assert.equal(digest, undefined);
    assert.deepEqual(
      problems.map(({ field }) => field),
      ['spec.narrow.ttl.max', 'spec.mod'],
    );
  });

  it('warns of what leaves nothing to anybody', () => {
    const { warnings } = judgePolicy(policy({ narrow: { keys: ['ec-p384'] } }), 'p', context);
    assert.equal(warnings.length, 1, warnings.join());
    assert.match(warnings[0] ?? '', /spec\.narrow\.keys: leaves /);
  });

  it('is judged by itself while no bundle is in force', () => {
    const found = judgePolicy(policy({}), 'p', { bundle: undefined, cluster: CLUSTER });
    assert.deepEqual([found.problems, found.exceeding, found.effective.size], [[], [], 0]);
  });
});
