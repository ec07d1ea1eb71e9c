import assert from 'node:assert/strict';
import { MEASURED_EVERY_MS, OutageBudget } from '../../../../src/authority/chores/outage/outage-budget.ts';
import { WatchedInterruptions } from '../../../../src/authority/chores/outage/watch-interruptions.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { WorkloadEvidence } from '../../../../src/domain/trust/rotation/evidence.ts';
import { FakeClock, NOON_MS, settle } from '../../../support/fakes/fake-clock.ts';
import { FakeLease } from '../../../support/fakes/lease.ts';
import { FakeEvidence, workloadEvidence } from '../../../support/trust/fake-evidence.ts';

const HOUR_MS = 3_600_000;
const SETTINGS = { sdsRenewAt: 0.5 };
/** With a certificate of 24 hours. */
const issuedAt = (timeMs: number): WorkloadEvidence => {
  const leaf = { serial: '1', api: 'csr', issuer: 'a', issuedMs: timeMs, notAfterMs: timeMs + 24 * HOUR_MS };
  return workloadEvidence({ leaf, live: [{ latestEndMs: leaf.notAfterMs }] });
};

describe('The outage budget', () => {
  let clock: FakeClock;
  let evidence: FakeEvidence;
  let lease: FakeLease;
  let able: boolean;
  let end: AbortController;
  let budget: OutageBudget;
  /** Of the last budget. */
  let interruptions: WatchedInterruptions;
  let running: Promise<void>;
  beforeEach(() => {
    [clock, evidence, able, end] = [new FakeClock(NOON_MS), new FakeEvidence(), true, new AbortController()];
    lease = new FakeLease();
    budget = another(lease);
  });
  afterEach(async () => {
    end.abort();
    await running;
  });
  const another = (its: FakeLease): OutageBudget => {
    const barred = () => (able ? [] : [{}]);
    interruptions = new WatchedInterruptions({ reader: evidence, clock, barred }, { longestLeafMs: 24 * HOUR_MS });
    return new OutageBudget({ reader: evidence, lease: its, clock, interruptions }, SETTINGS);
  };
  const runs = async (its: OutageBudget): Promise<void> => {
    await Promise.all([its.run(end), interruptions.run(end)]);
  };
  const start = async (...workloads: readonly WorkloadEvidence[]): Promise<void> => {
    evidence.workloads = workloads;
    running = runs(budget);
    await settle();
    lease.give();
    await clock.advance(1);
  };

  it('is the time until the first workload is without a certificate, and counts down while nothing is issued', async () => {
    await start(issuedAt(NOON_MS - 1 * HOUR_MS), issuedAt(NOON_MS - 5 * HOUR_MS));
    assert.equal(budget.leftMs, 19 * HOUR_MS - 1);
    await clock.advance(HOUR_MS);
    assert.equal(budget.leftMs, 18 * HOUR_MS - 1);
  });

  it('rises when the workload that was first renews', async () => {
    await start(issuedAt(NOON_MS - 12 * HOUR_MS), issuedAt(NOON_MS - 5 * HOUR_MS));
    evidence.workloads = [issuedAt(NOON_MS), issuedAt(NOON_MS - 5 * HOUR_MS)];
    await clock.advance(2 * MEASURED_EVERY_MS);
    assert.equal(budget.leftMs, 19 * HOUR_MS - 1 - 2 * MEASURED_EVERY_MS);
  });

  it('is unknown where nobody is alive, or another process measures it', async () => {
    await start();
    assert.equal(budget.leftMs, undefined);
    evidence.workloads = [issuedAt(NOON_MS)];
    await clock.advance(2 * MEASURED_EVERY_MS);
    assert.notEqual(budget.leftMs, undefined);
    lease.lose();
    await clock.advance(1);
    assert.equal(budget.leftMs, undefined);
  });

  it('leaves out the dead, but nobody for the time in which nothing could be issued', async () => {
    await start(issuedAt(NOON_MS - 11 * HOUR_MS), issuedAt(NOON_MS));
    able = false;
    await clock.advance(12 * HOUR_MS);
    assert.equal(budget.leftMs, HOUR_MS - 1, 'it would have come');
    able = true;
    evidence.workloads = [issuedAt(NOON_MS - 1 * HOUR_MS), issuedAt(clock.nowMs())];
    await clock.advance(MEASURED_EVERY_MS);
    assert.ok(budget.leftMs < 12 * HOUR_MS);
    await clock.advance(7 * HOUR_MS);
    assert.ok(budget.leftMs > 12 * HOUR_MS, 'it has not come, though it could');
  });

  it('is 0 for as long as somebody ran out and nothing can be issued, whoever else has time yet', async () => {
    await start(issuedAt(NOON_MS - 14 * HOUR_MS), issuedAt(NOON_MS - HOUR_MS));
    able = false;
    await clock.advance(11 * HOUR_MS);
    assert.equal(budget.leftMs, 0);
    await clock.advance(36 * HOUR_MS);
    assert.equal(budget.leftMs, 0, 'also when nobody has a certificate any more');
  });

  it('is 0 after an outage until who ran out is back, or as late as one that is gone', async () => {
    const [back, gone] = [issuedAt(NOON_MS - 10 * HOUR_MS), issuedAt(NOON_MS - 9 * HOUR_MS)];
    await start(back, gone);
    able = false;
    await clock.advance(20 * HOUR_MS);
    able = true;
    evidence.workloads = [issuedAt(clock.nowMs()), gone];
    await clock.advance(5 * HOUR_MS);
    assert.equal(budget.leftMs, 0);
    evidence.workloads = [issuedAt(clock.nowMs()), gone];
    await clock.advance(2 * HOUR_MS);
    assert.ok(budget.leftMs > 21 * HOUR_MS);
  });

  it('counts nobody who ran out before an outage, and of that could come', async () => {
    await start(issuedAt(NOON_MS - 30 * HOUR_MS), issuedAt(NOON_MS - HOUR_MS));
    able = false;
    await clock.advance(HOUR_MS);
    assert.equal(budget.leftMs, 22 * HOUR_MS - 1);
  });

  it('knows of an outage that began while another process measured it', async () => {
    await start(issuedAt(NOON_MS - 11 * HOUR_MS));
    const its = new FakeLease();
    const replica = another(its);
    const also = runs(replica);
    able = false;
    await clock.advance(12 * HOUR_MS);
    lease.lose();
    its.give();
    await clock.advance(2 * MEASURED_EVERY_MS);
    assert.equal(budget.leftMs, undefined);
    assert.equal(replica.leftMs, HOUR_MS - 1 - 2 * MEASURED_EVERY_MS);
    end.abort();
    await also;
  });

  it('takes the time in which no server ran for one in which nobody could come', async () => {
    await start(issuedAt(NOON_MS - 20 * HOUR_MS), issuedAt(NOON_MS - 19 * HOUR_MS));
    assert.equal(budget.leftMs, 4 * HOUR_MS - 1);
  });

  it('is 0 when nobody has a certificate any more after the time in which no server ran', async () => {
    evidence.issuedMs = [NOON_MS - 100 * HOUR_MS];
    await start(issuedAt(NOON_MS - 110 * HOUR_MS), issuedAt(NOON_MS - 101 * HOUR_MS));
    assert.equal(budget.leftMs, 0);
    await clock.advance(7 * HOUR_MS);
    assert.equal(budget.leftMs, undefined, 'nobody came, though they could');
  });

  it('goes on counting down while the store cannot be read', async () => {
    await start(issuedAt(NOON_MS));
    evidence.problem = new AuthorityError('CAP-S04');
    evidence.workloads = [];
    await clock.advance(HOUR_MS);
    assert.equal(budget.leftMs, 23 * HOUR_MS - 1);
  });
});
