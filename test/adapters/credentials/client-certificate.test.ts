import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { clientCertificateAuthenticator } from '../../../src/adapters/credentials/client-certificate.ts';
import type { CaCertificate } from '../../../src/domain/x509/ca-certificate.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { PresentedCertificate } from '../../../src/ports/issuing/authenticator.ts';
import { FakeLeafRecords } from '../../support/authority-parts.ts';
import { TEST_TRUST_DOMAIN as trustDomain, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { caOf, leafUnder, type LeafOptions } from '../grpc/leaves.ts';
import { CHAIN, CsrWire, openTlsEdge } from '../grpc/wire.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/api';
const DAY_MS = 86_400_000;
const NEVER = new AbortController().signal;

describe('A client certificate', () => {
  let pki: TestAuthority;
  let clock: FakeClock;
  let records: FakeLeafRecords;
  let further: CaCertificate[];
  /** Of other servers on the same store: before a look, and after it. */
  let elsewhere: CaCertificate[];
  let found: CaCertificate[];
  let tainted: string[];
  let maxProofAgeMs: number;
  before(async () => (pki = await testAuthority()));
  beforeEach(() => {
    clock = new FakeClock(Date.now());
    records = new FakeLeafRecords(pki.issuer.id, clock.nowMs() - DAY_MS);
    [further, tainted] = [[], []];
    [elsewhere, found] = [[], []];
    maxProofAgeMs = 30 * DAY_MS;
  });

  const authenticatorUnder = (own: TestAuthority) =>
    clientCertificateAuthenticator({
      clock,
      trustDomain,
      records,
      ownIssuers: () => [caOf(own.intermediate), ...found],
      lookForIssuers: async () => void found.push(...elsewhere.splice(0)),
      furtherIssuers: () => further,
      isTainted: (issuer) => tainted.includes(issuer.sha256),
      maxProofAgeMs: () => maxProofAgeMs,
    });

  const judge = async (clientCertificate?: PresentedCertificate) => {
    const authenticator = authenticatorUnder(pki);
    const presented = { authorization: [], remoteAddress: 'x', ...(clientCertificate && { clientCertificate }) };
    return authenticator.authenticate(presented, { signal: NEVER });
  };
  const judgeLeaf = async (options: LeafOptions) => judge({ leaf: (await leafUnder(pki.intermediate, options)).der });

  it('proves an identity by a leaf of an issuer that another server has just begun to sign with', async () => {
    const other = await testAuthority({ root: pki.root });
    records = new FakeLeafRecords(other.issuer.id, clock.nowMs() - DAY_MS);
    const leaf = await leafUnder(other.intermediate, { uris: [ID] });
    assert.equal((await judge({ leaf: leaf.der })).outcome, 'insufficient', 'it is a stranger before that');
    elsewhere = [caOf(other.intermediate)];
    assert.equal((await judge({ leaf: leaf.der })).outcome, 'authenticated');
  });

  it('proves nobody from the moment on that its issuer is tainted, recorded or listed, on the same connection too', async () => {
    const authenticator = authenticatorUnder(pki);
    const { der: leaf } = await leafUnder(pki.intermediate, { uris: [ID] });
    const presented = { authorization: [], remoteAddress: 'x', clientCertificate: { leaf } };
    const ask = async () => authenticator.authenticate(presented, { signal: NEVER });
    assert.equal((await ask()).outcome, 'authenticated');
    tainted.push(caOf(pki.intermediate).sha256);
    const detail = 'its issuer is tainted, and proves nobody any more';
    assert.deepEqual(await ask(), { outcome: 'insufficient', reason: 'CAP-A09', detail });
    const other = await testAuthority({ root: pki.root });
    further.push(caOf(other.intermediate));
    tainted.push(caOf(other.intermediate).sha256);
    const listed = await judge({ leaf: (await leafUnder(other.intermediate, { uris: [ID] })).der });
    assert.deepEqual(listed, { outcome: 'insufficient', reason: 'CAP-A09', detail });
  });

  it('proves the identity in its single URI name, until it ends', async () => {
    const leaf = await leafUnder(pki.intermediate, { uris: [ID], dns: ['api.shop.svc'] });
    const result = await judge({ leaf: leaf.der });
    assert.ok(result.outcome === 'authenticated');
    const { identity, ...rest } = result.caller;
    assert.equal(identity.spiffeId.uri, ID);
    const { serial: credentialId, notAfterMs: expiresAtMs } = leaf;
    const lineage = { id: 'first', provenAtMs: clock.nowMs() - DAY_MS };
    assert.deepEqual(rest, { authenticationMethod: 'client-certificate', credentialId, expiresAtMs, lineage });
    assert.deepEqual(records.asked, [{ identity: ID, serial: leaf.serial, notAfterMs: leaf.notAfterMs }]);
  });

  it('is of the pod, the cluster and the service account by which its identity was proven', async () => {
    const proven = {
      pod: { podName: 'api-7d4b', podUid: '5b3c', nodeName: 'node-1' },
      attestation: { serviceAccountUid: 'c0ffee' },
      remoteCluster: 'west',
    };
    records.known = { ...records.known!, ...proven };
    const result = await judgeLeaf({ uris: [ID] });
    assert.ok(result.outcome === 'authenticated');
    const { pod, attestation, remoteCluster } = result.caller;
    assert.deepEqual({ pod, attestation, remoteCluster }, proven);
  });

  it('of which nothing is on record proves nobody by itself', async () => {
    records.known = undefined;
    assert.deepEqual(await judgeLeaf({ uris: [ID] }), { outcome: 'insufficient', reason: 'CAP-A10' });
  });

  it('whose record is of another issuer of the same key is on no record', async () => {
    records = new FakeLeafRecords('0123456789abcdef', clock.nowMs());
    assert.deepEqual(await judgeLeaf({ uris: [ID] }), { outcome: 'insufficient', reason: 'CAP-A10' });
  });

  it('is judged by the age of its proof at each call, and proves nobody beyond it', async () => {
    const provenAtMs = clock.nowMs() - 30 * DAY_MS + 1000;
    records = new FakeLeafRecords(pki.issuer.id, provenAtMs);
    const presented = { leaf: (await leafUnder(pki.intermediate, { uris: [ID] })).der };
    const authenticator = authenticatorUnder(pki);
    const ask = async () =>
      authenticator.authenticate(
        { authorization: [], remoteAddress: 'x', clientCertificate: presented },
        { signal: NEVER },
      );
    const first = await ask();
    assert.ok(first.outcome === 'authenticated');
    assert.equal(first.caller.expiresAtMs, provenAtMs + 30 * DAY_MS, 'a stream ends with the proof');
    clock.jumpTo(clock.nowMs() + 1001);
    const detail = `it is of ${new Date(provenAtMs).toISOString()}`;
    assert.deepEqual(await ask(), { outcome: 'insufficient', reason: 'CAP-A08', detail });
    assert.equal(records.asked.length, 1, 'the record was looked up once');
    maxProofAgeMs = Infinity;
    assert.equal((await ask()).outcome, 'authenticated');
  });

  describe('of a listed issuer', () => {
    const leafOfOther = async () => {
      const other = await testAuthority({ root: pki.root });
      further = [caOf(other.intermediate)];
      return { other, leaf: await leafUnder(other.intermediate, { uris: [ID] }) };
    };

    it('begins a lineage of its own where the age of proofs is not limited', async () => {
      maxProofAgeMs = Infinity;
      const { other, leaf } = await leafOfOther();
      const result = await judge({ leaf: leaf.der });
      assert.ok(result.outcome === 'authenticated' && result.caller.authenticationMethod === 'client-certificate');
      assert.equal(result.caller.lineage.id, `${other.issuer.id}:${leaf.serial}`);
    });

    it('never counts as fresh where it is', async () => {
      const result = await judge({ leaf: (await leafOfOther()).leaf.der });
      assert.ok(result.outcome === 'insufficient');
      assert.equal(result.reason, 'CAP-A10');
    });

    it('is a leaf of ours too when ours is listed, because a replica may have issued it', async () => {
      maxProofAgeMs = Infinity;
      records.known = undefined;
      assert.equal((await judgeLeaf({ uris: [ID] })).outcome, 'insufficient');
      further = [caOf(pki.intermediate)];
      assert.equal((await judgeLeaf({ uris: [ID] })).outcome, 'authenticated');
    });
  });

  it('is told apart from none', async () => {
    assert.deepEqual(await judge(), { outcome: 'absent' });
  });

  it('that did not verify is refused with its problem', async () => {
    const { der } = await leafUnder(pki.intermediate, { uris: [ID] });
    const wanted = { outcome: 'rejected', reason: 'CAP-A02', detail: 'CERT_SIGNATURE_FAILURE' };
    assert.deepEqual(await judge({ leaf: der, problem: 'CERT_SIGNATURE_FAILURE' }), wanted);
  });

  it('of a CA is refused', async () => {
    const result = await judgeLeaf({ uris: [ID], isCa: true });
    assert.deepEqual(result, { outcome: 'rejected', reason: 'CAP-A02', detail: 'it is the certificate of a CA' });
  });

  const nameless: readonly (readonly [string, LeafOptions, RegExp])[] = [
    ['without a name', {}, /carries 0 URI names/],
    ['with a DNS name only', { dns: ['api.shop.svc'] }, /carries 0 URI names/],
    ['with two URI names', { uris: [ID, `${ID}2`] }, /carries 2 URI names/],
    ['with the same URI name twice', { uris: [ID, ID] }, /carries 2 URI names/],
    ['of another trust domain', { uris: ['spiffe://other/ns/shop/sa/api'] }, /trust domain is not cluster\.local/],
    ['with a SPIFFE ID that is no service account', { uris: ['spiffe://cluster.local/api'] }, /is not of the form/],
    ['with a URL', { uris: ['https://cluster.local/ns/shop/sa/api'] }, /does not start with spiffe/],
    ['with an upper-case scheme', { uris: ['SPIFFE://cluster.local/ns/shop/sa/api'] }, /does not start with/],
    ['with an escape in its path', { uris: ['spiffe://cluster.local/ns/shop/sa/%61pi'] }, /invalid path/],
    ['with a DNS name that pretends to be a URI', { dns: [`a, URI:${ID}`], uris: [] }, /cannot be read/],
  ];
  for (const [what, options, detail] of nameless) {
    it(`${what} is refused`, async () => {
      const result = await judgeLeaf(options);
      assert.ok(result.outcome === 'rejected');
      assert.equal(result.reason, 'CAP-A03');
      assert.match(result.detail ?? '', detail);
    });
  }

  it('that ends while its connection lives proves nothing from then on', async () => {
    await using edge = await openTlsEdge();
    const leaf = await leafUnder(edge.pki.intermediate, { uris: [ID] });
    records = new FakeLeafRecords(edge.pki.issuer.id, clock.nowMs());
    const authenticator = authenticatorUnder(edge.pki);
    edge.authority.answer = async () => {
      const result = await authenticator.authenticate(edge.authority.presented.at(-1)!, { signal: NEVER });
      if (result.outcome === 'rejected') throw new AuthorityError(result.reason, { detail: result.detail ?? '' });
      return CHAIN;
    };
    using wire = CsrWire.toTls(edge, leaf);
    assert.equal((await wire.call()).code, status.OK);
    clock.jumpTo(leaf.notAfterMs + 1);
    const { code, details } = await wire.call();
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, /^CAP-A02 .*it has expired/);
    clock.jumpTo(leaf.notAfterMs - 3 * 3_600_000);
    assert.match((await wire.call()).details, /not valid yet/);
    const [first, , third] = edge.authority.presented;
    assert.equal(first?.remoteAddress, third?.remoteAddress, 'it was one connection');
  });
});
