import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import type { Authorship } from '../../../../src/domain/trust/issuer-ledger.ts';
import {
  advanced,
  anchorsUnder,
  isHeld,
  keeping,
  NO_ANCHORS,
  released,
  started,
  type AnchorLedger,
} from '../../../../src/domain/trust/rotation/anchor-ledger.ts';
import { dependsOn } from '../../../../src/domain/trust/rotation/dependants.ts';
import type { WorkloadEvidence } from '../../../../src/domain/trust/rotation/evidence.ts';
import { obstaclesTo } from '../../../../src/domain/trust/rotation/gate.ts';
import { progressOf } from '../../../../src/domain/trust/rotation/progress.ts';
import { shasOf, type RotationStep } from '../../../../src/domain/trust/rotation/rotation.ts';
import { good, TEST_TRUST_DOMAIN } from '../../../support/certificates.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { tiersAt, type Tier } from '../../../support/paths/tiers.ts';
import { workloadEvidence } from '../../../support/trust/fake-evidence.ts';

const HOUR_MS = 3_600_000;
const tier = tiersAt(NOON_MS);
const BY: Authorship = { timeMs: NOON_MS, actor: 'CN:alice', role: 'security', reason: 'a drill' };
const NOTHING_ELSE = { places: [], issuers: [], own: [] };

