import assert from 'node:assert/strict';
import { AnchorKeeper } from '../../../src/authority/chores/keep-anchors.ts';
import { FollowedLedger } from '../../../src/authority/trust/followed-ledger.ts';
import { GovernedAnchors } from '../../../src/authority/trust/governed-anchors.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { TrustBundle } from '../../../src/domain/trust/bundle.ts';
import { advanced, NO_ANCHORS, started, type AnchorLedger } from '../../../src/domain/trust/rotation/anchor-ledger.ts';
import type { PublishedPlace } from '../../../src/domain/trust/rotation/published-place.ts';
import type { AnchorPlaces } from '../../../src/ports/issuing/root-publication.ts';
import type { WorkloadEvidence } from '../../../src/domain/trust/rotation/evidence.ts';
import { shasOf, type RotationStep } from '../../../src/domain/trust/rotation/rotation.ts';
import { SettledTime } from '../../../src/live/settled-time.ts';
import { good, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';
import { MemoryLedgers } from '../../support/memory-ledgers.ts';
import { FakeEvidence, workloadEvidence } from '../../support/trust/fake-evidence.ts';

const HOUR_MS = 3_600_000;
const BY = { timeMs: NOON_MS, actor: 'CN:alice', role: 'security', reason: 'a drill' };
const OPERATION = { timeMs: NOON_MS, operation: 'a drill', was: '-', is: '-' };

describe('The keeper of trust anchors', () => {
  let old: TestAuthority;
  let next: TestAuthority;
  let both: TrustBundle;
  let clock: FakeClock;
  let settled: SettledTime;
  let ledgers: MemoryLedgers<AnchorLedger>;
  let evidence: FakeEvidence;
  let events: RecordedEvents;
  let stop: AbortController;
  before(async () => {
    [old, next] = await Promise.all([testAuthority({ nowMs: NOON_MS }), testAuthority({ nowMs: NOON_MS })]);
    both = old.bundle.joinedWith(next.bundle);
  });
  beforeEach(() => {
    clock = new FakeClock();
    settled = new SettledTime(clock);
    settled.nowMs();
    ledgers = new MemoryLedgers(NO_ANCHORS);
    evidence = new FakeEvidence();
    events = recordEvents();
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  /** Of a server, or of another process of it, with a file of its own. */
  async function serverWith(file: TrustBundle, looksAtWorkloads = true, published?: AnchorPlaces) {
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger of trust anchors' });
    await ledger.start(stop);
    const place = { file };
    const governed = new GovernedAnchors({ ledger });
    const keeper = new AnchorKeeper(
      {
        ledger,
        given: () => place.file,
        noted: (given) => governed.note(given),
        reader: evidence,
        clock,
        settled,
        events,
        ...(published && { published }),
      },
      { looksAtWorkloads },
    );
    const look = async (): Promise<void> => {
      await ledger.look(stop);
      await keeper.look(stop);
    };
    const out = (): readonly string[] => shasOf(governed.govern(place.file).anchors);
    return { place, keeper, governed, look, out };
  }
  const sha = ({ issuer }: TestAuthority): string => issuer.anchorSha256;
  function holder(below: TestAuthority, ...knows: readonly TestAuthority[]): WorkloadEvidence {
    const { leaf } = workloadEvidence();
    return workloadEvidence({
      podUid: 'uid',
      podName: 'web-0',
      leaf: { ...leaf, trustAnchor: sha(below), issuedMs: NOON_MS, notAfterMs: NOON_MS + 24 * HOUR_MS },
      live: [],
      received: [{ anchors: knows.map(sha), timeMs: NOON_MS }],
    });
  }
  async function rotate(...steps: readonly RotationStep[]): Promise<void> {
    const begun: AnchorLedger = good(started(NO_ANCHORS, { added: next.bundle, inForce: old.bundle, signing: [] }, BY));
    const ledger = steps.reduce<AnchorLedger>((now, step) => good(advanced(now, step, BY)), begun);
    const { revision } = await ledgers.read(stop);
    await ledgers.replace(revision, ledger, OPERATION, stop);
  }

  it('has an anchor that is taken out of the file go out until the last workload below it is gone, and names it', async () => {
    const { place, keeper, look, out } = await serverWith(old.bundle);
    evidence.workloads = [holder(old)];
    await look();
    place.file = next.bundle;
    assert.deepEqual(out(), [sha(next), sha(old)], 'also before anybody looked');
    await look();
    assert.deepEqual(out(), [sha(next), sha(old)]);
    assert.match(
      keeper.problem ?? '',
      /taken out of the file and goes out all the same: 1 live workload .*\(pod web-0\)/,
    );
    assert.equal(events.of('trustWarning').length, 1);
    evidence.workloads = [holder(next)];
    await look();
    assert.deepEqual(out(), [sha(next)]);
    assert.equal(keeper.problem, undefined);
    assert.deepEqual(
      ledgers.operations.map(({ operation, is }) => [operation, is]),
      [
        ['anchor file', 'in force'],
        ['anchor file', 'out of force'],
      ],
    );
  });

  it('has it go out also after a restart in which the file was another', async () => {
    evidence.workloads = [holder(old)];
    const before = await serverWith(old.bundle);
    await before.look();
    before.place.file = both;
    await before.look();
    const again = await serverWith(next.bundle);
    await again.look();
    assert.deepEqual(again.out(), [sha(next), sha(old)]);
    evidence.workloads = [];
    await again.look();
    assert.deepEqual(again.out(), [sha(next), sha(old)]);
    await clock.advance(HOUR_MS);
    await again.look();
    assert.deepEqual(again.out(), [sha(next)]);
  });

  for (const [way, stepMs] of [
    ['two days forwards', 48 * HOUR_MS],
    ['two days back', -48 * HOUR_MS],
  ] as const) {
    it(`lets nothing go, moves nothing and has nothing done because a clock was set ${way}`, async () => {
      evidence.workloads = [holder(old, old, next)];
      const byHand = await serverWith(both);
      await byHand.look();
      byHand.place.file = next.bundle;
      clock.jumpTo(NOON_MS + stepMs);
      await byHand.look();
      assert.deepEqual(new Set(byHand.out()), new Set([sha(next), sha(old)]));
      clock.jumpTo(NOON_MS);
      for (const steps of [['advance'], ['advance', 'retire']] as const) {
        await rotate(...steps);
        const { look, governed } = await serverWith(old.bundle);
        clock.jumpTo(NOON_MS + stepMs);
        await look();
        const { rotation } = governed.decided();
        assert.deepEqual(
          [rotation?.phase, rotation?.leavesMovedMs],
          [steps.at(-1) === 'retire' ? 'retire' : 'adopt', undefined],
        );
        clock.jumpTo(NOON_MS);
      }
    });
  }

  it('believes a clock that has been ahead for an hour', async () => {
    await rotate('advance', 'retire');
    const { look, governed } = await serverWith(old.bundle);
    evidence.workloads = [holder(next, old, next)];
    clock.jumpTo(NOON_MS + 48 * HOUR_MS);
    await look();
    await clock.advance(HOUR_MS);
    await look();
    assert.equal(governed.decided().rotation?.phase, 'done');
  });

  it('lets nothing go while it cannot be known what hangs on it', async () => {
    const { place, look, out } = await serverWith(both);
    await look();
    place.file = next.bundle;
    evidence.problem = new AuthorityError('CAP-S04');
    await assert.rejects(look(), { reason: 'CAP-S04' });
    assert.deepEqual(new Set(out()), new Set([sha(next), sha(old)]));
  });

  it('does not take out of a bundle what another server has in its file by now', async () => {
    const [ahead, stale] = [await serverWith(old.bundle), await serverWith(old.bundle)];
    await stale.look();
    await ahead.look();
    ahead.place.file = both;
    await ahead.look();
    await stale.look();
    assert.deepEqual(new Set(stale.out()), new Set([sha(old), sha(next)]));
    // Its file comes: from now on it is an edit like any other.
    stale.place.file = both;
    await stale.look();
    stale.place.file = old.bundle;
    await stale.look();
    assert.deepEqual(stale.out(), [sha(old)]);
    await ahead.look();
    assert.deepEqual(ahead.out(), [sha(old), sha(next)]);
  });

  it('says when the own certificates may move, and when a rotation is done, by one process of all', async () => {
    await rotate('advance');
    const [one, other] = [await serverWith(old.bundle), await serverWith(old.bundle, false)];
    evidence.workloads = [holder(old, old, next)];
    await one.look();
    assert.equal(one.governed.decided().rotation?.leavesMovedMs, undefined);
    evidence.workloads = [holder(next, old, next)];
    await other.look();
    assert.equal(one.governed.decided().rotation?.leavesMovedMs, undefined);
    await one.look();
    assert.equal(one.governed.decided().rotation?.leavesMovedMs, NOON_MS);
  });

  it('has a rotation done when nobody is known any more who has the old anchor', async () => {
    await rotate('advance', 'retire');
    const { look, governed, place } = await serverWith(old.bundle);
    evidence.workloads = [holder(next, old, next)];
    await look();
    assert.equal(governed.decided().rotation?.phase, 'retire');
    assert.match(governed.problemWith(place.file) ?? '', /is retired since .*: take it out of the file$/);
    evidence.workloads = [holder(next, next)];
    await look();
    assert.equal(governed.decided().rotation?.phase, 'done');
    assert.deepEqual(
      events.of('rotationMoved').map(({ to }) => to),
      ['done'],
    );
    assert.match(governed.problemWith(old.bundle) ?? '', /by a rotation, and not in the file: put it there/);
    assert.equal(governed.problemWith(next.bundle), undefined);
  });

  it('has none done while an object has the old anchor still, or nobody can know whether one does', async () => {
    await rotate('advance', 'retire');
    const seen: { places: readonly PublishedPlace[] | undefined } = { places: undefined };
    const { look, governed } = await serverWith(next.bundle, true, { places: async () => seen.places });
    const phase = (): string | undefined => governed.decided().rotation?.phase;
    await look();
    assert.equal(phase(), 'retire');
    const name = 'shop/istio-ca-root-cert';
    seen.places = [{ kind: 'ConfigMap', name, anchors: [sha(old), sha(next)] }];
    await look();
    assert.equal(phase(), 'retire');
    seen.places = [{ kind: 'ConfigMap', name, anchors: [sha(next)] }];
    await look();
    assert.equal(phase(), 'done');
  });

  it('lets the new anchor of a rotation that was aborted go when nothing hangs on it', async () => {
    await rotate('advance', 'abort');
    const { look, out } = await serverWith(old.bundle);
    evidence.workloads = [holder(next, old, next)];
    await look();
    assert.deepEqual(out(), [sha(old), sha(next)]);
    evidence.workloads = [holder(old, old, next)];
    await look();
    assert.deepEqual(out(), [sha(old)]);
  });

  it('holds an issuer below the new anchor alone back while that is published', async () => {
    await rotate();
    const { governed } = await serverWith(old.bundle);
    assert.match(governed.heldBack(next.issuer) ?? '', /put the former files back, and these in place after/);
    assert.equal(governed.heldBack(old.issuer), undefined);
    assert.equal(governed.heldBack({ id: 'ab', anchors: [sha(old), sha(next)] }), undefined);
    await rotate('advance');
    assert.equal((await serverWith(old.bundle)).governed.heldBack(next.issuer), undefined);
  });
});
