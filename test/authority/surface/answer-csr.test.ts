import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { WorkloadAttestation } from '../../../src/authority/attestation/workload-attestation.ts';
import { NamespaceTurns } from '../../../src/authority/issuing/namespace-turns.ts';
import { csrAuthority } from '../../../src/authority/surface/answer-csr.ts';
import type { CsrRequest } from '../../../src/authority/surface/surface.ts';
import type { Caller } from '../../../src/domain/identity/caller.ts';
import type { Signer } from '../../../src/ports/issuing/signer.ts';
import {
  NEVER,
  PRESENTED,
  refusalOf,
  TEST_LIFETIMES,
  TEST_POLICY,
  testCaller,
  testParts,
  trusting,
  type TestParts,
} from '../../support/authority-parts.ts';
import { agentCsr, buildCsr, testAuthority, ztunnelCsr, type TestAuthority } from '../../support/certificates.ts';
import { FakeAttestedClusters } from '../../support/fakes/attested-clusters.ts';
import { NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { bundle, NEEDS_INGRESS, policySet, rule } from '../../support/policy/policies.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';

describe('Answering a CSR', () => {
  let authority: TestAuthority;
  let order: CsrRequest;
  let parts: TestParts;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
    order = { csrPem: (await ztunnelCsr(DEMO)).pem, validitySeconds: 600n };
  });
  beforeEach(() => {
    parts = testParts(authority.material);
  });

  const answer = async (wanted: Partial<CsrRequest> = {}, caller: Caller = testCaller()) =>
    csrAuthority({ ...parts, authenticators: [trusting(caller)] }, TEST_LIFETIMES).answerCsr(
      PRESENTED,
      () => ({ ...order, ...wanted }),
      { signal: NEVER },
    );

  it("issues a certificate that carries the caller's identity and nothing else", async () => {
    const chain = await answer();
    const leaf = new X509Certificate(chain.leafPem);
    assert.equal(leaf.subjectAltName, `URI:${DEMO}`);
    assert.equal(leaf.subject, undefined);
    assert.equal(leaf.validToDate.getTime(), NOON_MS + 600_000);
  });

  it('is not for a caller whose workload is gone; the refusal is on record with whom it concerns', async () => {
    const clusters = new FakeAttestedClusters();
    const attestation = new WorkloadAttestation({ clusters, clock: parts.clock });
    attestation.start({ signal: NEVER });
    parts = { ...parts, attestation };
    const pod = clusters.own.addPod({ namespace: 'default', serviceAccount: 'demo' });
    const proven = { pod: { podName: pod.name, podUid: pod.uid }, attestation: { tokenId: 't-1' } };
    const caller: Caller = { ...testCaller(), ...proven };
    await answer({}, caller);
    clusters.own.stale = 5_000;
    await answer({}, caller);
    clusters.own.removePod('default', pod.name);
    const { reason } = await refusalOf(answer({}, caller));
    assert.equal(reason, 'CAP-A11');
    assert.deepEqual(
      parts.journal.records.map(({ outcome, caller: who, podUid, attestation: facts }) => [
        outcome,
        who,
        podUid,
        facts,
      ]),
      [
        ['issued', DEMO, pod.uid, { tokenId: 't-1' }],
        ['issued', DEMO, pod.uid, { tokenId: 't-1', clusterStaleMs: 5_000 }],
        ['refused', DEMO, pod.uid, { tokenId: 't-1' }],
      ],
    );
  });

  it('is on record with the cluster of its caller, and whether that is a remote one', async () => {
    await answer();
    await answer({}, { ...testCaller(), remoteCluster: 'west' });
    assert.deepEqual(
      parts.journal.records.map(({ cluster, remoteCluster }) => [cluster, remoteCluster]),
      [
        [parts.cluster, undefined],
        ['west', 'west'],
      ],
    );
  });

  it('answers with the leaf, each intermediate, and the whole trust bundle', async () => {
    const { intermediatePems, bundlePem, leafPem } = await answer();
    assert.deepEqual(intermediatePems, authority.issuer.chainPems);
    assert.equal(bundlePem, authority.bundle.pem);
    assert.ok(new X509Certificate(leafPem).verify(authority.issuer.publicKey));
  });

  it("serves Istio's Go agent, whose subject is a lone empty O= and whose key is RSA", async () => {
    const { leafPem } = await answer({ csrPem: (await agentCsr(DEMO)).pem });
    assert.equal(new X509Certificate(leafPem).publicKey.asymmetricKeyType, 'rsa');
  });

  it('caps a lifetime that is too long instead of refusing it', async () => {
    const { notAfterMs } = await answer({ validitySeconds: 2n ** 62n });
    assert.equal(notAfterMs, NOON_MS + TEST_LIFETIMES.maxMs);
  });

  it('gives the default lifetime when none is asked for, or a negative one', async () => {
    for (const validitySeconds of [0n, -1n]) {
      assert.equal((await answer({ validitySeconds })).notAfterMs, NOON_MS + TEST_LIFETIMES.defaultMs);
    }
  });

  it('counts a certificate before it signs it, and signs none that is over a quota or cannot be counted', async () => {
    const quotas = { perNamespacePerMinute: 5, perIdentityPerMinute: Infinity };
    const made = bundle({ rules: [rule()] });
    parts.policies.swap(policySet({ ...made, namespaces: { ...made.namespaces, quotas } }));
    await answer();
    assert.deepEqual(parts.quotas.taken, [[{ key: 'namespace default', perMinute: 5, central: true }]]);
    parts.quotas.full = [{ key: 'namespace default', roomAfterMs: 700 }];
    assert.equal((await refusalOf(answer())).retryAfterMs, 700);
    parts.quotas.failing = true;
    assert.equal((await refusalOf(answer())).reason, 'CAP-S04');
    assert.equal(parts.journal.records.filter(({ outcome }) => outcome === 'issued').length, 1);
  });

  it('lets others be decided while a request is held for its condition', async () => {
    const turns = new NamespaceTurns(parts, { atOnce: 1, waitingEach: 1, maxWaitMs: 4_000 });
    parts = { ...parts, turns };
    parts.policies.swap(policySet(bundle(), [NEEDS_INGRESS]));
    const csrPem = (await buildCsr()).pem;
    const held = answer({ csrPem }, testCaller('shop', 'web'));
    await settle();
    assert.ok((await answer()).leafPem, 'the only place is free again');
    await parts.clock.advance(3_000);
    assert.equal((await refusalOf(held)).reason, 'CAP-P12');
    assert.ok((await answer()).leafPem, 'and is given back once');
  });

  it('records what was issued before it answers', async () => {
    const { decisionId } = await answer();
    const [record] = parts.journal.records;
    assert.ok(record?.outcome === 'issued');
    assert.equal(record.decisionId, decisionId);
    assert.equal(record.identity, DEMO);
    assert.equal(record.issuer, authority.issuer.id);
    assert.equal(record.policyRevision, TEST_POLICY.revision);
    assert.equal(record.policy?.bundle, 'corp@1');
    assert.deepEqual(record.policy.applied, ['central corp@1 mesh']);
    assert.equal(record.authenticationMethod, 'token');
  });

  it('does not deliver what it cannot record', async () => {
    parts.journal.failing = true;
    const refusal = await refusalOf(answer());
    assert.equal(refusal.reason, 'CAP-S04');
    assert.equal(parts.events.of('decided').length, 0);
  });

  it('records a refusal too, and names the decision to the caller', async () => {
    const csrPem = (await ztunnelCsr('spiffe://cluster.local/ns/elsewhere/sa/demo')).pem;
    const refusal = await refusalOf(answer({ csrPem }, testCaller('elsewhere')));
    assert.equal(refusal.reason, 'CAP-P01');
    const [record] = parts.journal.records;
    assert.ok(record?.outcome === 'refused');
    assert.equal(record.decisionId, refusal.decisionId);
    assert.equal(record.message, refusal.message);
  });

  it("refuses a CSR that names an identity other than the caller's", async () => {
    const refusal = await refusalOf(answer({}, testCaller('default', 'other')));
    assert.equal(refusal.reason, 'CAP-C06');
    assert.match(refusal.message, /must be spiffe:\/\/cluster\.local\/ns\/default\/sa\/other/);
  });

  it('refuses a caller without a credential before it looks at the request', async () => {
    const decode = (): CsrRequest => assert.fail('a stranger learns nothing about formats');
    const nobody = csrAuthority({ ...parts, authenticators: [] }, TEST_LIFETIMES);
    const refusal = await refusalOf(nobody.answerCsr(PRESENTED, decode, { signal: NEVER }));
    assert.equal(refusal.reason, 'CAP-A01');
    assert.equal(parts.journal.records.length, 1);
  });

  it('stops at the first authenticator that finds its credential, even to reject it', async () => {
    const rejecting = {
      authenticate: () => Promise.resolve({ outcome: 'rejected' as const, reason: 'CAP-A02' as const }),
    };
    const authenticators = [rejecting, trusting(testCaller())];
    const strict = csrAuthority({ ...parts, authenticators }, TEST_LIFETIMES);
    const refusal = await refusalOf(strict.answerCsr(PRESENTED, () => order, { signal: NEVER }));
    assert.equal(refusal.reason, 'CAP-A02');
  });

  it('refuses impersonation, whoever asks, where no view of the cluster can prove the node', async () => {
    const refusal = await refusalOf(answer({ impersonatedIdentity: DEMO }));
    const record = parts.journal.records.at(-1);
    assert.deepEqual([record?.outcome, record?.identity], ['refused', DEMO], 'the record names whom it was asked for');
    assert.equal(refusal.reason, 'CAP-A07');
  });

  it('takes an empty ImpersonatedIdentity for none, and a malformed one for malformed', async () => {
    assert.ok((await answer({ impersonatedIdentity: '' })).leafPem);
    assert.equal((await refusalOf(answer({ impersonatedIdentity: 'spiffe://a,b' }))).reason, 'CAP-M01');
  });

  it('lets nothing out when the signer returns a signature that does not verify', async () => {
    const { issuer, signer } = authority.material;
    const lying: Signer = { ...signer, sign: (_tbs, options) => signer.sign(Uint8Array.of(1), options) };
    parts.issuers.swap({ ...authority.material, issuer, signer: lying });
    assert.equal((await refusalOf(answer())).reason, 'CAP-X01');
  });

  it('signs nothing with an issuer whose trust anchor left after it was chosen, and with the next one when asked again', async () => {
    const other = await testAuthority({ nowMs: NOON_MS });
    const { quotas, issuers } = parts;
    const made = bundle({ rules: [rule()] });
    const counted = { perNamespacePerMinute: 9, perIdentityPerMinute: 9 };
    parts.policies.swap(policySet({ ...made, namespaces: { ...made.namespaces, quotas: counted } }));
    const take = quotas.take.bind(quotas);
    quotas.take = async (buckets) => {
      issuers.swap(other.material);
      return take(buckets);
    };
    const refusal = await refusalOf(answer());
    assert.equal(refusal.reason, 'CAP-S01');
    assert.match(refusal.message, /issuer default leads to no trust anchor in force$/);
    const { bundlePem, intermediatePems } = await answer();
    assert.deepEqual([bundlePem, intermediatePems], [other.bundle.pem, other.issuer.chainPems]);
  });

  it('is not ready when the issuer has expired', async () => {
    parts.clock.jumpTo(authority.issuer.notAfterMs + 1);
    assert.equal((await refusalOf(answer())).reason, 'CAP-S01');
  });
});
