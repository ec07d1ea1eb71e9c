import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { credentials, status } from '@grpc/grpc-js';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { csrService } from '../../../../src/adapters/grpc/csr/service.ts';
import { csrAuthority } from '../../../../src/authority/surface/answer-csr.ts';
import { NodePodLookups } from '../../../../src/authority/surface/node-pod-lookups.ts';
import { NodeProof } from '../../../../src/authority/surface/node-proof.ts';
import { UNKNOWN_MS, type Caller } from '../../../../src/domain/identity/caller.ts';
import { namesTrustDomain } from '../../../../src/domain/policy/evaluation/named-trust-domains.ts';
import { nameLimit } from '../../../../src/domain/policy/name-patterns.ts';
import { REASONS, type Reason } from '../../../../src/domain/reasons.ts';
import { TEST_LIFETIMES, testCaller, testParts, trusting, type TestParts } from '../../../support/authority-parts.ts';
import { testAuthority, ztunnelCsr, type TestAuthority } from '../../../support/certificates.ts';
import { FakeNodePods } from '../../../support/fakes/kubernetes/fake-node-pods.ts';
import { FakeWorkloadDirectory } from '../../../support/fakes/kubernetes/fake-workload-directory.ts';
import { bundle, policySet, rule, wide } from '../../../support/policy/policies.ts';
import { CSR_SETTINGS, CsrWire, NEVER, openTlsEdge, type Outcome, type TlsEdge } from '../wire.ts';

const WEB = 'spiffe://cluster.local/ns/shop/sa/web';
const ZTUNNEL: Caller = {
  ...testCaller('istio-system', 'ztunnel'),
  pod: { podName: 'ztunnel-a', podUid: 'uid-of-ztunnel-a', nodeName: 'node-1' },
};
const STRANGER: Caller = { ...ZTUNNEL, identity: testCaller('shop', 'web').identity };

