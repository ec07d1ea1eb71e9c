import assert from 'node:assert/strict';
import { explain } from '../../../src/review/explain/explain.ts';
import { formatTrace } from '../../../src/review/explain/format-trace.ts';
import { traceAsTree } from '../../../src/review/explain/trace-tree.ts';
import { recordedDecision, whyUntraced } from '../../../src/review/explain/traced-decision.ts';
import { requestFrom, subjectOfServiceAccount } from '../../../src/review/requests/assumed-request.ts';
import { snapshotFrom } from '../../../src/review/sources/manifest-texts.ts';
import { policiesInForce } from '../../../src/review/sources/policy-sets.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { BUNDLE, issuancePolicy } from '../../support/policy/policy-texts.ts';
import { issuedTo, refusedTo } from '../../support/policy/recorded-decisions.ts';

const SETTINGS = {
  trustDomain: 'cluster.local',
  key: { type: 'ec-p256', bits: 0 },
  issuers: ['default'],
  claims: {},
} as const;
const INGRESS = '{ conditions: [{ id: has-ingress, exists: { kind: Ingress }, message: Publish an Ingress }] }';

function explained(manifests?: string) {
  const policies = policiesInForce(
    {
      bundle: { place: 'bundle.yaml', texts: [{ place: 'bundle.yaml', text: BUNDLE }] },
      policies: [{ place: 'shop.yaml', text: issuancePolicy(INGRESS) }],
      cluster: { id: 'prod-1', labels: {} },
    },
    NOON_MS,
  );
  const texts = manifests === undefined ? undefined : [{ place: 'manifests.yaml', text: manifests }];
  const cluster = snapshotFrom(texts && { texts, unreadable: [] }, 'nothing is known of the cluster');
  const subject = subjectOfServiceAccount('cluster.local', 'shop', 'web');
  assert.ok(!('problems' in policies) && !('problems' in cluster) && !('problem' in subject));
  return explain(policies, requestFrom(SETTINGS, subject, policies, cluster.snapshot, NOON_MS), cluster.snapshot);
}

const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n';
const WITH_INGRESS = `${NAMESPACE}---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop }
`;

describe('An explanation', () => {
  it('names the clause that refuses, in sentences and as a tree', () => {
    const { decision, traced } = explained(NAMESPACE);
    assert.equal(decision.outcome, 'refused');
    const reason = decision.failures[0]?.reason ?? '';
    assert.match(
      formatTrace(traced).join('\n'),
      new RegExp(`Refused because:\n  ${reason} namespace policy shop/local`),
    );
    assert.equal(traceAsTree(traced)[0], `refused ${reason} spiffe://cluster.local/ns/shop/sa/web`);
  });

  it('shows the pods that a recorded certificate is for, as they were', () => {
    const pods = [{ name: 'web-1', uid: 'u1', resourceVersion: '7', labels: { tier: 'front' }, images: ['sha256:ab'] }];
    const traced = recordedDecision(issuedTo({ policy: { actor: 'istio-system/ztunnel', pods } }));
    assert.match(
      (traced === undefined ? [] : formatTrace(traced)).join('\n'),
      /istio-system\/ztunnel, on behalf of spiffe.*\n\nPods that it is for:\n {2}web-1 \(uid u1, resourceVersion 7\): labels tier=front; images sha256:ab/s,
    );
  });

  it('lists the conditions that hold, and what may be issued', () => {
    const { decision, traced } = explained(WITH_INGRESS);
    assert.equal(decision.outcome, 'approved');
    assert.match(formatTrace(traced).join('\n'), /It may have a certificate: up to 24h.*\n\nConditions that hold:\n/);
  });

  it('says why nothing can be said when the cluster is not known', () => {
    const { decision, traced } = explained();
    assert.equal(decision.outcome, 'unavailable');
    assert.match(traced.obstacle ?? '', /^CAP-S10 .*nothing is known of the cluster/);
  });

  it('of a record is the one that was recorded, and without a trace says why there is none', () => {
    assert.equal(recordedDecision(refusedTo())?.verdict, 'refused CAP-P02');
    const { policy, ...untraced } = issuedTo();
    assert.ok(policy);
    assert.equal(recordedDecision(untraced), undefined);
    assert.match(whyUntraced(untraced), /^serial 5e\d+ is from before decisions had traces$/);
  });
});