describe('The ledger of trust anchors', () => {
  let bundles: Readonly<Record<'old' | 'next' | 'both' | 'other', TrustBundle>>;
  let old: string;
  let next: string;
  before(async () => {
    const [one, two, three] = await Promise.all([tier('Old root'), tier('New root'), tier('Other root')]);
    const of = (...roots: readonly Tier[]): TrustBundle =>
      good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, roots.map(({ pem }) => pem).join('')));
    bundles = { old: of(one), next: of(two), both: of(one, two), other: of(three) };
    old = shasOf(bundles.old.anchors)[0]!;
    next = shasOf(bundles.next.anchors)[0]!;
  });

  const rotating = (): AnchorLedger =>
    good(started(NO_ANCHORS, { added: bundles.next, inForce: bundles.old, signing: [] }, BY));
  const after = (ledger: AnchorLedger, ...steps: readonly RotationStep[]): AnchorLedger =>
    steps.reduce((now, step) => good(advanced(now, step, BY)), ledger);
  const out = (ledger: AnchorLedger, given: TrustBundle): readonly string[] =>
    shasOf(anchorsUnder(ledger, given).anchors);

  it('changes nothing of what the files have while nothing is decided', () => {
    assert.equal(anchorsUnder(NO_ANCHORS, bundles.both), bundles.both);
  });

  it('has old and new go out from every server, whichever of them its file has', () => {
    for (const given of [bundles.old, bundles.next, bundles.both])
      assert.deepEqual(new Set(out(rotating(), given)), new Set([old, next]));
    assert.deepEqual(new Set(out(after(rotating(), 'advance'), bundles.old)), new Set([old, next]));
  });

  it('has the old one out after it is retired, although the file has it still', () => {
    const retired = after(rotating(), 'advance', 'retire');
    for (const given of [bundles.old, bundles.next, bundles.both]) assert.deepEqual(out(retired, given), [next]);
    assert.deepEqual(out(after(retired, 'finish'), bundles.both), [next]);
  });

  it('leaves what the files have rather than nothing', () => {
    const nothing = { ...after(rotating(), 'advance', 'retire'), kept: [] };
    assert.deepEqual(out(nothing, bundles.old), [old]);
  });

  it('keeps an anchor once, however often a file and the one before it have it', () => {
    const kept = keeping(NO_ANCHORS, [...bundles.old.anchors, ...bundles.both.anchors], NOON_MS);
    assert.deepEqual(shasOf(kept.kept), [old, next]);
  });

  it('takes a retired anchor back only by another rotation', () => {
    const done = after(rotating(), 'advance', 'retire', 'finish');
    assert.equal(keeping(done, bundles.old.anchors, NOON_MS), done);
    const back = good(started(done, { added: bundles.old, inForce: bundles.next, signing: [] }, BY));
    assert.deepEqual(new Set(out(back, bundles.next)), new Set([old, next]));
  });

  it('has one rotation at a time, with something that comes and something that goes', () => {
    const again = started(rotating(), { added: bundles.other, inForce: bundles.both, signing: [] }, BY);
    assert.match('problem' in again ? again.problem : '', /is under way, in phase publish$/);
    const same = started(NO_ANCHORS, { added: bundles.both, inForce: bundles.old, signing: [] }, BY);
    assert.match('problem' in same ? same.problem : '', /no other trust anchor in force/);
  });

  it('knows no step that its phase does not have, and says what there is', () => {
    const problemOf = (ledger: AnchorLedger, step: RotationStep): string => {
      const next = advanced(ledger, step, BY);
      return 'problem' in next ? next.problem : assert.fail('it was done');
    };
    assert.match(problemOf(NO_ANCHORS, 'advance'), /no rotation: start one/);
    assert.match(
      problemOf(rotating(), 'retire'),
      /in phase publish, where there is no retire: advance it, or abort it/,
    );
    assert.match(
      problemOf(after(rotating(), 'advance', 'retire'), 'abort'),
      /in phase retire, where there is no abort/,
    );
    assert.match(problemOf(after(rotating(), 'abort'), 'advance'), /in phase aborted/);
  });

  it('does not let go of what a rotation holds, and of what came with one that was aborted', () => {
    for (const ledger of [rotating(), after(rotating(), 'advance')])
      assert.equal(released(ledger, [old, next]), ledger);
    const aborted = after(rotating(), 'abort');
    assert.deepEqual(shasOf(released(aborted, [next]).kept), [old]);
    const done = after(rotating(), 'advance', 'retire', 'finish');
    assert.equal(isHeld(done, next), true);
  });

  it('never has an anchor out that a live workload hangs on, whatever is done in whatever order, but by an override', () => {
    type Act =
      | { readonly kind: 'step'; readonly step: RotationStep }
      | { readonly kind: 'file'; readonly given: 'old' | 'next' | 'both' }
      | { readonly kind: 'renew'; readonly who: number; readonly below: 'old' | 'next' }
      | { readonly kind: 'keep' }
      | { readonly kind: 'start' };
    const acts = fc.array(
      fc.oneof<fc.Arbitrary<Act>[]>(
        fc.record({
          kind: fc.constant('step' as const),
          step: fc.constantFrom<RotationStep[]>('advance', 'retire', 'abort', 'finish'),
        }),
        fc.record({ kind: fc.constant('file' as const), given: fc.constantFrom('old', 'next', 'both') }),
        fc.record({
          kind: fc.constant('renew' as const),
          who: fc.nat(2),
          below: fc.constantFrom('old', 'next'),
        }),
        fc.record({ kind: fc.constant('keep' as const) }),
        fc.record({ kind: fc.constant('start' as const) }),
      ),
      { maxLength: 30 },
    );
    const shaOf = { old, next };
    fc.assert(
      fc.property(acts, (sequence) => {
        let ledger = NO_ANCHORS;
        let given = bundles.old;
        const workloads: WorkloadEvidence[] = [0, 1, 2].map((who) => holder(who, old, [old]));
        for (const act of sequence) {
          const goingOut = out(ledger, given);
          const { rotation } = ledger;
          if (act.kind === 'file') {
            // As the keeper does: what the file had is noted before it is another.
            ledger = keeping(ledger, [...given.anchors, ...bundles[act.given].anchors], NOON_MS);
            given = bundles[act.given];
          } else if (act.kind === 'keep') {
            const free = shasOf(ledger.kept).filter(
              (sha256) =>
                !shasOf(given.anchors).includes(sha256) &&
                workloads.every((one) => dependsOn(one, [sha256], NOON_MS) === undefined),
            );
            ledger = released(ledger, free);
          } else if (act.kind === 'start') {
            const next = started(
              ledger,
              { added: bundles.next, inForce: anchorsUnder(ledger, given), signing: [] },
              BY,
            );
            if (!('problem' in next)) ledger = next;
          } else if (act.kind === 'renew') {
            // Nobody gets a leaf below what does not go out.
            if (goingOut.includes(shaOf[act.below])) workloads[act.who] = holder(act.who, shaOf[act.below], goingOut);
          } else {
            const gated = act.step !== 'abort' && rotation !== undefined;
            const obstacles = gated
              ? obstaclesTo(rotation, progressOf(rotation, workloads, NOON_MS), NOTHING_ELSE)
              : [];
            const next = obstacles.length > 0 ? ledger : advanced(ledger, act.step, BY);
            if (!('problem' in next)) ledger = next;
          }
          const bundle = out(ledger, given);
          for (const { leaf } of workloads) assert.ok(bundle.includes(leaf.trustAnchor ?? ''), JSON.stringify(act));
        }
      }),
      { numRuns: 500 },
    );
  });

  function holder(who: number, trustAnchor: string, anchors: readonly string[]): WorkloadEvidence {
    const { leaf } = workloadEvidence();
    return workloadEvidence({
      podUid: `pod-${who}`,
      leaf: { ...leaf, trustAnchor, issuedMs: NOON_MS, notAfterMs: NOON_MS + HOUR_MS },
      live: [{ trustAnchor, latestEndMs: NOON_MS + HOUR_MS }],
      received: [{ anchors, timeMs: NOON_MS }],
    });
  }
});