describe("A node proxy asks for its node's workloads over the wire", () => {
  let pki: TestAuthority;
  let parts: TestParts;
  let edge: TlsEdge;
  let directory: FakeWorkloadDirectory;
  let nodePods: FakeNodePods;
  let caller: Caller;
  before(async () => {
    pki = await testAuthority();
  });
  beforeEach(async () => {
    caller = ZTUNNEL;
    directory = new FakeWorkloadDirectory();
    directory.addPod({
      namespace: 'istio-system',
      name: 'ztunnel-a',
      uid: 'uid-of-ztunnel-a',
      serviceAccount: 'ztunnel',
    });
    nodePods = new FakeNodePods();
    const clock = new SystemClock();
    parts = { ...testParts(pki.material) };
    parts.clock.jumpTo(Date.now());
    const impersonators = nameLimit(['istio-system/ztunnel']);
    parts.policies.swap(policySet(bundle({ rules: [rule({ bounds: wide({ impersonators }) })] })));
    const lookups = new NodePodLookups(nodePods, clock);
    const nodeProof = new NodeProof(
      {
        clusterOf: () => ({ directory, lookups }),
        isAlias: (wanted) => namesTrustDomain(parts.policies.current(), wanted),
        clock,
      },
      { trustedAccounts: new Set(['istio-system/ztunnel']), watchLagMs: 50 },
    );
    nodeProof.follow(directory, { signal: NEVER });
    const authenticator = {
      authenticate: async () =>
        trusting(caller).authenticate({ authorization: [], remoteAddress: '' }, { signal: NEVER }),
    };
    const authority = csrAuthority({ ...parts, authenticators: [authenticator], nodeProof }, TEST_LIFETIMES);
    edge = await openTlsEdge({ services: [csrService({ authority, clock, events: parts.events }, CSR_SETTINGS)] });
  });
  afterEach(async () => edge[Symbol.asyncDispose]());

  /** As ztunnel's client: one connection of TLS 1.3 alone, no client certificate, a lifetime of a day. */
  function ztunnel(): CsrWire {
    const context = createSecureContext({ ca: edge.pki.bundle.pem, minVersion: 'TLSv1.3' });
    return new CsrWire(`127.0.0.1:${edge.port}`, credentials.createFromSecureContext(context));
  }

  async function ask(identity: string, client: CsrWire): Promise<Outcome> {
    const { pem: csr } = await ztunnelCsr(identity);
    const headers = { authorization: 'Bearer token', clusterid: 'Kubernetes' };
    return client.call({ csr, validityDuration: 86_400n, headers, metadata: { ImpersonatedIdentity: identity } });
  }

  it('and has one certificate per element, all anchors in the last, for eight accounts at once', async () => {
    const accounts = Array.from({ length: 8 }, (_, one) => `web-${one}`);
    for (const serviceAccount of accounts) directory.addPod({ name: `${serviceAccount}-0`, serviceAccount });
    using client = ztunnel();
    const identities = accounts.map((account) => `spiffe://cluster.local/ns/shop/sa/${account}`);
    const outcomes = await Promise.all(identities.map(async (identity) => ask(identity, client)));
    for (const [index, { code, details, response }] of outcomes.entries()) {
      assert.equal(code, status.OK, details);
      const chain = response?.certChain ?? [];
      assert.deepEqual(
        chain.map((element) => element.split('BEGIN CERTIFICATE').length - 1),
        [1, 1, 1],
      );
      assert.equal(new X509Certificate(chain[0] ?? '').subjectAltName, `URI:${identities[index] ?? ''}`);
    }
  });

  it('and the record names the workload, its pods, and the proxy that asked for it', async () => {
    directory.addPod({ name: 'web-1' });
    using client = ztunnel();
    assert.equal((await ask(WEB, client)).code, status.OK);
    const record = parts.journal.records.at(-1);
    assert.ok(record?.outcome === 'issued');
    const { identity, podName, policy, provenAtMs } = record;
    assert.equal(provenAtMs, UNKNOWN_MS, 'the certificate renews nothing by itself: the pod may be gone by then');
    assert.deepEqual([identity, record.caller, podName], [WEB, ZTUNNEL.identity.spiffeId.uri, 'ztunnel-a']);
    assert.equal(policy?.actor, 'istio-system/ztunnel');
    assert.deepEqual(policy.podNames, [{ name: 'web-1', uid: 'uid-of-web-1' }]);
  });

  /** What is so, and who asks. */
  const cases: readonly (readonly [string, Reason, () => unknown, Caller?])[] = [
    ['an account that is not trusted', 'CAP-A15', () => undefined, STRANGER],
    ['a token of no pod', 'CAP-A16', () => undefined, testCaller('istio-system', 'ztunnel')],
    ['a proxy whose pod is gone', 'CAP-A16', () => directory.removePod('istio-system', 'ztunnel-a')],
    ['a workload of another node', 'CAP-A17', () => directory.addPod({ node: 'node-2' })],
    ['a pod that has failed', 'CAP-A17', () => directory.addPod({ phase: 'Failed' })],
    ['a pod that has succeeded', 'CAP-A17', () => directory.addPod({ phase: 'Succeeded' })],
  ];
  for (const [what, reason, arrange, asker = ZTUNNEL] of cases) {
    it(`and is refused for ${what}: the wire says no more than istiod does, the journal all (${reason})`, async () => {
      caller = asker;
      arrange();
      using client = ztunnel();
      const { code, details } = await ask(WEB, client);
      assert.equal(status[code], 'UNAUTHENTICATED');
      const record = parts.journal.records.at(-1);
      assert.ok(record?.outcome === 'refused');
      assert.equal(details, `CAP-A07 ${REASONS['CAP-A07'].text} id=${record.decisionId}`);
      assert.equal(record.reason, reason);
      assert.ok(record.message.startsWith(`${reason} ${REASONS[reason].text}: `), record.message);
      assert.deepEqual([record.identity, record.caller], [WEB, caller.identity.spiffeId.uri]);
    });
  }

  it('and is refused for another trust domain', async () => {
    directory.addPod();
    using client = ztunnel();
    const { code, details } = await ask('spiffe://corp.example/ns/shop/sa/web', client);
    assert.equal(status[code], 'UNAUTHENTICATED');
    assert.match(details, /^CAP-A07 impersonation is refused id=/);
  });

  it('and has one of another trust domain that a rule names for the namespace, as while a mesh changes its own', async () => {
    directory.addPod();
    const bounds = wide({
      impersonators: nameLimit(['istio-system/ztunnel']),
      trustDomains: nameLimit(['cluster.local', 'corp.example']),
    });
    parts.policies.swap(policySet(bundle({ rules: [rule({ bounds })] })));
    using client = ztunnel();
    const alias = 'spiffe://corp.example/ns/shop/sa/web';
    const { code, details, response } = await ask(alias, client);
    assert.equal(code, status.OK, details);
    assert.equal(new X509Certificate(response?.certChain[0] ?? '').subjectAltName, `URI:${alias}`);
  });

  for (const malformed of [
    'spiffe:///ns/shop/sa/web',
    `${WEB},spiffe://cluster.local/ns/bank/sa/vault`,
    `${WEB}/more`,
  ]) {
    it(`and is told that ${malformed} is malformed`, async () => {
      directory.addPod();
      using client = ztunnel();
      const call = { csr: (await ztunnelCsr(WEB)).pem, metadata: { ImpersonatedIdentity: malformed } };
      const { code, details } = await client.call(call);
      assert.equal(status[code], 'INVALID_ARGUMENT');
      assert.match(details, /^CAP-M01 the request metadata is malformed: metadata\.ImpersonatedIdentity /);
    });
  }

  it('and is refused by policy where it lists no node proxy, which the owner of the workload can read', async () => {
    directory.addPod();
    parts.policies.swap(policySet(bundle({ rules: [rule()] })));
    using client = ztunnel();
    const { code, details } = await ask(WEB, client);
    assert.equal(status[code], 'PERMISSION_DENIED');
    assert.match(details, /^CAP-P09 /);
  });

  it('and is told to come again, and when, beyond the rate of live questions', async () => {
    using client = ztunnel();
    const asked = Array.from({ length: 6 }, async (_, one) =>
      ask(`spiffe://cluster.local/ns/shop/sa/late-${one}`, client),
    );
    const late = (await Promise.all(asked)).filter(({ code }) => code === status.UNAVAILABLE);
    assert.equal(late.length, 1);
    assert.match(late[0]?.details ?? '', /^CAP-Q05 .*more than 5 a second of one ztunnel/);
    assert.deepEqual(late[0]?.metadata.get('grpc-retry-pushback-ms'), ['1000']);
    assert.equal(nodePods.asked.length, 5);
  });
});
