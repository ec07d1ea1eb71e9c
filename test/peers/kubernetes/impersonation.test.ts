// What a ztunnel is given for the workloads of its node, and what not, by a real API server: as its client asks, over TLS 1.3
// alone, eight calls at once.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { CsrWire, Outcome } from '../../adapters/grpc/wire.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { ztunnelCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { accountNamed, AttestedServer, podNamed, podWithToken } from './support/attested-server.ts';
import { KubernetesCluster } from './support/cluster.ts';

const SOON = { withinMs: 30_000 };
const DIGEST = `sha256:${'ab'.repeat(32)}`;

describe('A ztunnel of a Kubernetes cluster', function () {
  this.timeout(60_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let capstan: AttestedServer;
  let token: string;
  before(async function () {
    this.timeout(180_000);
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    const files = ended.use(await ServerFiles.create());
    const bounds = { impersonators: ['istio-system/ztunnel'] };
    const short = { id: 'short', match: { namespaces: { names: ['bank'] }, pods: { labels: { tier: 'front' } } } };
    const pinned = { match: { namespaces: { names: ['vault'] }, pods: { images: [DIGEST] } } };
    files.setPolicy([
      { namespaces: ['shop', 'bank', 'istio-system'], bounds },
      { bounds: { ...bounds, ttl: { max: '10m' } }, more: short },
      { bounds, more: { id: 'pinned', ...pinned } },
      { namespaces: ['alone'] },
    ]);
    capstan = ended.use(await AttestedServer.start(cluster, files));
    ({ token } = await podWithToken(cluster, 'istio-system', 'ztunnel-a', { serviceAccount: 'ztunnel' }));
  });
  after(async () => ended.disposeAsync());

  async function ask(identity: string, shown = token, client?: CsrWire): Promise<Outcome> {
    const { pem: csr } = await ztunnelCsr(identity);
    const headers = { authorization: `Bearer ${shown}`, clusterid: 'Kubernetes' };
    const call = { csr, validityDuration: 86_400n, headers, metadata: { ImpersonatedIdentity: identity } };
    if (client !== undefined) return client.call(call);
    using own = capstan.server.client({ minVersion: 'TLSv1.3' });
    return await own.call(call);
  }

  const identity = (namespace: string, account: string, trustDomain = 'cluster.local'): string =>
    `spiffe://${trustDomain}/ns/${namespace}/sa/${account}`;

  /** On the wire nothing but that it is refused, in the journal why. */
  async function refused(wanted: string, reason: string, says: RegExp, shown = token): Promise<void> {
    // What was done at the API server a moment ago is known a moment later.
    const { code, details } = await eventually(
      'a refusal',
      async () => {
        const outcome = await ask(wanted, shown);
        return outcome.code !== status.OK && outcome;
      },
      SOON,
    );
    assert.equal(code, status.UNAUTHENTICATED, details);
    const [, id = ''] = /^CAP-A07 impersonation is refused id=(\w+)$/.exec(details) ?? assert.fail(details);
    const [record] = capstan.files.decisions({ decisionId: id });
    assert.ok(record?.outcome === 'refused');
    assert.deepEqual([record.reason, record.identity], [reason, wanted]);
    assert.match(record.message, says);
  }

  it('has certificates for eight workloads at once, which the record ties to the pods of its node', async () => {
    const accounts = Array.from({ length: 8 }, (_, one) => `web-${one}`);
    for (const serviceAccount of accounts) {
      await cluster.pod({ namespace: 'shop', name: `${serviceAccount}-0`, serviceAccount });
    }
    using client = capstan.server.client({ minVersion: 'TLSv1.3' });
    const outcomes = await Promise.all(accounts.map(async (one) => ask(identity('shop', one), token, client)));
    for (const [index, { code, details, response }] of outcomes.entries()) {
      assert.equal(code, status.OK, details);
      const chain = response?.certChain ?? [];
      assert.deepEqual(
        chain.map((element) => element.split('BEGIN CERTIFICATE').length - 1),
        [1, 1, 1],
      );
      const wanted = identity('shop', `web-${index}`);
      assert.equal(new X509Certificate(chain[0] ?? '').subjectAltName, `URI:${wanted}`);
      const [record] = capstan.files.decisions({ identity: wanted });
      assert.equal(record?.caller, identity('istio-system', 'ztunnel'));
      assert.equal(record.policy?.actor, 'istio-system/ztunnel');
      const pod = await cluster.api.get(podNamed('shop', `web-${index}-0`));
      assert.deepEqual(record.policy.podNames, [{ name: `web-${index}-0`, uid: pod?.metadata.uid }]);
    }
  });

  it('has what it was given for a pod on record as ended when that pod goes, and not as its own', async () => {
    const { metadata } = await cluster.pod({ namespace: 'shop', name: 'ambient-0', serviceAccount: 'ambient' });
    const wanted = identity('shop', 'ambient');
    assert.equal((await ask(wanted)).code, status.OK);
    await cluster.api.delete(podNamed('shop', 'ambient-0'));
    const of = async () => (await capstan.files.closings()).find((one) => one.identity === wanted);
    const closing = await eventually('its end on record', of, { withinMs: 30_000 });
    const { podName, podUid, reason, liveCertificates, serviceAccountUid } = closing;
    assert.deepEqual(
      { podName, podUid, reason, liveCertificates, serviceAccountUid },
      {
        podName: 'ambient-0',
        podUid: metadata.uid,
        reason: 'pod_deleted',
        liveCertificates: 1,
        serviceAccountUid: undefined,
      },
    );
  });

  it('proves its node anew for each certificate: one that it was given renews nothing', async () => {
    await cluster.pod({ namespace: 'shop', name: 'once-0', serviceAccount: 'once' });
    const wanted = identity('shop', 'once');
    const { pem: csr, privateKeyPem: keyPem } = await ztunnelCsr(wanted);
    const headers = { authorization: `Bearer ${token}` };
    using client = capstan.server.client();
    const { response } = await client.call({ csr, headers, metadata: { ImpersonatedIdentity: wanted } });
    const chainPem = response?.certChain.slice(0, -1).join('') ?? '';
    await capstan.refused({ showing: { chainPem, keyPem } }, /^CAP-A08 /);
  });

  it('has one for a pod that came in the same moment', async () => {
    const created = cluster.pod({ namespace: 'shop', name: 'sudden-0', serviceAccount: 'sudden' });
    const { code, details } = await ask(identity('shop', 'sudden'));
    await created;
    assert.equal(code, status.OK, details);
  });

  it('has one while the pod is being deleted, until it is gone', async () => {
    await cluster.pod({ namespace: 'shop', name: 'leaving-0', serviceAccount: 'leaving' });
    const pod = podNamed('shop', 'leaving-0');
    await cluster.api.ask('DELETE', await cluster.api.pathOf(pod), { gracePeriodSeconds: 600 });
    assert.equal((await ask(identity('shop', 'leaving'))).code, status.OK);
    await cluster.api.delete(pod);
    await refused(identity('shop', 'leaving'), 'CAP-A17', /no pod of shop\/leaving runs on node node-1/);
  });

  it('is refused for the pod of another node', async () => {
    await cluster.pod({ namespace: 'shop', name: 'far-0', serviceAccount: 'far', node: 'node-2' });
    await refused(identity('shop', 'far'), 'CAP-A17', /runs on node node-1/);
  });

  for (const phase of ['Failed', 'Succeeded']) {
    it(`is refused for a pod that has ${phase.toLowerCase()}`, async () => {
      const name = `over-${phase.toLowerCase()}`;
      await cluster.pod({ namespace: 'shop', name, serviceAccount: name });
      await cluster.api.patch(podNamed('shop', name), { status: { phase } }, 'status');
      await refused(identity('shop', name), 'CAP-A17', /no pod of shop\/over/);
    });
  }

  it('is refused for pods that outlive their service account', async () => {
    await cluster.pod({ namespace: 'shop', name: 'orphan-0', serviceAccount: 'orphan' });
    const wanted = identity('shop', 'orphan');
    assert.equal((await ask(wanted)).code, status.OK);
    await cluster.api.delete(accountNamed('shop', 'orphan'));
    await eventually('the account is gone', async () => (await ask(wanted)).code !== status.OK, SOON);
    await refused(wanted, 'CAP-A17', /there is no service account shop\/orphan/);
  });

  it('is refused for another trust domain, and for what is no identity', async () => {
    await cluster.pod({ namespace: 'shop', name: 'here-0', serviceAccount: 'here' });
    await refused(identity('shop', 'here', 'corp.example'), 'CAP-A07', /of another trust domain/);
    const { code, details } = await ask(identity('shop', 'here', ''));
    assert.equal(code, status.INVALID_ARGUMENT, details);
  });

  it('is refused by a rule that lists no node proxy, and told so', async () => {
    await cluster.pod({ namespace: 'alone', name: 'own-0', serviceAccount: 'own' });
    const { code, details } = await ask(identity('alone', 'own'));
    assert.equal(code, status.PERMISSION_DENIED);
    assert.match(details, /^CAP-P09 /);
  });

  it('is none that runs as another account, with a token of no pod, or whose pod is gone', async () => {
    await cluster.pod({ namespace: 'shop', name: 'prey-0', serviceAccount: 'prey' });
    const prey = identity('shop', 'prey');
    const other = await podWithToken(cluster, 'shop', 'ztunnel-b', { serviceAccount: 'ztunnel' });
    await refused(prey, 'CAP-A15', /shop\/ztunnel is none of/, other.token);
    const gone = await podWithToken(cluster, 'istio-system', 'ztunnel-gone', { serviceAccount: 'ztunnel' });
    assert.equal((await ask(prey, gone.token)).code, status.OK);
    await cluster.api.delete(podNamed('istio-system', 'ztunnel-gone'));
    const { code, details } = await eventually(
      'the pod of the proxy is gone',
      async () => {
        const outcome = await ask(prey, gone.token);
        return outcome.code === status.OK ? undefined : outcome;
      },
      SOON,
    );
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, /^CAP-A11 /, 'its own token proves nobody any more');
  });

  it('is given what all pods that share the certificate may have: by labels, and by images', async () => {
    await cluster.pod({ namespace: 'bank', name: 'till-0', serviceAccount: 'till', labels: { tier: 'front' } });
    await cluster.pod({ namespace: 'bank', name: 'till-1', serviceAccount: 'till', labels: { tier: 'back' } });
    const containers = (image: string) => ({ containers: [{ name: 'main', image }] });
    const spec = containers(`registry.test/main@${DIGEST}`);
    await cluster.pod({ namespace: 'vault', name: 'safe-0', serviceAccount: 'safe', spec });
    const { response, details } = await ask(identity('bank', 'till'));
    const leaf = new X509Certificate(response?.certChain[0] ?? assert.fail(details));
    assert.ok(leaf.validToDate.getTime() - Date.now() < 11 * 60_000, 'the label of one pod takes from both');
    assert.equal((await ask(identity('vault', 'safe'))).code, status.OK);
    await cluster.pod({
      namespace: 'vault',
      name: 'safe-1',
      serviceAccount: 'safe',
      spec: containers('registry.test/main:1'),
    });
    const unpinned = await eventually(
      'the second pod is seen',
      async () => {
        const outcome = await ask(identity('vault', 'safe'));
        return outcome.code === status.OK ? undefined : outcome;
      },
      SOON,
    );
    assert.match(unpinned.details, /^CAP-P01 .*pod safe-1 with images unknown/);
  });
});
