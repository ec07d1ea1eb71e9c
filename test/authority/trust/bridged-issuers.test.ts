import assert from 'node:assert/strict';
import { AnchorActs, type AskedStep, type StepOutcome } from '../../../src/authority/administration/anchor-acts.ts';
import type { Operator } from '../../../src/authority/administration/issuer-acts.ts';
import { LiveProgress } from '../../../src/authority/administration/live-progress.ts';
import { RotationReview } from '../../../src/authority/administration/rotation-review.ts';
import { IssuerChooser } from '../../../src/authority/issuing/choose-issuer.ts';
import { BridgedIssuers } from '../../../src/authority/trust/bridged-issuers.ts';
import { FollowedLedger } from '../../../src/authority/trust/followed-ledger.ts';
import { GovernedAnchors } from '../../../src/authority/trust/governed-anchors.ts';
import type { GuardedOperation } from '../../../src/domain/policy/documents.ts';
import { TrustBundle } from '../../../src/domain/trust/bundle.ts';
import { NO_ANCHORS, type AnchorLedger } from '../../../src/domain/trust/rotation/anchor-ledger.ts';
import { readyIssuersOf } from '../../../src/ports/issuing/issuers.ts';
import { SettledTime } from '../../../src/live/settled-time.ts';
import { fakeIssuers, fakePolicies, type FakeIssuers } from '../../support/authority-parts.ts';
import { good, materialOf, TEST_TRUST_DOMAIN } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { MemoryLedgers } from '../../support/memory-ledgers.ts';
import { tiersAt, type Tier } from '../../support/paths/tiers.ts';
import { bundle, policySet } from '../../support/policy/policies.ts';
import { FakeEvidence, workloadEvidence } from '../../support/trust/fake-evidence.ts';

const HOUR_MS = 3_600_000;
const ALICE: Operator = { actor: 'CN:alice', role: 'security', local: false };
const BOB: Operator = { actor: 'CN:bob', role: 'security', local: false };
const tier = tiersAt(NOON_MS);

