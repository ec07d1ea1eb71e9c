import assert from 'node:assert/strict';
import { PolicySet } from '../../../src/domain/policy/policy-set.ts';
import { Replayer } from '../../../src/review/replay/replayer.ts';
import { bundle, CLUSTER, condition, expression, local, snapshot } from '../../support/policy/policies.ts';
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
});

const LONG = { notAfterMs: Date.UTC(2027, 0) };
