import assert from 'node:assert/strict';
import { countedDecisions, PolicyDayCounts } from '../../../../src/adapters/kubernetes/objects/status/day-counts.ts';
import type { FailedClause } from '../../../../src/domain/policy/policy-decision.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;
const WEB = 'namespace shop/web';

function decision(
  outcome: 'issued' | 'refused',
  trace: { readonly applied?: readonly string[]; readonly failures?: string[]; readonly audits?: string[] },
): DecisionRecord {
  const clauses = (names: readonly string[] = []) =>
    names.map((name) => {
      const [layer, policy] = name.split(' ');
      return { layer, policy } as FailedClause;
    });
  const { applied = [WEB], failures, audits } = trace;
  const policy = { applied, failures: clauses(failures), audits: clauses(audits) };
  return { outcome, policy } as unknown as DecisionRecord;
}

const ALONE = { counted: false };

function counter(clock = new FakeClock()) {
  const counts = new PolicyDayCounts(clock);
  return { counts, counting: countedDecisions(counts) };
}

describe('How often a policy applied', () => {
  it('is counted by what was issued, what a clause of it refused, and what one would have refused', async () => {
    const { counts, counting } = counter();
    counting.decided(decision('issued', { applied: [WEB, 'cluster platform', 'central corp@1 mesh'] }), ALONE);
    counting.decided(
      decision('refused', { failures: [WEB, WEB, 'central corp@1'], audits: ['cluster platform'] }),
      ALONE,
    );
    counting.decided(decision('issued', { audits: [WEB] }), ALONE);
    const since = new Date(NOON_MS).toISOString().replace('.000Z', 'Z');
    assert.deepEqual(await counts.of(WEB), { issued: 2, refused: 1, auditHits: 1, since });
    assert.deepEqual(await counts.of('cluster platform'), { issued: 1, refused: 0, auditHits: 1, since });
    assert.deepEqual((await counts.of('central corp@1 mesh')).issued, 0);
  });

  it('is forgotten after a day, and says since when while it was counted for less', async () => {
    const clock = new FakeClock();
    const { counts, counting } = counter(clock);
    counting.decided(decision('issued', {}), ALONE);
    await clock.advance(23 * HOUR_MS);
    assert.equal((await counts.of(WEB)).issued, 1);
    assert.notEqual((await counts.of(WEB)).since, undefined);
    await clock.advance(HOUR_MS);
    counting.decided(decision('issued', {}), ALONE);
    assert.deepEqual(await counts.of(WEB), { issued: 1, refused: 0, auditHits: 0 });
  });

  it('is nothing for a decision that policy was not asked for', async () => {
    const { counts, counting } = counter();
    counting.decided({ outcome: 'refused', reason: 'CAP-A01' } as DecisionRecord, ALONE);
    assert.equal((await counts.of(WEB)).refused, 0);
  });
});
