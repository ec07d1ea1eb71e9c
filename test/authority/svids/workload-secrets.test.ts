import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { WorkloadAttestation } from '../../../src/authority/attestation/workload-attestation.ts';
import { SharedWorkloadSecrets } from '../../../src/authority/svids/workload-secrets.ts';
import type { HoldingSettings } from '../../../src/authority/svids/held-workloads.ts';
import type { TrustBundle } from '../../../src/domain/trust/bundle.ts';
import type { GoneCallers, SvidState, Watchers, WorkloadSvid } from '../../../src/authority/surface/surface.ts';
import type { Caller } from '../../../src/domain/identity/caller.ts';
import type { TrialMaterial } from '../../../src/authority/trust/issuer-trial.ts';
import type { Signer } from '../../../src/ports/issuing/signer.ts';
import type { KeyGenerator } from '../../../src/ports/issuing/key-generator.ts';
import { keyGenerator } from '../../../src/adapters/issuers/memory/key-generator.ts';
import {
  refusalOf,
  NEVER,
  PRESENTED,
  TEST_LIFETIMES,
  TEST_POLICY,
  readyState,
  testCaller,
  testParts,
  trusting,
  type TestParts,
} from '../../support/authority-parts.ts';
import {
  bundle,
  clusterWide,
  condition,
  expression,
  HAS_INGRESS,
  local,
  object,
  policySet,
  rule,
  snapshot,
  WIDE,
} from '../../support/policy/policies.ts';
import { unsyncedSnapshot } from '../../../src/domain/cluster/snapshot.ts';
import { materialOf, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeAttestedClusters } from '../../support/fakes/attested-clusters.ts';
import { NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { tiersAt, type Tier } from '../../support/paths/tiers.ts';

const HOUR_MS = 3_600_000;
const HALF_LIFE_MS = TEST_LIFETIMES.defaultMs / 2;
const CALLER = testCaller();
/** When the streams of these tests were opened. */
const PROVEN_AT_MS = NOON_MS - 60_000;

const NO_POLICY = policySet(bundle({ rules: [] }), [], 'none');

describe('Secrets of a workload over SDS', () => {
  let authority: TestAuthority;
  let parts: TestParts;
  let secrets: SharedWorkloadSecrets;
  let stop: AbortController;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
  });
  beforeEach(() => {
    stop = new AbortController();
    parts = testParts(authority.material);
    secrets = start({ keys: presetKeys });
  });
  afterEach(() => stop.abort());

  /** One key pair, made before the clock stands still. */
  let presetKeys: KeyGenerator;
  before(async () => {
    const key = await keyGenerator.generate('ec-p256');
    presetKeys = { generate: () => Promise.resolve(key) };
  });

  function start({
    keys,
    authenticate = CALLER,
    ...bounds
  }: { keys: KeyGenerator; authenticate?: Caller } & Partial<HoldingSettings>): SharedWorkloadSecrets {
    const made = new SharedWorkloadSecrets(
      { ...parts, authenticators: [trusting(authenticate)], keys },
      {
        lifetimes: TEST_LIFETIMES,
        keyType: 'ec-p256',
        renewAt: 0.5,
        spreadMs: 10_000,
        maxIdentities: 10,
        maxIdentitiesPerNamespace: 10,
        ...bounds,
      },
    );
    made.start({ signal: stop.signal });
    return made;
  }

  /** All that a watch needs of whoever watches: who it is, while the proof of it holds. */
  const watchersOf = (caller: Caller): Watchers => ({
    proven: () =>
      (caller.expiresAtMs ?? Infinity) > parts.clock.nowMs()
        ? { caller, remoteAddress: 'sds.sock', provenAtMs: PROVEN_AT_MS }
        : undefined,
  });
  const watch = (caller = CALLER, { signal } = stop): AsyncIterator<SvidState> =>
    secrets.watchSvid(watchersOf(caller), { signal })[Symbol.asyncIterator]();

  async function nextSvid(states: AsyncIterator<SvidState>): Promise<WorkloadSvid> {
    const { value } = (await states.next()) as { value: SvidState };
    assert.equal(value.kind, 'svid', value.kind === 'unavailable' ? value.error.message : '');
    return value.svid;
  }

  it('are a certificate of the caller, a chain without anchors, and its key', async () => {
    const svid = await nextSvid(watch());
    const [leaf, intermediate, ...rest] = svid.certificateChainPem.split(/(?=-----BEGIN)/);
    assert.equal(new X509Certificate(leaf!).subjectAltName, 'URI:spiffe://cluster.local/ns/default/sa/demo');
    assert.equal(intermediate, authority.intermediate.certificatePem);
    assert.deepEqual(rest, []);
    assert.match(svid.privateKeyPem, /^-----BEGIN PRIVATE KEY-----/);
  });

  it('are issued once per identity, however many streams watch', async () => {
    const svids = await Promise.all(Array.from({ length: 50 }, async () => nextSvid(watch())));
    assert.equal(new Set(svids.map(({ serial }) => serial)).size, 1);
    assert.equal(parts.journal.records.length, 1);
  });

  it('are judged for each pod of an identity: what one may have, another does not get from it', async () => {
    const conditions = [
      condition({ kind: 'claim', claim: 'podName', in: ['good-*'] }, { onRenew: { kind: 'enforce' } }),
    ];
    parts.policies.swap(policySet(bundle({ rules: [rule({ conditions })] }), [], 'by pod'));
    const of = (podName: string) => watch({ ...CALLER, pod: { podName } });
    await nextSvid(of('good-1'));
    const { value } = (await of('bad-1').next()) as { value: SvidState };
    assert.equal(value.kind, 'unavailable');
  });

  it('are kept apart for two machines of one account, and one machine keeps its own when its certificate is renewed', async () => {
    const machine = (id: string, credentialId: string): Caller => ({
      ...CALLER,
      authenticationMethod: 'client-certificate',
      credentialId,
      lineage: { id, provenAtMs: 0 },
    });
    const { serial } = await nextSvid(watch(machine('first', 'a1')));
    assert.notEqual((await nextSvid(watch(machine('second', 'a2')))).serial, serial);
    assert.equal((await nextSvid(watch(machine('first', 'a3')))).serial, serial);
  });

  it('are renewed with the proof of one who watches then, not of the one who came first and left', async () => {
    const leave = new AbortController();
    const machine = (credentialId: string): Caller => ({
      ...CALLER,
      authenticationMethod: 'client-certificate',
      credentialId,
      lineage: { id: 'first', provenAtMs: 0 },
    });
    await nextSvid(watch(machine('a1'), leave));
    const states = watch(machine('b2'));
    await nextSvid(states);
    leave.abort();
    const renewed = nextSvid(states);
    await parts.clock.advance(HALF_LIFE_MS);
    const { serial } = await renewed;
    const [first, second] = parts.journal.records;
    assert.equal(first?.credentialId, 'a1');
    assert.ok(second?.outcome === 'issued' && second.serial === serial);
    assert.equal(second.credentialId, 'b2');
  });

  it('are not renewed on a proof that is over, and are as soon as one who is proven joins', async () => {
    const expiresAtMs = NOON_MS + HALF_LIFE_MS / 2;
    let proven = false;
    const watchers: Watchers = {
      proven: () => {
        const held = proven || parts.clock.nowMs() < expiresAtMs;
        return held
          ? { caller: { ...CALLER, expiresAtMs }, remoteAddress: 'sds.sock', provenAtMs: PROVEN_AT_MS }
          : undefined;
      },
    };
    const states = secrets.watchSvid(watchers, { signal: stop.signal })[Symbol.asyncIterator]();
    const first = await nextSvid(states);
    const second = nextSvid(states);
    await parts.clock.advance(HALF_LIFE_MS * 1.1);
    assert.equal(parts.journal.records.length, 1);
    proven = true;
    await parts.clock.advance(60_000);
    assert.notEqual((await second).serial, first.serial);
  });

  describe('of a pod', () => {
    let clusters: FakeAttestedClusters;
    let caller: Caller;
    beforeEach(() => {
      clusters = new FakeAttestedClusters();
      const attestation = new WorkloadAttestation({ clusters, clock: parts.clock });
      attestation.start(stop);
      parts = { ...parts, attestation };
      secrets = start({ keys: presetKeys });
      const { name, uid } = clusters.own.addPod({ namespace: 'default', serviceAccount: 'demo' });
      caller = { ...CALLER, pod: { podName: name, podUid: uid }, attestation: {} };
    });

    it('are not renewed when it is not what it was, though its stream is open', async () => {
      const states = watch(caller);
      await nextSvid(states);
      clusters.own.addPod({ namespace: 'default', serviceAccount: 'another' });
      const next = states.next();
      await parts.clock.advance(HALF_LIFE_MS);
      const { value } = (await next) as { value: SvidState };
      assert.ok(value.kind === 'unavailable');
      assert.equal(value.error.reason, 'CAP-A11');
    });

    it('are forgotten when it is gone, and it is told whose streams are to end', async () => {
      const gone: GoneCallers[] = [];
      secrets.onGone((one) => gone.push(one), stop);
      const leave = new AbortController();
      const { serial } = await nextSvid(watch(caller, leave));
      leave.abort();
      clusters.own.removePod('default', 'web-1');
      assert.deepEqual(
        gone.map((one) => [one.namespace, one.concerns(caller), one.concerns(CALLER), one.error.reason]),
        [['default', true, false, 'CAP-A11']],
      );
      clusters.own.addPod({ namespace: 'default', serviceAccount: 'demo' });
      assert.notEqual((await nextSvid(watch(caller))).serial, serial, 'nothing of before is handed out');
    });

    it('are given to nobody of a pod that is not there', async () => {
      clusters.own.removePod('default', 'web-1');
      const refused = assert.rejects(start({ keys: presetKeys, authenticate: caller }).authenticate(PRESENTED, stop), {
        reason: 'CAP-A11',
      });
      await refused;
      assert.equal(parts.journal.records.at(-1)?.caller, caller.identity.spiffeId.uri);
    });
  });

  it('are worth no more than the proof given when the stream opened, however late they are issued', async () => {
    const states = watch();
    await nextSvid(states);
    const renewed = nextSvid(states);
    await parts.clock.advance(HALF_LIFE_MS);
    await renewed;
    const provenAt = parts.journal.records.map((record) => record.outcome === 'issued' && record.provenAtMs);
    assert.deepEqual(provenAt, [PROVEN_AT_MS, PROVEN_AT_MS]);
  });

  it('are given to nobody whose proof is over', () => {
    assert.throws(() => watch({ ...CALLER, expiresAtMs: NOON_MS }), { reason: 'CAP-S09' });
    assert.deepEqual(parts.journal.records, []);
  });

  it('are kept for whoever comes back when a policy changes that says the same of them', async () => {
    const leave = new AbortController();
    const { serial } = await nextSvid(watch(CALLER, leave));
    leave.abort();
    parts.policies.swap(policySet(bundle(), [], 'everybody'));
    await settle();
    assert.equal((await nextSvid(watch())).serial, serial);
  });

  it('are decided anew for whoever comes back after policy has changed', async () => {
    const leave = new AbortController();
    await nextSvid(watch(CALLER, leave));
    leave.abort();
    parts.policies.swap(NO_POLICY);
    const { value } = (await watch().next()) as { value: SvidState };
    assert.equal(value.kind, 'unavailable');
  });

  it('are asked for once more when policy changes while it decides', async () => {
    parts.policies.swap(NO_POLICY);
    const states = watch();
    const first = states.next();
    parts.policies.swap(TEST_POLICY);
    await settle();
    const { value } = (await first) as { value: SvidState };
    if (value.kind === 'unavailable') await nextSvid(states);
  });

  it('are renewed at about half life', async () => {
    const states = watch();
    const first = await nextSvid(states);
    const second = nextSvid(states);
    await parts.clock.advance(HALF_LIFE_MS * 0.85);
    assert.equal(parts.journal.records.length, 1);
    await parts.clock.advance(HALF_LIFE_MS * 0.15);
    assert.notEqual((await second).serial, first.serial);
  });

  for (const [name, hours] of [
    ['an hour', 1],
    ['25 hours', 25],
    ['a month', 31 * 24],
  ] as const) {
    it(`are renewed within seconds when the clock is set ${name} forwards`, async () => {
      const states = watch();
      const first = await nextSvid(states);
      const second = nextSvid(states);
      parts.clock.jumpTo(NOON_MS + hours * HOUR_MS);
      await parts.clock.advance(5_000);
      const { serial, notAfterMs } = await second;
      assert.notEqual(serial, first.serial);
      assert.ok(notAfterMs > parts.clock.nowMs());
    });

    it(`are made anew within seconds when the clock is set ${name} back`, async () => {
      parts.clock.jumpTo(NOON_MS + 2 * 31 * 24 * HOUR_MS);
      const states = watch();
      await nextSvid(states);
      const second = nextSvid(states);
      parts.clock.jumpTo(parts.clock.nowMs() - hours * HOUR_MS);
      await parts.clock.advance(5_000);
      assert.ok((await second).notBeforeMs <= parts.clock.nowMs());
    });
  }

  it('are asked for again within seconds when the clock is set back while they are refused or not to be had', async () => {
    for (const [off, on] of [
      [() => parts.policies.swap(NO_POLICY), () => void (parts.policies.value = TEST_POLICY)],
      [() => void (parts.journal.failing = true), () => void (parts.journal.failing = false)],
    ] as const) {
      parts = testParts(authority.material);
      secrets = start({ keys: presetKeys });
      parts.clock.jumpTo(NOON_MS + 48 * HOUR_MS);
      off();
      const states = watch();
      const { value } = (await states.next()) as { value: SvidState };
      assert.equal(value.kind, 'unavailable');
      on();
      parts.clock.jumpTo(NOON_MS + 24 * HOUR_MS);
      const healed = nextSvid(states);
      await parts.clock.advance(5_000);
      assert.ok((await healed).notBeforeMs <= parts.clock.nowMs());
    }
  });

  it('are unavailable when the clock is set back to before the issuer', async () => {
    const states = watch();
    await nextSvid(states);
    const next = states.next();
    parts.clock.jumpTo(NOON_MS - 31 * 24 * HOUR_MS);
    await parts.clock.advance(5_000);
    const { value } = (await next) as { value: SvidState };
    assert.ok(value.kind === 'unavailable');
    assert.equal(value.error.reason, 'CAP-S01');
  });

  it('are not made anew for a clock that is set by less than they are backdated', async () => {
    await nextSvid(watch());
    parts.clock.jumpTo(NOON_MS - 30_000);
    await parts.clock.advance(10_000);
    parts.clock.jumpTo(NOON_MS + 30_000);
    await parts.clock.advance(10_000);
    assert.equal(parts.journal.records.length, 1);
  });

  it('are not renewed for nobody', async () => {
    const leave = new AbortController();
    const states = watch(CALLER, leave);
    await nextSvid(states);
    leave.abort();
    await states.return?.();
    await parts.clock.advance(HALF_LIFE_MS * 3);
    assert.equal(parts.journal.records.length, 1);
    assert.equal(parts.clock.sleepers, 0);
  });

  it('survive a stream that is recycled: the next one gets the same certificate', async () => {
    const leave = new AbortController();
    const states = watch(CALLER, leave);
    const first = await nextSvid(states);
    leave.abort();
    await states.return?.();
    assert.equal((await nextSvid(watch())).serial, first.serial);
  });

  it('are unavailable while policy says no, and come by themselves once it says yes', async () => {
    parts.policies.swap(NO_POLICY);
    const states = watch();
    const { value } = (await states.next()) as { value: SvidState };
    assert.ok(value.kind === 'unavailable');
    assert.equal(value.error.reason, 'CAP-P01');
    const healed = nextSvid(states);
    parts.policies.swap(TEST_POLICY);
    await settle();
    assert.ok((await healed).serial);
  });

  it('are asked for again at once when a policy change takes the identity away', async () => {
    const states = watch();
    await nextSvid(states);
    const next = states.next();
    parts.policies.swap(NO_POLICY);
    await settle();
    assert.equal(((await next) as { value: SvidState }).value.kind, 'unavailable');
  });

  it('are issued as soon as the cluster meets a condition, with no policy change', async () => {
    const conditions = [condition(HAS_INGRESS, { waitMs: 0 })];
    parts.policies.swap(policySet(bundle({ rules: [rule({ conditions })] }), [], 'conditional'));
    const states = watch();
    const { value } = (await states.next()) as { value: SvidState };
    assert.ok(value.kind === 'unavailable' && value.error.reason === 'CAP-P12');
    const healed = nextSvid(states);
    parts.clusters.swap(snapshot(object('Ingress', 'default', 'front')));
    await settle();
    assert.ok((await healed).serial);
  });

  it('of a remote cluster are issued as soon as that one meets a condition, whatever the own one has', async () => {
    const west = parts.clusters.addRemote('west');
    const conditions = [condition(HAS_INGRESS, { waitMs: 0 })];
    parts.policies.swap(policySet(bundle({ rules: [rule({ conditions })] }), [], 'conditional'));
    const states = watch({ ...CALLER, remoteCluster: 'west' });
    await states.next();
    const healed = nextSvid(states);
    const records = parts.journal.records.length;
    parts.clusters.show(object('Ingress', 'default', 'front'));
    await settle();
    assert.equal(parts.journal.records.length, records);
    west.show(object('Ingress', 'default', 'front'));
    await settle();
    assert.ok((await healed).serial);
  });

  it('are judged again by a manifest of their own namespace, not by one of another namespace or kind', async () => {
    let asked = 0;
    const counted = condition(
      { kind: 'expression', expression: expression(() => (asked += 1) > 0) },
      { id: 'counted' },
    );
    const conditions = [condition(HAS_INGRESS, { waitMs: 0 }), counted];
    parts.policies.swap(policySet(bundle({ rules: [rule({ conditions })] }), [], 'conditional'));
    await watch().next();
    asked = 0;
    parts.clusters.show(object('Ingress', 'shop', 'front'));
    parts.clusters.show(object('Ingress', 'shop', 'front'), object('Pod', 'default', 'demo-1'));
    await settle();
    assert.equal(asked, 0);
    parts.clusters.show(object('Ingress', 'default', 'front'));
    await settle();
    assert.notEqual(asked, 0);
  });

  it('are judged again by a policy of their own namespace, of the cluster and of the bundle, not by one of another namespace', async () => {
    let asked = 0;
    const counted = condition({ kind: 'expression', expression: expression(() => (asked += 1) > 0) });
    const central = bundle({ rules: [rule({ conditions: [counted] })] });
    const ours = local({ namespace: 'default' });
    parts.policies.swap(policySet(central, [], 'conditional'));
    await watch().next();
    for (const [locals, digest, times] of [
      [[local()], 'conditional', 0],
      [[local({ mode: 'audit' })], 'conditional', 0],
      [[ours, local()], 'conditional', 1],
      [[ours, clusterWide()], 'conditional', 1],
      [[ours, clusterWide()], 'the next bundle', 1],
      [[clusterWide()], 'the next bundle', 1],
    ] as const) {
      asked = 0;
      parts.policies.swap(policySet(central, locals, digest));
      await settle();
      assert.equal(asked, times);
    }
  });

  it('are judged again when the cluster has synced, whatever is in it', async () => {
    // A rule for labels may refuse those that have them; an empty cluster has none.
    const refusing = rule({
      id: 'labelled',
      match: { namespaces: { labels: { team: 'a' } } },
      deny: { namespaces: ['*'], serviceAccounts: [] },
    });
    parts.policies.swap(policySet(bundle({ rules: [rule(), refusing] }), [], 'labelled'));
    parts.clusters.swap(unsyncedSnapshot('listing'));
    const states = watch();
    const { value } = (await states.next()) as { value: SvidState };
    assert.ok(value.kind === 'unavailable' && value.error.reason === 'CAP-S10');
    const healed = nextSvid(states);
    parts.clusters.show();
    await settle();
    assert.ok((await healed).serial);
  });

  it('stay in force while the journal is down, and are renewed when it is back', async () => {
    const states = watch();
    const first = await nextSvid(states);
    const second = nextSvid(states);
    parts.journal.failing = true;
    await parts.clock.advance(HALF_LIFE_MS * 1.2);
    assert.equal((await nextSvid(watch())).serial, first.serial);
    parts.journal.failing = false;
    await parts.clock.advance(60_000);
    assert.notEqual((await second).serial, first.serial);
  });

  it('are unavailable once the certificate in hand has expired', async () => {
    const states = watch();
    await nextSvid(states);
    const next = states.next();
    parts.journal.failing = true;
    await parts.clock.advance(HALF_LIFE_MS * 2 + 120_000);
    const { value } = (await next) as { value: SvidState };
    assert.ok(value.kind === 'unavailable');
    assert.equal(value.error.reason, 'CAP-S04');
  });

  it('move to a new issuer soon after it changes, without a bundle push under the same root', async () => {
    const other = await testAuthority({ nowMs: NOON_MS, root: authority.root });
    const bundles = secrets.watchBundle({ signal: stop.signal })[Symbol.asyncIterator]();
    await bundles.next();
    const pushed = bundles.next().then(() => assert.fail('the bundle did not change'));
    const states = watch();
    await nextSvid(states);
    const second = nextSvid(states);
    parts.issuers.swap(other.material);
    await parts.clock.advance(10_000);
    const [, intermediate] = (await second).certificateChainPem.split(/(?=-----BEGIN)/);
    assert.equal(intermediate, other.intermediate.certificatePem);
    await Promise.race([pushed, settle()]);
  });

  describe('with a second issuer', () => {
    const SHOP = testCaller('shop', 'web');
    const BANK = testCaller('bank', 'web');
    let gold: TestAuthority;
    before(async () => {
      gold = await testAuthority({ nowMs: NOON_MS, root: authority.root });
    });

    const byIssuer = (issuers: Readonly<Record<string, string>>, revision: string) =>
      policySet(
        bundle({
          rules: Object.entries(issuers).map(([namespace, issuer]) =>
            rule({
              id: namespace,
              match: { namespaces: { names: [namespace] } },
              bounds: { ...WIDE, issuers: [[issuer]] },
            }),
          ),
        }),
        [],
        revision,
      );
    const issuersOf = (): readonly unknown[] =>
      parts.journal.records.map(
        (record) => 'issuerName' in record && `${record.identity.split('/')[4]} ${record.issuerName}`,
      );

    it('are renewed when theirs changes, and are left alone when the other does', async () => {
      parts.issuers.put('gold', readyState(gold.material));
      parts.policies.swap(byIssuer({ shop: 'default', bank: 'gold' }, 'both'));
      await nextSvid(watch(SHOP));
      await nextSvid(watch(BANK));
      parts.issuers.put('gold', readyState((await testAuthority({ nowMs: NOON_MS, root: authority.root })).material));
      await parts.clock.advance(10_000);
      assert.deepEqual(issuersOf(), ['shop default', 'bank gold', 'bank gold']);
    });

    it('are asked for once more when it changes while the first is being signed', async () => {
      const [asked, answered] = [Promise.withResolvers<true>(), Promise.withResolvers<true>()];
      const { issuer, signer } = gold.material;
      const slow: Signer = {
        ...signer,
        sign: async (tbs, options) => {
          asked.resolve(true);
          await answered.promise;
          return signer.sign(tbs, options);
        },
      };
      parts.issuers.put('gold', readyState({ issuer, signer: slow }));
      parts.policies.swap(byIssuer({ bank: 'gold' }, 'gold'));
      const successor = await testAuthority({ nowMs: NOON_MS, root: authority.root });
      const states = watch(BANK);
      await asked.promise;
      parts.issuers.put('gold', readyState(successor.material));
      answered.resolve(true);
      assert.equal((await nextSvid(states)).certificateChainPem.endsWith(gold.intermediate.certificatePem), true);
      await parts.clock.advance(10_000);
      const { certificateChainPem } = await nextSvid(states);
      assert.equal(certificateChainPem.endsWith(successor.intermediate.certificatePem), true);
    });

    it('move when policy moves their namespace, to one that cannot sign as soon as it can', async () => {
      parts.issuers.put('gold', { kind: 'unavailable', why: 'is not loaded' });
      parts.policies.swap(byIssuer({ shop: 'default' }, 'before'));
      const states = watch(SHOP);
      const first = await nextSvid(states);
      parts.policies.swap(byIssuer({ shop: 'gold' }, 'after'));
      await parts.clock.advance(10_000);
      assert.equal((await nextSvid(watch(SHOP))).serial, first.serial, 'the certificate in hand stays');
      parts.issuers.put('gold', readyState(gold.material));
      await parts.clock.advance(10_000);
      const { value } = (await states.next()) as { value: SvidState };
      assert.equal(value.kind === 'svid' && value.svid.issuerName, 'gold');
    });
  });

  it('move to another way up from the same issuer, and stay where a way was only cut', async () => {
    const tier = tiersAt(NOON_MS);
    const [former, next] = [await tier('Former'), await tier('Next')];
    const old = await tier('Upper', { by: former });
    const young = await tier('Upper', { by: next, keys: old.keys });
    const own = await tier('Issuer', { by: old });
    const through = (...above: readonly Tier[]): TrialMaterial => materialOf(own, above, [former, next]);
    parts = testParts(through(old));
    secrets = start({ keys: presetKeys });
    const states = watch();
    const chainOf = async (): Promise<string> =>
      (await nextSvid(states)).certificateChainPem.replace(/^[^]*?END CERTIFICATE-----\n/, '');
    assert.equal(await chainOf(), own.pem + old.pem);
    const second = chainOf();
    parts.issuers.swap(through(young));
    await parts.clock.advance(10_000);
    assert.equal(await second, own.pem + young.pem);
    const cross = await tier('Next', { by: former, keys: next.keys });
    const third = chainOf();
    parts.issuers.swap(through(young, cross));
    await parts.clock.advance(10_000);
    assert.equal(await third, own.pem + young.pem + cross.pem);
    const none = states.next().then(() => assert.fail('what is served still leads up'));
    parts.issuers.swap(through(young));
    await parts.clock.advance(10_000);
    await Promise.race([none, settle()]);
  });

  it('include each new trust bundle', async () => {
    const other = await testAuthority({ nowMs: NOON_MS });
    const bundles = secrets.watchBundle({ signal: stop.signal })[Symbol.asyncIterator]();
    assert.equal(((await bundles.next()) as { value: { pem: string } }).value.pem, authority.bundle.pem);
    parts.issuers.swap({ ...authority.material, bundle: other.bundle });
    assert.equal(((await bundles.next()) as { value: { pem: string } }).value.pem, other.bundle.pem);
  });

  it('include each change of the trust domains that this mesh federates with', async () => {
    const other = (await testAuthority({ nowMs: NOON_MS })).bundle;
    const bundles = secrets.watchBundle({ signal: stop.signal })[Symbol.asyncIterator]();
    const federated = async () => ((await bundles.next()) as { value: TrustBundle }).value.federated;
    assert.deepEqual(await federated(), []);
    parts.federated.swap([other]);
    assert.deepEqual(await federated(), [other]);
    const successor = await testAuthority({ nowMs: NOON_MS });
    parts.issuers.swap({ ...authority.material, bundle: successor.bundle });
    assert.deepEqual(await federated(), [other]);
  });

  describe('are bounded in number', () => {
    beforeEach(() => {
      secrets = start({ keys: presetKeys, maxIdentities: 4, maxIdentitiesPerNamespace: 2 });
      parts.policies.swap(policySet(bundle(), [], 'everybody'));
    });

    const pod = (podName: string, namespace = 'default'): Caller => ({ ...testCaller(namespace), pod: { podName } });

    /** Comes, is given a certificate, and goes. */
    async function visit(caller: Caller): Promise<string> {
      const leave = new AbortController();
      const { serial } = await nextSvid(watch(caller, leave));
      leave.abort();
      return serial;
    }

    it('and one namespace takes its share, no more', async () => {
      for (const name of ['one', 'two']) await nextSvid(watch(pod(name)));
      assert.throws(() => watch(pod('three')), {
        reason: 'CAP-Q01',
        message: /namespace default has 2 workloads on SDS, its share/,
      });
      await nextSvid(watch(pod('one', 'other')));
    });

    it('and all together', async () => {
      for (const namespace of ['a', 'b', 'c', 'd']) await nextSvid(watch(pod('one', namespace)));
      assert.throws(() => watch(pod('one', 'e')), { reason: 'CAP-Q01', message: /too many workloads/ });
    });

    it('and what nobody watches makes room at once, longest unwatched first', async () => {
      const first = await visit(pod('one'));
      const second = await visit(pod('two'));
      assert.equal(await visit(pod('one')), first);
      await visit(pod('three'));
      assert.equal(await visit(pod('one')), first);
      assert.notEqual(await visit(pod('two')), second);
    });

    it('and who comes and goes keeps nobody out, and takes nothing from other namespaces', async () => {
      const kept = await visit(pod('kept', 'other'));
      const states = watch(pod('watching', 'other'));
      const { serial } = await nextSvid(states);
      for (let turn = 0; turn < 20; turn += 1) await visit(pod(`pod-${turn}`));
      assert.equal(await visit(pod('kept', 'other')), kept);
      assert.equal((await nextSvid(watch(pod('watching', 'other')))).serial, serial);
      await nextSvid(watch(pod('late', 'third')));
    });

    it('and a machine that renews its certificate is no other workload', async () => {
      const machine = (credentialId: string): Caller => ({
        ...CALLER,
        authenticationMethod: 'client-certificate',
        credentialId,
        lineage: { id: 'first', provenAtMs: 0 },
      });
      const { serial } = await nextSvid(watch(machine('a0')));
      for (let turn = 1; turn < 10; turn += 1) {
        assert.equal((await nextSvid(watch(machine(`a${turn}`)))).serial, serial);
      }
    });

    it('and what is being decided makes room for nobody, so that decisions are bounded too', async () => {
      const leave = new AbortController();
      for (const name of ['one', 'two']) void watch(pod(name), leave).next();
      leave.abort();
      assert.throws(() => watch(pod('three')), { reason: 'CAP-Q01' });
      await settle();
      await nextSvid(watch(pod('three')));
    });
  });

  it('record a stream that could not be authenticated', async () => {
    const strangers = new SharedWorkloadSecrets(
      { ...parts, authenticators: [], keys: presetKeys },
      {
        lifetimes: TEST_LIFETIMES,
        keyType: 'ec-p256',
        renewAt: 0.5,
        spreadMs: 1,
        maxIdentities: 1,
        maxIdentitiesPerNamespace: 1,
      },
    );
    const presented = { authorization: [], remoteAddress: '127.0.0.1:1' };
    const refusal = await refusalOf(strangers.authenticate(presented, { signal: NEVER }));
    assert.equal(refusal.reason, 'CAP-A01');
    assert.equal(parts.journal.records[0]?.outcome, 'refused');
  });
});
