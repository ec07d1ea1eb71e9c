import assert from 'node:assert/strict';
import { PolicyReplay, replayCases } from '../../../src/review/replay/replay.ts';
import { candidateOf, type Candidate } from '../../../src/review/sources/candidate.ts';
import { snapshotFrom } from '../../../src/review/sources/manifest-texts.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { BUNDLE, issuancePolicy } from '../../support/policy/policy-texts.ts';
import { HOUR_MS, issuedTo, refusedTo } from '../../support/policy/recorded-decisions.ts';

function candidate(policy: string): Candidate {
  const made = candidateOf({
    bundle: { place: 'bundle.yaml', texts: [{ place: 'bundle.yaml', text: BUNDLE }] },
    policies: [{ place: 'shop.yaml', text: policy }],
    cluster: { id: 'prod-1', labels: {} },
    whyUnknown: 'nothing is known of the cluster',
  });
  assert.ok(!('problems' in made));
  return made;
}

describe('A replay of records in memory', () => {
  it('says who would newly be refused, and why', () => {
    const replay = new PolicyReplay(
      candidate(issuancePolicy('{ narrow: { keys: [ec-p384] } }')),
      NOON_MS - 24 * HOUR_MS,
    );
    for (const record of [issuedTo(), issuedTo({ who: 'team-a/api' }), refusedTo()]) replay.add(record);
    const { result, decisions, leftOut } = replay.result();
    assert.deepEqual([decisions, leftOut], [3, 0]);
    assert.deepEqual(result.counts, { newlyRefused: 1, newlyApproved: 0, undecided: 0, unchanged: 2 });
    const [first] = replayCases(replay.result());
    assert.deepEqual(
      first?.findings.map(({ id, severity, subject }) => [id, severity, subject]),
      [['CAP-P02', 'error', 'spiffe://cluster.local/ns/shop/sa/web']],
    );
  });

  it('learns from records before its beginning who has a certificate to renew, and does not count them', () => {
    const onRenew = '{ conditions: [{ id: has-ingress, exists: { kind: Ingress }, message: M, onRenew: warn }] }';
    const fromMs = NOON_MS - 2 * HOUR_MS;
    const { policies } = candidate(issuancePolicy(onRenew));
    const replay = new PolicyReplay({ policies, snapshot: noIngress() }, fromMs);
    assert.ok(replay.sinceMs <= fromMs - 24 * HOUR_MS);
    const long = { notAfterMs: NOON_MS + 24 * HOUR_MS };
    replay.add(issuedTo({ agoMs: 3 * HOUR_MS }, long));
    replay.add(issuedTo({ agoMs: HOUR_MS }, long));
    const { result, decisions } = replay.result();
    assert.equal(decisions, 1);
    assert.equal(result.counts.unchanged, 1);
  });

  it('has every problem of a candidate that cannot be used', () => {
    const broken = candidateOf({
      bundle: { place: 'bundle.yaml', texts: [] },
      policies: [{ place: 'shop.yaml', text: issuancePolicy('{ narrow: { kees: [rsa] } }') }],
      manifests: { texts: [{ place: 'pod.yaml', text: 'kind: [' }], unreadable: [] },
      cluster: { id: 'prod-1', labels: {} },
      whyUnknown: '',
    });
    assert.ok('problems' in broken);
    assert.deepEqual([...new Set(broken.problems.map(({ position }) => position.place))].sort(), [
      'bundle.yaml',
      'pod.yaml',
      'shop.yaml',
    ]);
  });
});

function noIngress(): Candidate['snapshot'] {
  const text = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n';
  const known = snapshotFrom({ texts: [{ place: 'shop.yaml', text }], unreadable: [] }, '');
  assert.ok(!('problems' in known));
  return known.snapshot;
}
