// How the CA asks policy: with patience for the cluster, none for the impatient, and quotas counted.
import assert from 'node:assert/strict';
import { MemoryQuotaCounters } from '../../../src/adapters/storage/embedded/memory-quota-counters.ts';
import { IssuerChooser } from '../../../src/authority/issuing/choose-issuer.ts';
import { policyTraceOf } from '../../../src/authority/issuing/policy-trace.ts';
import { PolicyJudgement, type Question } from '../../../src/authority/issuing/policy-judgement.ts';
import type { Condition } from '../../../src/domain/policy/condition.ts';
import { nameLimit } from '../../../src/domain/policy/name-patterns.ts';
import type { PolicyDecision } from '../../../src/domain/policy/policy-decision.ts';
import type { LocalPolicy } from '../../../src/domain/policy/documents.ts';
import type { PolicySet } from '../../../src/domain/policy/policy-set.ts';
import { IndexedSnapshot } from '../../../src/domain/cluster/indexed-snapshot.ts';
import { unsyncedSnapshot } from '../../../src/domain/cluster/snapshot.ts';
import { NO_QUOTAS } from '../../../src/domain/policy/evaluation/statement.ts';
import {
  fakeIssuers,
  FakeCurrentCertificates,
  FakeJournal,
  fakePolicies,
  NEVER,
  TEST_JUDGEMENT,
  testCaller,
} from '../../support/authority-parts.ts';
import { FakeCluster } from '../../support/policy/fake-cluster.ts';
import { issued } from '../../adapters/storage/sqlite/records.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import {
  bundle,
  condition,
  expression,
  HAS_INGRESS,
  local,
  NEEDS_INGRESS,
  object,
  policySet,
  rule,
  snapshot,
  wide,
} from '../../support/policy/policies.ts';

const MINUTE_MS = 60_000;
const caller = testCaller('shop', 'web');
const QUESTION: Question = {
  caller,
  identity: caller.identity,
  publicKey: { family: 'ec-p256', bits: 0 },
  requestedMs: 0,
};
const FROM_WEST: Question = { ...QUESTION, caller: { ...caller, remoteCluster: 'west' } };
const ASKING_FOR_INGRESS = policySet(bundle(), [NEEDS_INGRESS]);
const WITH_INGRESS = snapshot(object('Ingress', 'shop', 'front'));

