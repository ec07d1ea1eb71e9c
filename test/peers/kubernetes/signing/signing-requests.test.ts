// A CertificateSigningRequest as istiod makes and approves it, at a real API server, signed by a Capstan that may do there
// what a signer needs and nothing else.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { RunningServer } from '../../../app/support/running-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { ChartAccount } from '../support/chart-account.ts';
import type { ClusterApi, ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import {
  createRequest as created,
  ISTIOD,
  REQUESTS,
  requesterRoles,
  requestSigning as request,
  WEB,
  type Csr,
} from '../support/relayed-requests.ts';

const SOON = { withinMs: 45_000 };

/** Lets nobody write the status of a request of ours. */
function statusesRefused(): readonly ClusterObject[] {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const metadata = { name: 'refused' };
  const rule = {
    apiGroups: ['certificates.k8s.io'],
    apiVersions: ['v1'],
    operations: ['UPDATE'],
    resources: ['certificatesigningrequests/status'],
  };
  const validations = [{ expression: 'false', message: 'no status is to be written', reason: 'Forbidden' }];
  const spec = { failurePolicy: 'Fail', matchConstraints: { resourceRules: [rule] }, validations };
  return [
    { apiVersion, kind: 'ValidatingAdmissionPolicy', metadata, spec },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: 'refused', validationActions: ['Deny'] },
    },
  ];
}

/** @returns whether the admission policy is in force, which takes the API server a moment. */
async function isRefused(api: ClusterApi, probe: Csr): Promise<true | undefined> {
  const target = `${REQUESTS}/${probe.metadata.name}/status?dryRun=All`;
  const refused = await api.ask('PUT', target, probe).then(
    () => false,
    (error: unknown) => String(error).includes('no status is to be written'),
  );
  return refused || undefined;
}

describe('Capstan as signer of CertificateSigningRequests', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let server: RunningServer;
  let files: ServerFiles;
  let cluster: KubernetesCluster;
  let account: ChartAccount;
  let istiod: ClusterApi;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    for (const { namespace, name } of [ISTIOD, { namespace: 'shop', name: 'mallory' }]) {
      await cluster.apply([
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
      ]);
    }
    await cluster.apply(requesterRoles());
    istiod = ended.use(await cluster.apiOf(ISTIOD.namespace, ISTIOD.name));
    files = ended.use(await ServerFiles.create());
    account = await ChartAccount.make(cluster, {
      'cluster.kubernetes.signers.certificateSigningRequests.requesters': ['system:serviceaccount:istio-system:istiod'],
    });
    server = ended.use(await started(files));
  });
  after(async () => ended.disposeAsync());

  const started = async (of: ServerFiles): Promise<RunningServer> => {
    of.setPolicy([{ namespaces: ['shop'], bounds: { impersonators: ['istio-system/istiod'] } }]);
    return RunningServer.start({ files: of, settings: account.settings });
  };
  const signed = async (api: ClusterApi, identity = WEB): Promise<void> => {
    const read = await request(api, {}, identity);
    await eventually('the certificate', async () => (await read()).status.certificate, { withinMs: 60_000 });
  };

  it('signs what istiod relays, with the lifetime that it asks for', async () => {
    const read = await request(istiod, { expirationSeconds: 1_800 });
    const certificate = await eventually('the certificate', async () => (await read()).status.certificate, SOON);
    const chain = Buffer.from(certificate, 'base64').toString();
    const leaf = new X509Certificate(chain);
    assert.equal(leaf.subjectAltName, `URI:${WEB}`);
    assert.ok(leaf.verify(files.pki.issuer.publicKey));
    const leftMs = leaf.validToDate.getTime() - Date.now();
    assert.ok(1_600_000 < leftMs && leftMs <= 1_800_000, String(leftMs));
    assert.equal(chain.match(/BEGIN CERTIFICATE/g)?.length, 1 + files.pki.issuer.chainPems.length);
    assert.deepEqual((await read()).metadata.labels, { of: 'istiod' });
    const [record] = files.decisions({ identity: WEB });
    assert.ok(record?.outcome === 'issued');
    assert.deepEqual(
      [record.api, record.authenticationMethod, record.policy?.actor],
      ['kubernetes-csr', 'kubernetes-csr', 'istio-system/istiod'],
    );
  });

  it('fails what policy refuses, in the words of the record', async () => {
    const read = await request(istiod, {}, 'spiffe://cluster.local/ns/elsewhere/sa/web');
    const failed = await eventually('the refusal', async () => failureOf(await read()), SOON);
    assert.equal(failed.reason, 'PolicyDenied');
    assert.match(failed.message, /^CAP-P01 no policy rule allows this identity.* id=[0-9a-f]{20}$/);
  });

  it('serves nobody who may make and approve requests without being listed', async () => {
    using mallory = await cluster.apiOf('shop', 'mallory');
    const read = await request(mallory, {});
    const failed = await eventually('the refusal', async () => failureOf(await read()), SOON);
    assert.equal(failed.reason, 'ImpersonationForbidden');
    assert.match(failed.message, /^CAP-M05 .*system:serviceaccount:shop:mallory is not among/);
  });

  it('writes the very certificate that an admission policy kept from being written, when it lets go', async () => {
    const identity = 'spiffe://cluster.local/ns/shop/sa/refused';
    const issued = (): number => files.decisions({ identity, outcome: 'issued' }).length;
    await cluster.apply(statusesRefused());
    const probe = await created(cluster.api, { signerName: 'example.com/other' });
    await eventually('the policy in force', async () => isRefused(cluster.api, probe), SOON);
    const read = await request(istiod, {}, identity);
    const trouble = async (): Promise<string> => (await server.get('/readyz')).text();
    const said = async (): Promise<boolean> => (await trouble()).includes('no status is to be written');
    await eventually('health', async () => (await said()) || undefined, SOON);
    assert.equal(issued(), 1);
    for (const object of statusesRefused()) await cluster.api.delete(object);
    const certificate = await eventually('the certificate', async () => (await read()).status.certificate, {
      withinMs: 60_000,
    });
    const leaf = new X509Certificate(Buffer.from(certificate, 'base64'));
    const [record] = files.decisions({ identity, outcome: 'issued' });
    assert.ok(record?.outcome === 'issued');
    assert.deepEqual([issued(), leaf.serialNumber.toLowerCase()], [1, record.serial.toLowerCase()]);
    await eventually('health', async () => !(await said()) || undefined, SOON);
  });

  it('goes on after the API server was restarted', async () => {
    await cluster.restartApiServer();
    const read = await eventually('a request', async () => request(istiod, {}), SOON);
    await eventually('the certificate', async () => (await read()).status.certificate, { withinMs: 60_000 });
  });

  it('signs each request once, by whoever of two leads, and by the other when that one has ended', async () => {
    using others = await ServerFiles.create(files.pki);
    await using other = await started(others);
    const shared = 'spiffe://cluster.local/ns/shop/sa/shared';
    const issuedBy = (one: ServerFiles): number => one.decisions({ identity: shared, outcome: 'issued' }).length;
    await Promise.all([1, 2, 3, 4, 5].map(async () => signed(istiod, shared)));
    assert.deepEqual([issuedBy(files), issuedBy(others)], [5, 0]);
    await server.stop();
    await signed(istiod, shared);
    assert.deepEqual([issuedBy(files), issuedBy(others)], [5, 1]);
    assert.ok((await other.get('/readyz')).ok);
  });
});

function failureOf({ status: { conditions = [] } }: Csr) {
  return conditions.find(({ type }) => type === 'Failed');
}
