import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { AnchorActs, type StepOutcome } from '../../../src/authority/administration/anchor-acts.ts';
import type { Operator } from '../../../src/authority/administration/issuer-acts.ts';
import { LiveProgress, PATIENCE_MS } from '../../../src/authority/administration/live-progress.ts';
import { RotationReview } from '../../../src/authority/administration/rotation-review.ts';
import { FollowedLedger } from '../../../src/authority/trust/followed-ledger.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { GuardedOperation } from '../../../src/domain/policy/documents.ts';
import type { WorkloadEvidence } from '../../../src/domain/trust/rotation/evidence.ts';
import { NO_ANCHORS, type AnchorLedger } from '../../../src/domain/trust/rotation/anchor-ledger.ts';
import type { RotationAct } from '../../../src/domain/trust/rotation/rotation.ts';
import { SettledTime } from '../../../src/live/settled-time.ts';
import { fakeIssuers, fakePolicies, type FakeIssuers } from '../../support/authority-parts.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';
import { MemoryLedgers } from '../../support/memory-ledgers.ts';
import { bundle, policySet } from '../../support/policy/policies.ts';
import { FakeEvidence, workloadEvidence } from '../../support/trust/fake-evidence.ts';

const HOUR_MS = 3_600_000;
const ALICE: Operator = { actor: 'CN:alice', role: 'security', local: false };
const BOB: Operator = { actor: 'CN:bob', role: 'security', local: false };
const LOCAL: Operator = { actor: 'local', role: 'security', local: true };

