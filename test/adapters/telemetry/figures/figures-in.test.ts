import assert from 'node:assert/strict';
import { figuresIn } from '../../../../src/adapters/telemetry/figures/figures-in.ts';

const METRICS = String.raw`# HELP capstan_decisions_total Decisions
# TYPE capstan_decisions_total counter
capstan_decisions_total{api="csr",outcome="issued",reason="none"} 40
capstan_decisions_total{api="sds",outcome="issued",reason="none"} 2
capstan_decisions_total{api="csr",outcome="refused",reason="CAP-P01"} 3
capstan_decisions_total{api="sds",outcome="refused",reason="CAP-P01"} 1
capstan_decisions_total{api="sds",outcome="refused",reason="CAP-A05"} 0
capstan_sds_streams{protocol="sotw"} 1
capstan_sds_streams{protocol="delta"} 4
capstan_outage_budget_seconds{worker="1"} 7200
capstan_overdue_identities{worker="1"} 7
capstan_policy_bundle_soft_expiry_seconds{worker="1"} +Inf
capstan_policy_bundle_hard_expiry_seconds{worker="1"} 2000
capstan_trust_anchor_end_seconds{anchor="a1",subject="CN=Corp \"Root\", O=A\\B",distributed="true",worker="1"} 1000
capstan_trust_anchor_end_seconds{anchor="a1",subject="CN=Corp \"Root\", O=A\\B",distributed="true",worker="2"} 1000
capstan_issuer_rollover_due_seconds{issuer="default",step="ask"} 500
`;

describe('The figures of a server', () => {
  it('are those of its metrics, with several processes as one', () => {
    assert.deepEqual(figuresIn(METRICS), {
      issued: 42,
      refused: { 'CAP-P01': 4 },
      streams: 5,
      outageBudgetMs: 7_200_000,
      overdue: 7,
      bundleHardExpiryMs: 2_000_000,
      anchors: [{ anchor: 'a1', subject: 'CN=Corp "Root", O=A\\B', endsMs: 1_000_000, distributed: true }],
      rollovers: [{ issuer: 'default', step: 'ask', dueMs: 500_000 }],
    });
  });

  it('are none of a server that says nothing', () => {
    assert.deepEqual(figuresIn(''), { issued: 0, refused: {}, streams: 0, anchors: [], rollovers: [] });
  });
});
