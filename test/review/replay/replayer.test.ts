import assert from 'node:assert/strict';
import { PolicySet } from '../../../src/domain/policy/policy-set.ts';
import { Replayer } from '../../../src/review/replay/replayer.ts';
import type { PolicyTrace } from '../../../src/ports/storage/issuance-journal.ts';
import { bundle, CLUSTER, condition, expression, local, rule, snapshot, wide } from '../../support/policy/policies.ts';
import { HOUR_MS, issuedTo } from '../../support/policy/recorded-decisions.ts';

describe('The replayer of recorded decisions', () => {
  it('asks identical questions once, whenever they were asked', () => {
    let asked = 0;
    const counting = expression(() => {
      asked += 1;
      return true;
    });
    const policy = local({ conditions: [condition({ kind: 'expression', expression: counting })] });
    const parts = { bundle: bundle(), bundleDigest: 'd', local: [{ policy, digest: 'd' }], cluster: CLUSTER };
    const replayer = new Replayer(PolicySet.of(parts), snapshot());
    for (let hours = 9; hours > 0; hours -= 1) replayer.replay(issuedTo({ agoMs: hours * HOUR_MS }));
    assert.equal(asked, 1);
    replayer.replay(issuedTo({ policy: { requestedTtlMs: HOUR_MS } }));
    assert.equal(asked, 2);
  });

  it('lets a condition that fails pass for its grace, and not for another after it', () => {
    const failing = condition(
      { kind: 'expression', expression: expression(() => false) },
      { onRenew: { kind: 'grace', graceMs: 2 * HOUR_MS } },
    );
    const parts = {
      bundle: bundle(),
      bundleDigest: 'd',
      local: [{ policy: local({ conditions: [failing] }), digest: 'd' }],
      cluster: CLUSTER,
    };
    const replayer = new Replayer(PolicySet.of(parts), snapshot());
    const hourly = Array.from({ length: 6 }, (_, index) => issuedTo({ agoMs: (6 - index) * HOUR_MS }, LONG));
    replayer.observe(hourly[0]!);
    const outcomes = hourly.slice(1).map((record) => replayer.replay(record)?.after.outcome);
    assert.deepEqual(outcomes, ['approved', 'refused', 'refused', 'refused', 'refused']);
  });

  describe('of a ztunnel', () => {
    const labelled = rule({
      bounds: wide({ impersonators: [] }),
      match: { pods: { labels: { tier: 'front' } } },
    });
    const parts = { bundle: bundle({ rules: [labelled] }), bundleDigest: 'd', local: [], cluster: CLUSTER };
    const relayed = { actor: 'istio-system/ztunnel', podNames: [{ name: 'web-1', uid: 'uid-web-1' }] };
    const outcome = (policy: Partial<PolicyTrace>): string | undefined =>
      new Replayer(PolicySet.of(parts), snapshot()).replay(issuedTo({ policy }))?.after.outcome;

    it('goes by the pods as they are on record', () => {
      const pod = { name: 'web-1', uid: 'uid-web-1', resourceVersion: '7', images: [] };
      assert.equal(outcome({ ...relayed, pods: [{ ...pod, labels: { tier: 'front' } }] }), 'approved');
      assert.equal(outcome({ ...relayed, pods: [{ ...pod, labels: { tier: 'back' } }] }), 'refused');
    });

    it('is left undecided where nothing of the pods is on record or in the snapshot', () => {
      assert.equal(outcome(relayed), 'undecided');
    });
  });
});

const LONG = { notAfterMs: Date.UTC(2027, 0) };