describe('Asking policy', () => {
  let authority: TestAuthority;
  let parts: ReturnType<typeof makeParts>;
  let judgement: PolicyJudgement;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
  });
  beforeEach(() => {
    parts = makeParts();
    judgement = new PolicyJudgement(parts, TEST_JUDGEMENT);
    judgement.start({ signal: NEVER });
  });

  it('puts on record how old the cluster is while it cannot be followed, and nothing while it can', async () => {
    parts.clusters.swap(WITH_INGRESS);
    const recorded = async () => policyTraceOf(await judgement.judge(QUESTION, { signal: NEVER })).clusterStaleMs;
    assert.equal(await recorded(), undefined);
    parts.clusters.age = 90_000.4;
    assert.equal(await recorded(), 90_000);
  });

  function makeParts() {
    const issuers = fakeIssuers(authority.material);
    const journal = new FakeJournal();
    const clock = new FakeClock();
    return {
      journal,
      policies: fakePolicies(ASKING_FOR_INGRESS),
      clusters: new FakeCluster(),
      currentCertificates: new FakeCurrentCertificates(journal),
      quotas: new MemoryQuotaCounters(clock),
      issuers,
      chooser: new IssuerChooser(issuers),
      clock,
    };
  }

  /** Records that what was decided was issued. */
  const issue = async (decision: PolicyDecision, notAfterMs: number): Promise<unknown> =>
    parts.journal.append(
      issued('renewed', {
        identity: decision.request.subject.spiffeId,
        timeMs: decision.request.nowMs,
        notAfterMs,
        policy: policyTraceOf(decision),
      }),
    );

  const ask = async (signal = NEVER): Promise<PolicyDecision> => judgement.judge(QUESTION, { signal });

  it('remembers a refusal for the pods that it was of, and asks anew for others of the identity', async () => {
    const match = { pods: { labels: { tier: 'front' } } };
    parts.policies.swap(policySet(bundle({ rules: [rule({ match, bounds: wide({ impersonators: [] }) })] })));
    const labelled = (name: string, tier: string) => object('Pod', 'shop', name, { metadata: { labels: { tier } } });
    parts.clusters.show(labelled('web-1', 'front'), labelled('web-2', 'back'));
    const outcome = async (name: string) => {
      const question = { ...QUESTION, caller: testCaller('istio-system', 'ztunnel'), pods: [{ name }] };
      return (await judgement.judge(question, { signal: NEVER })).outcome;
    };
    assert.deepEqual([await outcome('web-2'), await outcome('web-1')], ['refused', 'approved']);
  });

  it('says when it holds a request, which then needs nobody to decide it, and says nothing of others', async () => {
    let held = 0;
    const onHold = (): void => void (held += 1);
    parts.policies.swap(policySet());
    await judgement.judge(QUESTION, { signal: NEVER, onHold });
    assert.equal(held, 0);
    parts.policies.swap(ASKING_FOR_INGRESS);
    const decision = judgement.judge(QUESTION, { signal: NEVER, onHold });
    await settle();
    assert.equal(held, 1);
    parts.clusters.swap(WITH_INGRESS);
    assert.equal((await decision).outcome, 'approved');
  });

  it('names the issuer and its anchor, and who relays for whom', async () => {
    const { request } = await judgement.judgeNow(
      { ...QUESTION, caller: testCaller('istio-system', 'ztunnel') },
      { signal: NEVER },
    );
    assert.equal(request.actor, 'istio-system/ztunnel');
    assert.equal(request.issuer.name, 'default');
    assert.deepEqual(request.issuer.anchors, [authority.material.bundle.anchors[0]?.sha256]);
  });

  it('holds a first request while its condition may become true, and passes it when it does', async () => {
    const asked = ask();
    await settle();
    await parts.clock.advance(2_000);
    parts.clusters.swap(WITH_INGRESS);
    assert.equal((await asked).outcome, 'approved');
    assert.equal(parts.clock.sleepers, 0);
  });

  it('judges a caller of a remote cluster by what that one has, waits for it alone, and says how old it is', async () => {
    const west = parts.clusters.addRemote('west');
    west.age = 1_500;
    let answered = 0;
    const there = judgement.judge(FROM_WEST, { signal: NEVER }).finally(() => (answered += 1));
    await settle();
    parts.clusters.swap(WITH_INGRESS);
    await settle();
    assert.equal(answered, 0);
    assert.equal((await ask()).outcome, 'approved');
    west.show(object('Ingress', 'shop', 'front'));
    const { outcome, request } = await there;
    assert.deepEqual([outcome, request.clusterStaleMs], ['approved', 1_500]);
    parts.clusters.swap(snapshot());
    assert.equal((await judgement.judgeNow(FROM_WEST, { signal: NEVER })).outcome, 'approved');
  });

  it('cannot judge a caller of a remote cluster while that one is away, and nobody else is concerned', async () => {
    const west = parts.clusters.addRemote('west');
    west.swap(unsyncedSnapshot('the API server is away', 'west'));
    parts.clusters.swap(WITH_INGRESS);
    const { outcome, unavailable } = await judgement.judge(FROM_WEST, { signal: NEVER });
    assert.deepEqual([outcome, unavailable?.why], ['unavailable', 'the API server is away']);
    assert.equal((await ask()).outcome, 'approved');
  });

  it('refuses after waitFor when it does not', async () => {
    let settled = false;
    const asked = ask().finally(() => (settled = true));
    await parts.clock.advance(2_999);
    assert.equal(settled, false);
    await parts.clock.advance(1);
    assert.equal((await asked).outcome, 'refused');
  });

  it('goes on waiting through changes that do not help, but no longer', async () => {
    const asked = ask();
    await parts.clock.advance(1_500);
    parts.clusters.swap(snapshot(object('Service', 'shop', 'web')));
    await parts.clock.advance(1_500);
    assert.equal((await asked).outcome, 'refused');
  });

  it('never holds a request longer than the request itself may take', async () => {
    const patient = condition(HAS_INGRESS, { waitMs: 10_000 });
    parts.policies.swap(policySet(bundle(), [local({ conditions: [patient] })]));
    const asked = ask();
    await parts.clock.advance(TEST_JUDGEMENT.maxWaitMs);
    assert.equal((await asked).outcome, 'refused');
  });

  it('stops waiting when the caller goes away', async () => {
    const leave = new AbortController();
    const asked = ask(leave.signal);
    await settle();
    leave.abort(new Error('gone'));
    await assert.rejects(asked, /gone/);
    assert.equal(parts.clock.sleepers, 0);
  });

  it('holds a bounded number of requests; one more is answered at once', async () => {
    const current = [ask(), ask()];
    await settle();
    assert.equal((await ask()).outcome, 'refused');
    await parts.clock.advance(3_000);
    await Promise.all(current);
  });

  it('lets no identity take all places', async () => {
    judgement = new PolicyJudgement(parts, { ...TEST_JUDGEMENT, maxWaiting: 100 });
    judgement.start({ signal: NEVER });
    const current = Array.from({ length: 20 }, async () => ask());
    await settle();
    assert.equal(parts.clock.sleepers, 16);
    await parts.clock.advance(3_000);
    await Promise.all(current);
  });

  it('does not make the same caller wait again for the answer that it just got', async () => {
    const first = ask();
    await parts.clock.advance(3_000);
    assert.equal(await ask(), await first);
  });

  it('forgets a refusal as soon as policies or cluster change, and after a moment anyway', async () => {
    const first = ask();
    await parts.clock.advance(3_000);
    const refused = await first;
    parts.clusters.swap(WITH_INGRESS);
    assert.equal((await ask()).outcome, 'approved');
    parts.clusters.swap(snapshot());
    await parts.clock.advance(2_000);
    const later = ask();
    await parts.clock.advance(3_000);
    assert.notEqual(await later, refused);
  });

  describe('while the cluster changes', () => {
    /** Judged each time that policy is asked. */
    let asked = 0;
    const counted = condition(
      { kind: 'expression', expression: expression(() => (asked += 1) > 0) },
      { id: 'counted' },
    );
    const labelled = (resourceVersion: string) =>
      object('Namespace', undefined, 'shop', { metadata: { labels: { team: 'a' }, resourceVersion } });
    const follow = (...conditions: readonly Condition[]) =>
      parts.policies.swap(policySet(bundle({ rules: [rule({ conditions })] }), [local({ conditions: [counted] })]));

    beforeEach(() => follow(condition(HAS_INGRESS)));

    it('wakes nobody by a manifest of another namespace, nor by a kind that no condition asks for', async () => {
      const answer = ask();
      await settle();
      asked = 0;
      parts.clusters.show(object('Ingress', 'pay', 'front'));
      parts.clusters.show(object('Ingress', 'pay', 'front'), object('Pod', 'shop', 'web-1'), labelled('1'));
      await settle();
      assert.equal(asked, 0);
      parts.clusters.show(object('Ingress', 'shop', 'front'));
      assert.equal((await answer).outcome, 'approved');
      assert.notEqual(asked, 0);
    });

    it('wakes nobody of one cluster by an object of another', async () => {
      const west = parts.clusters.addRemote('west');
      const answer = judgement.judge(FROM_WEST, { signal: NEVER });
      await settle();
      asked = 0;
      parts.clusters.show(object('Ingress', 'shop', 'front'));
      await settle();
      assert.equal(asked, 0);
      west.show(object('Ingress', 'shop', 'front'));
      assert.equal((await answer).outcome, 'approved');
    });

    it('wakes by an object of the cluster itself, or of the namespace that a condition names', async () => {
      const inNamed = { ...HAS_INGRESS, inNamespace: { in: 'named', namespace: 'edge' } } as const;
      const ofCluster = { ...HAS_INGRESS, objectKind: 'GatewayClass', inNamespace: { in: 'none' } } as const;
      for (const [check, found] of [
        [inNamed, object('Ingress', 'edge', 'front')],
        [ofCluster, object('GatewayClass', undefined, 'istio')],
        [{ kind: 'matches', target: 'namespace', labels: { team: 'a' } }, labelled('1')],
      ] as const) {
        follow(condition(check));
        const answer = ask();
        await settle();
        parts.clusters.show(object('Ingress', 'shop', 'front'));
        await settle();
        assert.equal(parts.clock.sleepers, 1);
        parts.clusters.show(found);
        assert.equal((await answer).outcome, 'approved');
        parts.clusters.show();
      }
    });

    it('wakes nobody, and forgets no refusal, by a policy of another namespace', async () => {
      const answer = ask();
      await settle();
      asked = 0;
      const { bundle: central, local: own } = parts.policies.current();
      const among = (...others: readonly LocalPolicy[]): PolicySet =>
        policySet(central, [...own.map(({ policy }) => policy), ...others]);
      parts.policies.swap(among(local({ namespace: 'pay' })));
      await parts.clock.advance(3_000);
      const refusal = await answer;
      parts.policies.swap(among(local({ namespace: 'pay', mode: 'audit' })));
      assert.equal(await ask(), refusal);
      parts.policies.swap(among(local({ name: 'another' })));
      assert.notEqual(await Promise.race([ask(), settle()]), refusal);
    });

    it('wakes everybody when a view loses or finds its sync', async () => {
      const answer = ask();
      await settle();
      parts.clusters.swap(unsyncedSnapshot('listing'));
      assert.equal((await answer).unavailable?.reason, 'CAP-S10');
    });

    it('forgets a refusal by a change of what it depends on, and by no other', async () => {
      const first = ask();
      await parts.clock.advance(3_000);
      const refused = await first;
      parts.clusters.show(object('Ingress', 'pay', 'front'));
      parts.clusters.show(object('GatewayClass', undefined, 'istio'));
      assert.equal(await ask(), refused);
      parts.clusters.show(object('Ingress', 'shop', 'front'));
      assert.equal((await ask()).outcome, 'approved');
    });

    it('forgets a refusal when a view has become incomplete: what was missing may be there', async () => {
      const first = ask();
      await parts.clock.advance(3_000);
      await first;
      const before = parts.clusters.current();
      parts.clusters.swap(new IndexedSnapshot('2', [], { before, incomplete: 'a.yaml cannot be read' }));
      assert.equal((await ask()).unavailable?.reason, 'CAP-S10');
    });
  });

  it('misses no change that comes while it looks up what the identity has', async () => {
    let lookups = 0;
    const currentCertificates = {
      currentCertificateOf: async () => {
        lookups += 1;
        if (lookups === 1) parts.clusters.swap(WITH_INGRESS);
        return undefined;
      },
    };
    judgement = new PolicyJudgement({ ...parts, currentCertificates }, TEST_JUDGEMENT);
    judgement.start({ signal: NEVER });
    const asked = ask();
    await settle();
    assert.equal(parts.clock.sleepers, 0, 'it does not wait for a change that has come');
    assert.equal((await asked).outcome, 'approved');
  });

  it('judges a renewal by what is in force when it has found what the identity has', async () => {
    const grace = condition(HAS_INGRESS, { onRenew: { kind: 'warn' } });
    parts.policies.swap(policySet(bundle(), [local({ conditions: [grace] })]));
    parts.clusters.swap(WITH_INGRESS);
    await issue(await ask(), NOON_MS + 10 * MINUTE_MS);
    parts.clusters.swap(snapshot());
    const { currentCertificates } = parts;
    const read = currentCertificates.currentCertificateOf.bind(currentCertificates);
    currentCertificates.currentCertificateOf = async (...question) => {
      parts.policies.swap(policySet(bundle({ rules: [] })));
      return read(...question);
    };
    const { outcome, failures } = await ask();
    assert.deepEqual([outcome, failures[0]?.reason], ['refused', 'CAP-P01']);
  });

  it('refuses nobody by policies that were replaced while it looked up that the identity has nothing', async () => {
    parts.policies.swap(policySet(bundle({ rules: [] })));
    const currentCertificates = {
      currentCertificateOf: async () => {
        parts.policies.swap(policySet(bundle(), [], 'the next bundle'));
        return undefined;
      },
    };
    judgement = new PolicyJudgement({ ...parts, currentCertificates }, TEST_JUDGEMENT);
    assert.equal((await ask()).outcome, 'approved');
  });

  it('answers at once that it cannot judge while the cluster has not synced', async () => {
    parts.clusters.swap(unsyncedSnapshot('listing'));
    assert.equal((await ask()).unavailable?.reason, 'CAP-S10');
  });

  it('knows a renewal by what it issued, and by the history from before a restart', async () => {
    parts.clusters.swap(WITH_INGRESS);
    await issue(await ask(), NOON_MS + 60 * MINUTE_MS);
    parts.clusters.swap(snapshot());
    assert.equal((await ask()).outcome, 'approved');
    const currentCertificates = new FakeCurrentCertificates();
    const restarted = new PolicyJudgement({ ...parts, currentCertificates }, TEST_JUDGEMENT);
    assert.equal((await restarted.judgeNow(QUESTION, { signal: NEVER })).outcome, 'refused');
    const current = { issuedMs: NOON_MS, notAfterMs: NOON_MS + 60 * MINUTE_MS, waived: {} };
    currentCertificates.before.set(caller.identity.spiffeId.uri, current);
    assert.equal((await restarted.judgeNow(QUESTION, { signal: NEVER })).outcome, 'approved');
  });

  it('does not let a clock that is moved backwards bring an expired bundle back, and judges all else by the clock', async () => {
    const validity = { ...bundle().validity, hardExpiryMs: NOON_MS + MINUTE_MS };
    parts.policies.swap(policySet(bundle({ validity })));
    const first = await ask();
    assert.equal(first.outcome, 'approved');
    assert.equal(first.request.policyBundleTimeMs, undefined);
    parts.policies.latestMs = NOON_MS + MINUTE_MS;
    const { unavailable, request } = await ask();
    assert.equal(unavailable?.reason, 'CAP-S11');
    assert.deepEqual([request.nowMs, request.policyBundleTimeMs], [NOON_MS, NOON_MS + MINUTE_MS]);
    assert.equal(request.issuer.remainingMs, first.request.issuer.remainingMs);
  });

  it('judges by the clock as it is when it was ahead for a while', async () => {
    parts.clock.jumpTo(NOON_MS + 60 * MINUTE_MS);
    await judgement.judgeNow(QUESTION, { signal: NEVER });
    parts.clock.jumpTo(NOON_MS);
    assert.equal((await judgement.judgeNow(QUESTION, { signal: NEVER })).request.nowMs, NOON_MS);
  });

  it('ends the grace of a deleted object one lifetime after it was last seen, renewed or not', async () => {
    parts.clusters.swap(WITH_INGRESS);
    await issue(await ask(), NOON_MS + 60 * MINUTE_MS);
    parts.clusters.swap(snapshot());
    await parts.clock.advance(30 * MINUTE_MS);
    await issue(await ask(), NOON_MS + 90 * MINUTE_MS);
    await parts.clock.advance(31 * MINUTE_MS);
    assert.equal((await judgement.judgeNow(QUESTION, { signal: NEVER })).outcome, 'refused');
  });

  describe('for more than a quota', () => {
    const limited = (perNamespacePerMinute: number, perIdentityPerMinute: number) =>
      policySet(bundle({ rules: [rule()] }), [local({ quotas: { perNamespacePerMinute, perIdentityPerMinute } })]);

    it('is refused for the namespace with the time to try again', async () => {
      parts.policies.swap(limited(2, Infinity));
      const decision = await ask();
      await judgement.count(decision, { signal: NEVER });
      await judgement.count(decision, { signal: NEVER });
      await assert.rejects(judgement.count(decision, { signal: NEVER }), { reason: 'CAP-Q03', retryAfterMs: 30_000 });
      await parts.clock.advance(30_000);
      await judgement.count(decision, { signal: NEVER });
    });

    it('is refused for the identity while others of the namespace go on', async () => {
      parts.policies.swap(limited(100, 1));
      await judgement.count(await ask(), { signal: NEVER });
      const again = await ask();
      await assert.rejects(judgement.count(again, { signal: NEVER }), { reason: 'CAP-Q04' });
      const other = testCaller('shop', 'api');
      const ofOther = await judgement.judge(
        { ...QUESTION, caller: other, identity: other.identity },
        { signal: NEVER },
      );
      await judgement.count(ofOther, { signal: NEVER });
    });

    it('is counted apart from workloads that have another quota', async () => {
      const own = local({
        name: 'api',
        serviceAccounts: nameLimit(['api']),
        quotas: { ...NO_QUOTAS, perNamespacePerMinute: 1 },
      });
      const all = local({ quotas: { ...NO_QUOTAS, perNamespacePerMinute: 100 } });
      parts.policies.swap(policySet(bundle(), [own, all]));
      const api = testCaller('shop', 'api');
      const slow = await judgement.judge({ ...QUESTION, caller: api, identity: api.identity }, { signal: NEVER });
      const fast = await ask();
      for (let count = 0; count < 50; count += 1) await judgement.count(fast, { signal: NEVER });
      await judgement.count(slow, { signal: NEVER });
      await assert.rejects(judgement.count(slow, { signal: NEVER }), { reason: 'CAP-Q03' });
    });

    it('is not counted when it is refused', async () => {
      parts.policies.swap(limited(1, 1));
      await judgement.count(await ask(), { signal: NEVER });
      const again = await ask();
      for (let tries = 0; tries < 10; tries += 1) await assert.rejects(judgement.count(again, { signal: NEVER }));
      await parts.clock.advance(MINUTE_MS);
      await judgement.count(again, { signal: NEVER });
    });
  });
});
