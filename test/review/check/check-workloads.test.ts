import assert from 'node:assert/strict';
import { checkCases } from '../../../src/review/check/check-findings.ts';
import { checkManifests, type CheckInput, type CheckedManifests } from '../../../src/review/check/check-workloads.ts';
import { parseManifests } from '../../../src/review/sources/manifest-texts.ts';
import { policiesInForce } from '../../../src/review/sources/policy-sets.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { BUNDLE, issuancePolicy } from '../../support/policy/policy-texts.ts';

const deployment = (namespace: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { serviceAccountName: web, containers: [{ name: web, image: web }] }
`;

function checked(manifests: string, changes: Partial<CheckInput> = {}): CheckedManifests {
  const policies = policiesInForce(
    {
      bundle: { place: 'bundle.yaml', texts: [{ place: 'bundle.yaml', text: BUNDLE }] },
      policies: [{ place: 'shop.yaml', text: issuancePolicy('{ narrow: { keys: [ec-p384] } }') }],
      cluster: { id: 'prod-1', labels: {} },
    },
    NOON_MS,
  );
  assert.ok(!('problems' in policies));
  return checkManifests({
    manifests: parseManifests({ texts: [{ place: 'manifests.yaml', text: manifests }], unreadable: [] }),
    policies,
    settings: { trustDomain: 'cluster.local', key: { type: 'ec-p256', bits: 0 }, issuers: ['default'], claims: {} },
    nowMs: NOON_MS,
    ...changes,
  });
}

describe('A check of manifests in memory', () => {
  it('gives each workload the verdict that the server would give it', () => {
    const { checked: found } = checked(['shop', 'team-a', 'pay'].map(deployment).join('---\n'));
    assert.deepEqual(
      found.map((one) => 'decision' in one && [one.decision.request.subject.spiffeId, one.decision.outcome]),
      [
        ['spiffe://cluster.local/ns/pay/sa/web', 'refused'],
        ['spiffe://cluster.local/ns/shop/sa/web', 'refused'],
        ['spiffe://cluster.local/ns/team-a/sa/web', 'approved'],
      ],
    );
  });

  it('has the clause that refuses as a finding at the line of the manifest', () => {
    const [shop] = checkCases(checked(deployment('shop')));
    assert.deepEqual(
      shop?.findings.map(({ id, severity, position, subject }) => ({ id, severity, position, subject })),
      [
        {
          id: 'CAP-P02',
          severity: 'error',
          position: { place: 'manifests.yaml', line: 1, column: 1 },
          subject: 'spiffe://cluster.local/ns/shop/sa/web',
        },
      ],
    );
  });

  it('asks for the key of its settings, and judges the class of its settings only', () => {
    const key = { type: 'ec-p384', bits: 0 } as const;
    const settings: CheckInput['settings'] = { trustDomain: 'cluster.local', key, issuers: ['default'], claims: {} };
    const [shop] = checkCases(checked(deployment('shop'), { settings: settings }));
    assert.deepEqual(shop, { name: 'shop/Deployment/web', findings: [] });
    assert.deepEqual(checked(deployment('shop'), { class: 'gateway' }).checked, []);
  });

  it('has a note for what runs pods that are described elsewhere', () => {
    const rollout = `apiVersion: example.com/v1
kind: Rollout
metadata: { name: web, namespace: shop }
spec: { workloadRef: { name: web } }
`;
    const [web] = checkCases(checked(rollout));
    assert.deepEqual(
      web?.findings.map(({ id, severity }) => [id, severity]),
      [['policy/unjudged', 'note']],
    );
  });
});

describe('The policies of a check', () => {
  it('are not used when the server would not take them up in this cluster or not yet', () => {
    const text = BUNDLE.replace(
      'owner:',
      'audience: { clusters: [prod-1] }\nvalidity: { notBefore: 2027-01-01T00:00:00Z }\nowner:',
    );
    const sources = {
      bundle: { place: 'bundle.yaml', texts: [{ place: 'bundle.yaml', text }] },
      policies: [],
      cluster: { id: 'test-1', labels: {} },
    };
    const refused = policiesInForce(sources, NOON_MS);
    assert.ok('problems' in refused);
    assert.deepEqual(
      refused.problems.map(({ path, problem }) => `${path} ${problem}`),
      [
        'audience.clusters is meant for prod-1; this cluster is test-1',
        'validity.notBefore has not come: it is 2026-01-06 12:00:00 UTC',
      ],
    );
  });
});