describe('What operators do to trust anchors', () => {
  let old: TestAuthority;
  let next: TestAuthority;
  let clock: FakeClock;
  let settled: SettledTime;
  let issuers: FakeIssuers;
  let ledgers: MemoryLedgers<AnchorLedger>;
  let evidence: FakeEvidence;
  let events: RecordedEvents;
  let stop: AbortController;
  before(async () => {
    [old, next] = await Promise.all([testAuthority({ nowMs: NOON_MS }), testAuthority({ nowMs: NOON_MS })]);
  });
  beforeEach(() => {
    clock = new FakeClock();
    settled = new SettledTime(clock);
    settled.nowMs();
    issuers = fakeIssuers(old.material);
    ledgers = new MemoryLedgers(NO_ANCHORS);
    evidence = new FakeEvidence();
    events = recordEvents();
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  /** As one process, or one server of several on one store. */
  async function serverOf(twoPersons: readonly GuardedOperation[] = []) {
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger of trust anchors' });
    await ledger.start(stop);
    const standing = async () => [];
    const { anchors } = issuers;
    const progress = new LiveProgress({ reader: evidence, clock, settled }, stop);
    const parts = { anchors, progress, issuers: standing, own: standing, clock, settled };
    const review = new RotationReview(parts, { spreadMs: 0 });
    const policies = fakePolicies(policySet(bundle({ twoPersons })));
    const acts = new AnchorActs(
      { ledger, anchors, issuers, review, policies, clock, events },
      { longestLeafMs: HOUR_MS },
    );
    const ask = async (act: RotationAct, more: object = {}, by = ALICE): Promise<StepOutcome> =>
      acts.ask(
        { act, reason: 'a drill', override: false, ...(act === 'start' && { pem: next.root.certificatePem }), ...more },
        by,
        stop,
      );
    const phase = (): string | undefined => ledger.current().rotation?.phase;
    return { acts, ask, phase, look: async () => ledger.look(stop) };
  }
  /** As the server does once old and new go out. */
  function published(): void {
    const both = old.bundle.joinedWith(next.bundle);
    issuers.swap({ ...old.material, bundle: both });
  }
  function workload(below: TestAuthority, ...knows: readonly TestAuthority[]): WorkloadEvidence {
    const trustAnchor = below.issuer.anchorSha256;
    const { leaf } = workloadEvidence();
    return workloadEvidence({
      podUid: 'uid',
      podName: 'web-0',
      leaf: { ...leaf, trustAnchor, issuedMs: NOON_MS, notAfterMs: NOON_MS + HOUR_MS },
      live: [{ trustAnchor, latestEndMs: NOON_MS + HOUR_MS }],
      received: [{ anchors: knows.map(({ issuer }) => issuer.anchorSha256), timeMs: NOON_MS }],
    });
  }

  it('goes from phase to phase as workloads follow, each laggard named, and is on record', async () => {
    const { ask, phase } = await serverOf();
    await ask('start');
    await assert.rejects(ask('advance'), { reason: 'CAP-O03', message: /not known where the new trust anchor/ });
    published();
    evidence.workloads = [workload(old, old)];
    await assert.rejects(ask('advance'), {
      reason: 'CAP-O03',
      message: /: 1 live workload is not known to have .*shop\/sa\/web \(pod web-0\)/,
    });
    evidence.workloads = [workload(old, old, next)];
    await ask('advance');
    await assert.rejects(ask('retire'), {
      reason: 'CAP-O03',
      message: /1 live workload is below the old trust anchor/,
    });
    evidence.workloads = [workload(next, old, next)];
    await ask('retire');
    assert.equal(phase(), 'retire');
    assert.deepEqual(
      ledgers.operations.map(({ operation, was, is }) => [operation, was, is]),
      [
        ['anchor start', '-', 'publish'],
        ['anchor advance', 'publish', 'adopt'],
        ['anchor retire', 'adopt', 'retire'],
      ],
    );
    assert.deepEqual(
      events.of('rotationMoved').map(({ to }) => to),
      ['publish', 'adopt', 'retire'],
    );
  });

  it('goes no step by a clock that was set forwards, and says that nobody counts as over by it', async () => {
    const { ask, phase } = await serverOf();
    evidence.workloads = [workload(old, old, next)];
    await ask('start');
    published();
    await ask('advance');
    clock.jumpTo(NOON_MS + 48 * HOUR_MS);
    await assert.rejects(ask('retire'), {
      reason: 'CAP-O03',
      message:
        /: the clock was set forwards by 2 days: until it has been so for 60 minutes nobody counts as over by that; 1 live workload is below the old/,
    });
    assert.equal(phase(), 'adopt');
    await clock.advance(HOUR_MS);
    await ask('retire');
  });

  it('says what was overridden, to who did it and in the journal', async () => {
    const { ask } = await serverOf();
    evidence.workloads = [workload(old, old)];
    await ask('start');
    published();
    const outcome = await ask('advance', { override: true });
    assert.match(outcome.outcome === 'done' ? (outcome.notes[0] ?? '') : '', /1 live workload is not known/);
    assert.match(ledgers.operations.at(-1)?.details?.reason ?? '', /^a drill \(overriding: 1 live workload .*web-0/);
  });

  it('concludes nothing from evidence that cannot be read to its end', async () => {
    const { ask, phase } = await serverOf();
    await ask('start');
    published();
    evidence.problem = new AuthorityError('CAP-S04');
    await assert.rejects(ask('advance'), { reason: 'CAP-S04' });
    assert.equal(phase(), 'publish');
  });

  it('says that workloads are still being read instead of keeping anybody waiting, and does nothing meanwhile', async () => {
    const { acts, ask, phase } = await serverOf();
    await ask('start');
    published();
    evidence.held = new Promise(() => undefined);
    const asked = [
      acts.status(stop),
      assert.rejects(ask('advance'), { reason: 'CAP-S07', message: /ask again/ }),
    ] as const;
    await turn();
    await clock.advance(PATIENCE_MS);
    const [{ review, reading }] = await Promise.all(asked);
    assert.deepEqual([review, reading], [undefined, true]);
    assert.equal(phase(), 'publish');
  });

  it('has one of two operators who advance at once win, and the other hear of it', async () => {
    const [one, other] = [await serverOf(), await serverOf()];
    await one.ask('start');
    published();
    await other.look();
    const both = await Promise.allSettled([one.ask('advance'), other.ask('advance', {}, BOB)]);
    const refused = both.flatMap((settled) => (settled.status === 'rejected' ? [settled.reason as unknown] : []));
    assert.equal(refused.length, 1);
    assert.match(String(refused[0]), /CAP-O03 .*in phase adopt, where there is no advance/);
  });

  it('refuses what is no trust anchor, and the one that is in force already', async () => {
    const { ask } = await serverOf();
    await assert.rejects(ask('start', { pem: 'nothing' }), { reason: 'CAP-O02', message: /new anchors/ });
    await assert.rejects(ask('start', { pem: next.intermediate.certificatePem }), { reason: 'CAP-O02' });
    await assert.rejects(ask('start', { pem: old.root.certificatePem }), { reason: 'CAP-O03' });
  });

  it('waits for a second person, who is shown what it is and looks at the gate again', async () => {
    const { acts, ask, phase } = await serverOf(['anchor.retire']);
    await ask('start');
    published();
    await ask('advance');
    evidence.workloads = [workload(next, old, next)];
    const asked = await ask('retire');
    assert.equal(phase(), 'adopt');
    const digest = asked.outcome === 'pending' ? asked.pending.digest : assert.fail('it was done');
    assert.deepEqual(
      (await acts.status(stop)).pending.map(({ act }) => act),
      ['retire'],
    );
    await assert.rejects(acts.approve(digest, ALICE, stop), { reason: 'CAP-O04' });
    await assert.rejects(acts.approve(digest, LOCAL, stop), { reason: 'CAP-O04' });
    await assert.rejects(acts.approve(digest, { ...BOB, role: 'operator' }, stop), { reason: 'CAP-O01' });
    evidence.workloads = [workload(old, old, next)];
    await assert.rejects(acts.approve(digest, BOB, stop), { reason: 'CAP-O03', message: /below the old/ });
    evidence.workloads = [];
    await acts.approve(digest, BOB, stop);
    assert.equal(phase(), 'retire');
    assert.deepEqual(
      [ledgers.operations.at(-1)?.details?.actor, ledgers.operations.at(-1)?.details?.approvedBy],
      ['CN:alice', 'CN:bob'],
    );
    await assert.rejects(acts.approve(digest, BOB, stop), { reason: 'CAP-O02' });
  });

  it('is taken back in publish and in adopt without asking anybody, and not after', async () => {
    for (const steps of [[], ['advance']] as const) {
      ledgers = new MemoryLedgers(NO_ANCHORS);
      issuers.swap(old.material);
      const { ask, phase } = await serverOf();
      await ask('start');
      published();
      for (const step of steps) await ask(step);
      evidence.workloads = [workload(next, old, next)];
      await ask('abort', {}, { ...BOB, role: 'operator' });
      assert.equal(phase(), 'aborted');
      evidence.workloads = [];
    }
  });
});
