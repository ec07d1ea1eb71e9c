import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { keyGenerator } from '../../../src/adapters/issuers/memory/key-generator.ts';
import { PlacedCertificateKeeper } from '../../../src/authority/chores/keep-placed-certificate.ts';
import { kubernetesIdentity } from '../../../src/domain/identity/kubernetes-identity.ts';
import { nameLimit } from '../../../src/domain/policy/name-patterns.ts';
import { lookAtPlaced } from '../../../src/authority/trust/look-at-placed.ts';
import type { OwnMoves } from '../../../src/authority/trust/own-certificates.ts';
import type { CertificatePlace, PlacedCertificate } from '../../../src/ports/issuing/certificate-place.ts';
import type { GeneratedKey, KeyGenerator } from '../../../src/ports/issuing/key-generator.ts';
import { readyState, TEST_LIFETIMES, testParts } from '../../support/authority-parts.ts';
import { good, TEST_TRUST_DOMAIN, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { FakeLease } from '../../support/fakes/lease.ts';
import { bundle, policySet, rule, WIDE } from '../../support/policy/policies.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DNS_NAMES = ['istiod.istio-system.svc', 'istiod-canary.istio-system.svc'];
const ISTIOD = 'spiffe://cluster.local/ns/istio-system/sa/istiod';
const match = { classes: ['control-plane'], namespaces: { names: ['istio-system'] } } as const;
const classes = [{ class: 'control-plane', namespaces: ['istio-system'], serviceAccounts: ['istiod'] }] as const;
/** As docs/kubernetes.md has it. */
const POLICY = policySet(
  bundle({
    classes,
    rules: [rule({ id: 'istiod', match, bounds: { ...WIDE, dnsNames: nameLimit(DNS_NAMES) } })],
  }),
);

class FakePlace implements CertificatePlace {
  placed: PlacedCertificate | undefined;
  writes = 0;
  failure: Error | undefined;

  async read(): Promise<PlacedCertificate | undefined> {
    if (this.failure !== undefined) throw this.failure;
    return this.placed;
  }

  async write(placed: PlacedCertificate): Promise<void> {
    this.writes += 1;
    this.placed = placed;
  }
}

/** As in a rotation of trust anchors, of which it is told here how far it is. */
class FakeMoves implements OwnMoves {
  waiting: string | undefined;
  readonly #listeners = new Set<() => void>();
  readonly waits = (trustAnchor: string): boolean => trustAnchor === this.waiting;
  readonly onChange = (listener: () => void): void => void this.#listeners.add(listener);

  over(): void {
    this.waiting = undefined;
    for (const listener of this.#listeners) listener();
  }
}

describe('The certificate of a control plane', () => {
  let authority: TestAuthority;
  let stop: AbortController;
  const made: GeneratedKey[] = [];
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
    for (let more = 0; more < 4; more += 1) made.push(await keyGenerator.generate('ec-p256'));
  });
  let nextKey = 0;
  /** At once, and one after the other. */
  const keys: KeyGenerator = { generate: () => Promise.resolve(made[nextKey++ % made.length]!) };
  beforeEach(() => (stop = new AbortController()));
  afterEach(() => stop.abort());

  function scene({ dnsNames = DNS_NAMES, place = new FakePlace() } = {}) {
    const parts = testParts(authority.material);
    parts.policies.swap(POLICY);
    const [lease, moves] = [new FakeLease(), new FakeMoves()];
    const identity = good(kubernetesIdentity(TEST_TRUST_DOMAIN, 'istio-system', 'istiod'));
    const keeper = new PlacedCertificateKeeper(
      { ...parts, keys, place, lease, moves },
      { identity, dnsNames, lifetimes: { ...TEST_LIFETIMES, defaultMs: DAY_MS, maxMs: DAY_MS }, askedBy: 'the key' },
    );
    void keeper.keep(stop);
    const lead = async (): Promise<void> => {
      lease.give();
      await pass(0);
    };
    const pass = async (ms: number): Promise<void> => {
      await parts.clock.advance(ms);
      await settle();
    };
    return { ...parts, place, lease, moves, keeper, lead, pass };
  }

  const leafIn = (place: FakePlace): X509Certificate => new X509Certificate(place.placed!.certificateChainPem);

  it('is in its place with its key and the roots, under the names of all revisions', async () => {
    const { place, lead, keeper } = scene();
    await lead();
    const leaf = leafIn(place);
    assert.equal(leaf.subjectAltName, `URI:${ISTIOD}, ${DNS_NAMES.map((name) => `DNS:${name}`).join(', ')}`);
    assert.ok(leaf.checkPrivateKey(createPrivateKey(place.placed!.privateKeyPem)));
    assert.ok(leaf.verify(authority.issuer.publicKey));
    assert.ok(place.placed!.certificateChainPem.endsWith(authority.intermediate.certificatePem));
    assert.equal(place.placed!.anchorsPem, authority.bundle.pem);
    assert.equal(keeper.problem(), undefined);
  });

  it('is judged by policy and on record like any other, as what the configuration asked for', async () => {
    const { journal, lead } = scene();
    await lead();
    const record = journal.records[0]!;
    assert.equal(record.api, 'secret');
    assert.equal(record.caller, ISTIOD);
    assert.equal(record.authenticationMethod, 'configuration');
    assert.equal(record.credentialId, 'the key');
    assert.equal(record.policy?.class, 'control-plane');
    assert.deepEqual(record.policy.dnsNames, DNS_NAMES);
    assert.equal(record.outcome === 'issued' && record.proofId, record.decisionId);
  });

  it('is not issued against policy, which is asked again each minute', async () => {
    const { place, lead, pass, keeper, journal, events, policies } = scene({ dnsNames: ['api.example.com'] });
    await lead();
    assert.equal(place.placed, undefined);
    assert.equal(
      keeper.problem(),
      'it could not be issued: CAP-P06 policy does not allow this DNS name: the key gives it api.example.com, and bounds.dnsNames of a rule of the policy bundle for istio-system/istiod does not have them all',
    );
    assert.equal(journal.records[0]?.outcome, 'refused');
    assert.equal(events.of('reloadFailed').length, 1);
    policies.swap(policySet(bundle({ classes, rules: [rule({ match })] })));
    await pass(60_000);
    assert.match(keeper.problem() ?? '', /this DNS name/);
    policies.swap(
      policySet(
        bundle({ classes, rules: [rule({ match, bounds: { ...WIDE, dnsNames: nameLimit(['*.example.com']) } })] }),
      ),
    );
    await pass(60_000);
    assert.equal(leafIn(place).subjectAltName, `URI:${ISTIOD}, DNS:api.example.com`);
    assert.equal(keeper.problem(), undefined);
  });

  it('is renewed with a new key at half life, and not before', async () => {
    const { place, lead, pass } = scene();
    await lead();
    const first = place.placed;
    await pass(DAY_MS / 2 - 60_000);
    assert.equal(place.placed, first);
    await pass(75_000);
    assert.notEqual(place.placed?.certificateChainPem, first?.certificateChainPem);
    assert.notEqual(place.placed?.privateKeyPem, first?.privateKeyPem);
    assert.equal(place.writes, 2);
  });

  it('is issued anew soon after its issuer changed, and when it was deleted or spoilt', async () => {
    const { place, lead, pass, issuers } = scene();
    await lead();
    const other = await testAuthority({ nowMs: NOON_MS, root: authority.root });
    issuers.swap(other.material);
    await pass(0);
    assert.ok(leafIn(place).verify(other.issuer.publicKey));
    place.placed = undefined;
    await pass(15_000);
    assert.ok(leafIn(place).verify(other.issuer.publicKey));
    place.placed = { ...place.placed!, privateKeyPem: (await keys.generate('ec-p256')).privateKeyPem };
    await pass(15_000);
    assert.ok(leafIn(place).checkPrivateKey(createPrivateKey(place.placed.privateKeyPem)));
    assert.equal(place.writes, 4);
  });

  it('stays while its issuer does not sign for a while, and is issued by another one when that is over for good', async () => {
    const { place, lead, pass, issuers } = scene();
    const other = await testAuthority({ nowMs: NOON_MS, root: authority.root });
    issuers.put('other', readyState(other.material));
    await lead();
    const { issuer, signer } = authority.material;
    const suspended = { withdrawn: 'suspended', held: { issuer, signer } } as const;
    for (const paused of [suspended, { certified: issuer }]) {
      issuers.put('default', { kind: 'unavailable', why: 'is away', ...paused });
      await pass(60_000);
      issuers.put('default', readyState(authority.material));
      await pass(60_000);
    }
    assert.equal(place.writes, 1);
    issuers.put('default', { kind: 'unavailable', why: 'is tainted', withdrawn: 'tainted' });
    await pass(0);
    assert.ok(leafIn(place).verify(other.issuer.publicKey));
  });

  it('has the trust anchors beside it that are in force, under the same certificate', async () => {
    const { place, lead, pass, issuers } = scene();
    await lead();
    const before = place.placed!;
    const bundleOfTwo = authority.bundle.joinedWith((await testAuthority({ nowMs: NOON_MS })).bundle);
    issuers.swap({ ...authority.material, bundle: bundleOfTwo });
    await pass(0);
    assert.deepEqual(place.placed, { ...before, anchorsPem: bundleOfTwo.pem });
  });

  it('moves last when a trust anchor is rotated, is shown as what hangs on the old one, and has both anchors meanwhile', async () => {
    const next = await testAuthority({ nowMs: NOON_MS });
    const both = authority.bundle.joinedWith(next.bundle);
    const { place, lead, pass, issuers, moves, anchors, clock } = scene();
    await lead();
    const look = lookAtPlaced({ place, anchors, clock }, 'the certificate of istiod');
    const before = place.placed!;
    moves.waiting = authority.issuer.anchorSha256;
    issuers.swap({ ...next.material, bundle: both });
    await pass(60_000);
    assert.deepEqual(place.placed, { ...before, anchorsPem: both.pem });
    const own = { name: 'the certificate of istiod', notAfterMs: leafIn(place).validToDate.getTime() };
    assert.deepEqual(await look(stop), { ...own, trustAnchor: authority.issuer.anchorSha256 });
    moves.over();
    await pass(0);
    assert.ok(leafIn(place).verify(next.issuer.publicKey));
    assert.equal((await look(stop))?.trustAnchor, next.issuer.anchorSha256);
  });

  it('moves at half of its life in any case, and is told as unknown where its place cannot be read', async () => {
    const next = await testAuthority({ nowMs: NOON_MS });
    const { place, lead, pass, issuers, moves, anchors, clock } = scene();
    await lead();
    moves.waiting = authority.issuer.anchorSha256;
    issuers.swap({ ...next.material, bundle: authority.bundle.joinedWith(next.bundle) });
    await pass(DAY_MS / 2 - 60_000);
    assert.ok(leafIn(place).verify(authority.issuer.publicKey));
    await pass(75_000);
    assert.ok(leafIn(place).verify(next.issuer.publicKey));
    const look = lookAtPlaced({ place, anchors, clock }, 'the certificate of istiod');
    place.failure = new Error('Secret istio-system/istiod-tls could not be read: 403 Forbidden');
    assert.deepEqual(await look(stop), { name: 'the certificate of istiod', problem: place.failure.message });
  });

  it('stays when another process begins to lead, and is replaced when its names are others', async () => {
    const first = scene();
    await first.lead();
    stop.abort();
    stop = new AbortController();
    const { place } = first;
    const second = scene({ place });
    await second.lead();
    assert.equal(place.writes, 1);
    stop.abort();
    stop = new AbortController();
    const third = scene({ place, dnsNames: [DNS_NAMES[0]!] });
    await third.lead();
    assert.equal(place.writes, 2);
    assert.equal(leafIn(place).subjectAltName, `URI:${ISTIOD}, DNS:${DNS_NAMES[0]}`);
  });

  it('is not put in its place by who lost the lease while it was issued', async () => {
    const { place, lead, lease, pass, journal } = scene();
    const generate = keys.generate.bind(keys);
    keys.generate = async (type) => {
      lease.lose();
      return generate(type);
    };
    await lead();
    await pass(0);
    keys.generate = generate;
    assert.equal(journal.records.length, 1);
    assert.equal(place.writes, 0);
  });

  it('is not taken for ours by the chain that somebody put below another leaf', async () => {
    const other = await testAuthority({ nowMs: NOON_MS, root: authority.root });
    const { place, lead, issuers, pass } = scene();
    issuers.swap(other.material);
    await lead();
    const [leaf = ''] = place.placed!.certificateChainPem.split(/(?<=-----END CERTIFICATE-----\n)/);
    stop.abort();
    stop = new AbortController();
    place.placed = { ...place.placed!, certificateChainPem: leaf + authority.intermediate.certificatePem };
    const next = scene({ place });
    await next.lead();
    await pass(0);
    assert.ok(leafIn(place).verify(authority.issuer.publicKey));
  });

  it('is left alone by who does not lead', async () => {
    const { place, lead, lease, pass } = scene();
    await pass(60_000);
    assert.equal(place.placed, undefined);
    await lead();
    lease.lose();
    await pass(0);
    place.placed = undefined;
    await pass(60_000);
    assert.equal(place.placed, undefined);
  });

  it('says what is wrong with its place, once, until that is over', async () => {
    const { place, lead, pass, keeper, events } = scene();
    place.failure = new Error('Secret istio-system/istiod-tls could not be read: 403 Forbidden');
    await lead();
    await pass(180_000);
    assert.match(keeper.problem() ?? '', /403 Forbidden/);
    assert.equal(events.of('reloadFailed').length, 1);
    place.failure = undefined;
    await pass(60_000);
    assert.equal(keeper.problem(), undefined);
    assert.equal(place.writes, 1);
  });
});
