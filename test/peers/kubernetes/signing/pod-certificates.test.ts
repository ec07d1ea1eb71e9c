// A pod without any mesh: the real kubelet asks for its certificate, Capstan signs, and the kubelet writes it into the pod's
// volume, with the key that only it has had.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { RunningServer } from '../../../app/support/running-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { ChartAccount } from '../support/chart-account.ts';
import type { ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster, NODE, type PodVolume } from '../support/cluster.ts';

const WEB = 'spiffe://cluster.local/ns/shop/sa/web';
/** The kubelet looks at a volume again after a pause that doubles. */
const SOON = { withinMs: 60_000 };

interface PodCertificateRequest extends ClusterObject {
  readonly spec: { readonly podName: string };
  readonly status?: {
    readonly notBefore?: string;
    readonly notAfter?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
  };
}

function volumes(more: object = {}): readonly PodVolume[] {
  const podCertificate = {
    signerName: 'capstan.dev/default',
    keyType: 'ECDSAP256',
    credentialBundlePath: 'credentials.pem',
    ...more,
  };
  const clusterTrustBundle = { signerName: 'capstan.dev/default', labelSelector: {}, path: 'roots.pem' };
  return [{ name: 'identity', projected: { sources: [{ podCertificate }, { clusterTrustBundle }] } }];
}

function trustBundle(pem: string): ClusterObject {
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'ClusterTrustBundle',
    metadata: { name: 'capstan.dev:default:roots' },
    spec: { signerName: 'capstan.dev/default', trustBundle: pem },
  };
}

describe('Capstan as signer of PodCertificateRequests', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let files: ServerFiles;
  let cluster: KubernetesCluster;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start({ kubelet: true }));
    files = ended.use(await ServerFiles.create());
    await cluster.apply([trustBundle(files.pki.root.certificatePem)]);
    files.setPolicy([{ namespaces: ['shop'] }, { namespaces: ['brief'], maxTtl: '30m' }]);
    const { settings } = await ChartAccount.make(cluster, { 'cluster.kubernetes.signers.podCertificates': true });
    ended.use(await RunningServer.start({ files, settings }));
  });
  after(async () => ended.disposeAsync());

  const requestOf = async (namespace: string, podName: string): Promise<PodCertificateRequest | undefined> => {
    const all = await cluster.api.list('certificates.k8s.io/v1', 'PodCertificateRequest', namespace);
    return (all as readonly PodCertificateRequest[]).find(({ spec }) => spec.podName === podName);
  };
  const written = async (pod: ClusterObject, name = 'credentials.pem'): Promise<string> =>
    eventually(
      `${name} in the volume`,
      () => readFileSync(path.join(cluster.projectedVolume(pod, 'identity'), name), 'utf8'),
      SOON,
    );

  it("has the kubelet write key and certificate into the pod's volume", async () => {
    const pod = await cluster.pod({ namespace: 'shop', name: 'web-1', serviceAccount: 'web', volumes: volumes() });
    const credentials = await written(pod);
    const key = createPrivateKey(credentials);
    const leaf = new X509Certificate(credentials.slice(credentials.indexOf('-----BEGIN CERTIFICATE')));
    assert.equal(leaf.subjectAltName, `URI:${WEB}`);
    assert.ok(leaf.checkPrivateKey(key));
    assert.ok(leaf.verify(files.pki.issuer.publicKey));
    assert.equal(await written(pod, 'roots.pem'), files.pki.root.certificatePem);
    assert.equal(credentials.match(/BEGIN CERTIFICATE/g)?.length, 1 + files.pki.issuer.chainPems.length);
    const [record] = files.decisions({ identity: WEB });
    assert.ok(record?.outcome === 'issued');
    const { api, authenticationMethod, podName, podUid, nodeName } = record;
    assert.deepEqual(
      { api, authenticationMethod, podName, podUid, nodeName },
      {
        api: 'pod-certificate',
        authenticationMethod: 'pod-certificate',
        podName: 'web-1',
        podUid: pod.metadata.uid,
        nodeName: NODE,
      },
    );
  });

  it('has a pod that takes no more than an hour be given exactly one', async () => {
    const hour = volumes({ maxExpirationSeconds: 3_600 });
    await written(await cluster.pod({ namespace: 'shop', name: 'web-2', serviceAccount: 'web', volumes: hour }));
    const { notBefore = '', notAfter = '' } = (await requestOf('shop', 'web-2'))?.status ?? {};
    assert.equal(Date.parse(notAfter) - Date.parse(notBefore), 3_600_000);
  });

  it('signs each type of key that it certifies, and denies the others by their well-known reason', async () => {
    for (const keyType of ['ECDSAP384', 'RSA3072']) {
      const name = `web-${keyType.toLowerCase()}`;
      await written(
        await cluster.pod({ namespace: 'shop', name, serviceAccount: 'web', volumes: volumes({ keyType }) }),
      );
    }
    await cluster.pod({
      namespace: 'shop',
      name: 'odd',
      serviceAccount: 'web',
      volumes: volumes({ keyType: 'ED25519' }),
    });
    const denied = await eventually('the denial', async () => conditionOf(await requestOf('shop', 'odd')), SOON);
    assert.deepEqual([denied.type, denied.reason], ['Denied', 'UnsupportedKeyType']);
  });

  it('is denied where policy allows less than the hour that the API server demands', async () => {
    await cluster.pod({ namespace: 'brief', name: 'web-1', serviceAccount: 'web', volumes: volumes() });
    const denied = await eventually('the denial', async () => conditionOf(await requestOf('brief', 'web-1')), SOON);
    assert.deepEqual([denied.type, denied.reason], ['Denied', 'PolicyDenied']);
    assert.match(denied.message, /^CAP-P05 .*at most 30m, and the least that is taken is 1h.* id=[0-9a-f]{20}$/);
  });

  it('is denied for a pod that is not what the request says, whoever may make requests', async () => {
    const pod = await cluster.pod({ namespace: 'shop', name: 'web-3', serviceAccount: 'web', volumes: volumes() });
    await written(pod);
    const made = await requestOf('shop', 'web-3');
    const forged = { ...made?.spec, podUID: '00000000-0000-4000-8000-000000000000' };
    const { apiVersion, kind } = made!;
    await cluster.api.ask('POST', '/apis/certificates.k8s.io/v1/namespaces/shop/podcertificaterequests', {
      apiVersion,
      kind,
      metadata: { name: 'forged' },
      spec: forged,
    });
    const reference = { apiVersion, kind, metadata: { name: 'forged', namespace: 'shop' } };
    const read = async () => conditionOf((await cluster.api.get(reference)) as PodCertificateRequest | undefined);
    const denied = await eventually('the denial', read, SOON);
    assert.match(denied.message, /^CAP-A11 /);
  });
});

function conditionOf(request: PodCertificateRequest | undefined) {
  return request?.status?.conditions?.[0];
}