describe('The bridge of a rotation, as operators give it and as leaves carry it', () => {
  let old: Tier;
  let next: Tier;
  let cross: Tier;
  let below: Readonly<Record<'old' | 'next', Tier>>;
  let clock: FakeClock;
  let issuers: FakeIssuers;
  let ledgers: MemoryLedgers<AnchorLedger>;
  let evidence: FakeEvidence;
  let stop: AbortController;
  before(async () => {
    [old, next] = await Promise.all([tier('Old root'), tier('New root')]);
    cross = await tier('New root', { by: old, keys: next.keys, endsInDays: 1 });
    below = { old: await tier('Mesh issuer', { by: old }), next: await tier('Mesh issuer', { by: next }) };
  });
  beforeEach(() => {
    clock = new FakeClock();
    issuers = fakeIssuers(materialOf(below.old, [], [old]));
    ledgers = new MemoryLedgers(NO_ANCHORS);
    evidence = new FakeEvidence();
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  async function server(twoPersons: readonly GuardedOperation[] = []) {
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger of trust anchors' });
    await ledger.start(stop);
    const governed = new GovernedAnchors({ ledger });
    governed.start(stop);
    const { anchors } = issuers;
    const bridged = new BridgedIssuers({ issuers, anchors, governed, clock }, { longestLeafMs: 3 * HOUR_MS });
    bridged.start(stop);
    const changed: string[] = [];
    bridged.onChange((name) => changed.push(name), stop);
    const none = async () => [];
    const settled = new SettledTime(clock);
    const progress = new LiveProgress({ reader: evidence, clock, settled }, stop);
    const review = new RotationReview({ anchors, progress, issuers: none, own: none, clock, settled }, { spreadMs: 0 });
    const policies = fakePolicies(policySet(bundle({ twoPersons })));
    const parts = { ledger, anchors, issuers, review, policies, clock, events: recordEvents() };
    const acts = new AnchorActs(parts, { longestLeafMs: 3 * HOUR_MS });
    const ask = async (act: AskedStep['act'], more: Partial<AskedStep> = {}): Promise<StepOutcome> =>
      acts.ask({ act, reason: 'a drill', override: false, ...more }, ALICE, stop);
    const bridge = async (more: Partial<AskedStep> = {}) => ask('bridge', { pem: cross.pem, ...more });
    const chain = (): readonly string[] => readyIssuersOf(bridged)[0]!.chainPems;
    return { acts, ask, bridge, bridged, chain, changed, ledger };
  }
  const published = (): void => issuers.swap(materialOf(below.old, [], [old, next]));
  const adopted = (): void => issuers.swap(materialOf(below.next, [], [old, next]));
  const bundleOf = (root: Tier) => good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, root.pem));
  /** Has a leaf below the new anchor, and knows the old one alone. */
  const laggard = () => {
    const anchorOf = (root: Tier): string => bundleOf(root).anchors[0]!.sha256;
    const { leaf: any } = workloadEvidence();
    const leaf = { ...any, trustAnchor: anchorOf(next), issuedMs: NOON_MS, notAfterMs: NOON_MS + HOUR_MS };
    return workloadEvidence({ podUid: 'uid', leaf, received: [{ anchors: [anchorOf(old)], timeMs: NOON_MS }] });
  };

  it('lets a rotation go on past who knows the old anchor alone, and not to its end', async () => {
    const { ask, bridge, ledger } = await server();
    await ask('start', { pem: next.pem });
    published();
    evidence.workloads = [laggard()];
    await assert.rejects(ask('advance'), { reason: 'CAP-O03' });
    await bridge();
    await ask('advance');
    adopted();
    await assert.rejects(ask('retire'), { reason: 'CAP-O03', message: /bridged, and not known to have/ });
    await assert.rejects(ask('unbridge'), { reason: 'CAP-O03', message: /would verify no peer any more/ });
    assert.equal(ledger.current().rotation?.phase, 'adopt');
    await ask('unbridge', { override: true });
    assert.deepEqual(
      ledgers.operations.map(({ operation, was, is }) => [operation, was === '-' || was, is === '-' || is]),
      [
        ['anchor start', true, 'publish'],
        ['anchor bridge', true, ledgers.operations[1]!.is],
        ['anchor advance', 'publish', 'adopt'],
        ['anchor unbridge', ledgers.operations[1]!.is, true],
      ],
    );
    assert.match(ledgers.operations[1]!.is, /^[0-9a-f]{16} until /);
    assert.match(ledgers.operations[3]!.details?.reason ?? '', /overriding: 1 live workload is bridged/);
  });

  it('is behind the chain of a suspended issuer too, by which the server itself is met where no other can sign', async () => {
    const { ask, bridge, bridged } = await server();
    await ask('start', { pem: next.pem });
    published();
    await bridge();
    await ask('advance');
    adopted();
    const { issuer, signer } = materialOf(below.next, [], [next]);
    issuers.put('default', {
      kind: 'unavailable',
      why: 'is suspended since noon',
      withdrawn: 'suspended',
      held: { issuer, signer },
    });
    const own = new IssuerChooser(bridged).own(clock.nowMs());
    assert.deepEqual(own.issuer.chainPems, [below.next.pem, cross.pem]);
  });

  it('is behind the chains below the new anchor alone, from when it is given until it ends or is taken back', async () => {
    const { ask, bridge, bridged, chain, changed } = await server();
    await ask('start', { pem: next.pem });
    published();
    await bridge();
    assert.deepEqual(chain(), [below.old.pem]);
    await ask('advance');
    adopted();
    assert.deepEqual(chain(), [below.next.pem, cross.pem]);
    const [issuer] = readyIssuersOf(bridged);
    assert.equal(issuer!.anchorSha256, materialOf(below.next, [], [next]).issuer.anchorSha256);
    assert.equal(readyIssuersOf(bridged)[0], issuer, 'the same object while nothing changes');
    changed.length = 0;
    await ask('unbridge');
    assert.deepEqual([chain(), changed], [[below.next.pem], ['default']]);
    await bridge();
    assert.deepEqual(
      [chain(), changed],
      [
        [below.next.pem, cross.pem],
        ['default', 'default'],
      ],
    );
    assert.equal(bridged.problem(), undefined);
    await clock.advance(22 * HOUR_MS);
    assert.match(bridged.problem() ?? '', /^the bridge of the rotation ends at .*have another one signed$/);
    await clock.advance(2 * HOUR_MS);
    assert.deepEqual(chain(), [below.next.pem]);
    assert.match(bridged.problem() ?? '', /^the bridge of the rotation ended at /);
  });

  it('is judged without anything being done, and refused where it is of no use', async () => {
    const { ask, bridge, ledger } = await server();
    await assert.rejects(bridge(), { reason: 'CAP-O03', message: /no rotation under way/ });
    await ask('start', { pem: next.pem });
    published();
    await assert.rejects(ask('unbridge'), { reason: 'CAP-O03', message: /has no bridge/ });
    await assert.rejects(bridge({ pem: next.pem }), { reason: 'CAP-O02', message: /cross-certificate is self-signed/ });
    assert.equal((await bridge({ dryRun: true })).outcome, 'judged');
    await assert.rejects(bridge({ pem: next.pem, dryRun: true }), { reason: 'CAP-O02' });
    assert.equal(ledger.current().rotation?.bridge, undefined);
    assert.equal(ledgers.operations.length, 1);
    await bridge();
    await assert.rejects(bridge(), { reason: 'CAP-O03', message: /has this bridge already/ });
    await ask('advance');
    await ask('retire');
    await assert.rejects(bridge(), { reason: 'CAP-O03', message: /in phase retire/ });
  });

  it('waits for a second person where the policy bundle asks for one', async () => {
    const { acts, ask, bridge, ledger } = await server(['anchor.bridge']);
    await ask('start', { pem: next.pem });
    published();
    const asked = await bridge();
    const digest = asked.outcome === 'pending' ? asked.pending.digest : assert.fail('it was done');
    assert.equal(ledger.current().rotation?.bridge, undefined);
    await assert.rejects(acts.approve(digest, ALICE, stop), { reason: 'CAP-O04' });
    await acts.approve(digest, BOB, stop);
    assert.equal(ledger.current().rotation?.bridge?.approvedBy, 'CN:bob');
    assert.equal(ledgers.operations.at(-1)?.details?.approvedBy, 'CN:bob');
  });
});
