import assert from 'node:assert/strict';
import { LiveProgress } from '../../../src/authority/administration/live-progress.ts';
import { COUNTED_EVERY_MS, RotationLaggards } from '../../../src/authority/chores/rotation-laggards.ts';
import type { WorkloadEvidence } from '../../../src/domain/trust/rotation/evidence.ts';
import { begun, stepped, type AnchorRotation } from '../../../src/domain/trust/rotation/rotation.ts';
import { SettledTime } from '../../../src/live/settled-time.ts';
import { good } from '../../support/certificates.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { FakeLease } from '../../support/fakes/lease.ts';
import { FakeEvidence, workloadEvidence } from '../../support/trust/fake-evidence.ts';

const [OLD, NEW] = ['0'.repeat(64), 'f'.repeat(64)];
const anchor = (sha256: string) => ({ sha256, subject: `CN=${sha256[0]!}`, notAfterMs: NOON_MS * 2 });
const BY = { timeMs: NOON_MS, actor: 'CN:alice', role: 'security', reason: 'a drill' };
const PUBLISH = begun({ added: [anchor(NEW)], old: [anchor(OLD)], signing: [] }, BY);
const ADOPT = good(stepped(PUBLISH, 'advance', BY));

/** Of the workload of that name, with a certificate below an anchor and a bundle of anchors. */
function workload(podName: string, below: string, ...anchors: readonly string[]): WorkloadEvidence {
  const leaf = {
    serial: podName,
    api: 'csr',
    issuer: 'a',
    trustAnchor: below,
    issuedMs: NOON_MS,
    notAfterMs: NOON_MS * 2,
  };
  const live = [{ trustAnchor: below, latestEndMs: leaf.notAfterMs }];
  return workloadEvidence({ podUid: podName, podName, leaf, live, received: [{ anchors, timeMs: NOON_MS }] });
}

describe('Laggards of a rotation of trust anchors', () => {
  let clock: FakeClock;
  let evidence: FakeEvidence;
  let rotation: AnchorRotation | undefined;
  let end: AbortController;
  let laggards: RotationLaggards;
  let running: Promise<void>;
  beforeEach(async () => {
    [clock, evidence, rotation, end] = [new FakeClock(NOON_MS), new FakeEvidence(), PUBLISH, new AbortController()];
    const lease = new FakeLease();
    const progress = new LiveProgress(
      { reader: evidence, clock, settled: new SettledTime(clock) },
      { signal: end.signal },
    );
    laggards = new RotationLaggards({ rotation: () => rotation, progress, lease, clock });
    evidence.workloads = [workload('told', OLD, OLD, NEW), workload('late', OLD, OLD)];
    running = laggards.run(end);
    await settle();
    lease.give();
    await clock.advance(1);
  });
  afterEach(async () => {
    end.abort();
    await running;
  });

  it('are who does not know the new anchor, until it is adopted', () => {
    assert.deepEqual(laggards.counted, { phase: 'publish', count: 1 });
  });

  it('are who hangs on the old one from then on, and fewer with each renewal', async () => {
    rotation = ADOPT;
    assert.equal(laggards.counted, undefined);
    await clock.advance(COUNTED_EVERY_MS);
    assert.deepEqual(laggards.counted, { phase: 'adopt', count: 2 });
    evidence.workloads = [workload('told', NEW, OLD, NEW), workload('late', OLD, OLD)];
    await clock.advance(COUNTED_EVERY_MS);
    assert.deepEqual(laggards.counted, { phase: 'adopt', count: 1 });
  });

  it('stay as they were counted while nothing can be read', async () => {
    evidence.problem = new Error('the database is away');
    await clock.advance(2 * COUNTED_EVERY_MS);
    assert.deepEqual(laggards.counted, { phase: 'publish', count: 1 });
  });

  it('are none where nothing is rotated', async () => {
    rotation = good(stepped(PUBLISH, 'abort', BY));
    await clock.advance(COUNTED_EVERY_MS);
    assert.equal(laggards.counted, undefined);
  });
});
