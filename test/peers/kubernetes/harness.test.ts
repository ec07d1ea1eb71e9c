// The cluster that the tests of this folder run in: what it must be for their assertions to mean anything. That it is away when
// it is stopped or paused, attestation-outage.test.ts would not pass without.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { ApiRefusal, type ClusterObject } from './support/cluster-api.ts';
import { type ClusterSettings, KubernetesCluster, NODE } from './support/cluster.ts';

const SETTINGS: ClusterSettings = {
  controllerManager: true,
  kubelet: true,
  tokenAlgorithm: 'ES256',
};

interface Review {
  readonly status: {
    readonly authenticated?: boolean;
    readonly error?: string;
    readonly user: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  };
}

async function review(cluster: KubernetesCluster, token: string, audiences = ['istio-ca']): Promise<Review['status']> {
  const { status } = await cluster.api.ask<Review>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token, audiences },
  });
  return status;
}

/** Lets the service account `default/reader` read pods. */
function podReaders(): readonly ClusterObject[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name: 'pod-readers' };
  const subjects = [{ kind: 'ServiceAccount', namespace: 'default', name: 'reader' }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'pod-readers' };
  return [
    { apiVersion, kind: 'ClusterRole', metadata, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }] },
    { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
  ];
}

describe('A Kubernetes cluster of the tests', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(SETTINGS), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start(SETTINGS));
  });
  after(async () => ended.disposeAsync());

  it('reviews a token that is bound to a pod with the uid of the pod and its node', async () => {
    const pod = await cluster.pod({ namespace: 'shop', name: 'web-1', serviceAccount: 'web' });
    const token = await cluster.token({ namespace: 'shop', serviceAccount: 'web', pod: 'web-1' });
    assert.equal(decodeProtectedHeader(token).alg, 'ES256');
    assert.equal(decodeJwt(token).iss, 'https://kubernetes.default.svc.cluster.local');

    const { authenticated, user } = await review(cluster, token);
    assert.equal(authenticated, true);
    assert.equal(user.username, 'system:serviceaccount:shop:web');
    assert.deepEqual(user.extra?.['authentication.kubernetes.io/pod-uid'], [pod.metadata.uid]);
    assert.deepEqual(user.extra['authentication.kubernetes.io/node-name'], [NODE]);

    assert.notEqual((await review(cluster, token, ['elsewhere'])).authenticated, true);
  });

  it('allows service accounts what roles say, and nothing else', async () => {
    const reader = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader', namespace: 'default' } };
    await cluster.apply([reader]);
    using api = await cluster.apiOf('default', 'reader');
    await assert.rejects(api.list('v1', 'Pod'), (error) => error instanceof ApiRefusal && error.status === 403);
    await cluster.apply(podReaders());
    await eventually('the role holds', () => api.list('v1', 'Pod'), { withinMs: 45_000 });
  });

  it('writes the projected token of a pod into its volume, as the kubelet does', async () => {
    const token = { serviceAccountToken: { audience: 'istio-ca', path: 'istio-token', expirationSeconds: 3600 } };
    const volumes = [{ name: 'istio-token', projected: { sources: [token] } }];
    const pod = await cluster.pod({ namespace: 'shop', name: 'web-2', serviceAccount: 'web', volumes });
    const file = path.join(cluster.projectedVolume(pod, 'istio-token'), 'istio-token');
    const written = await eventually('the token', () => readFileSync(file, 'utf8'), { withinMs: 60_000 });
    const { user } = await review(cluster, written);
    assert.deepEqual(user.extra?.['authentication.kubernetes.io/pod-uid'], [pod.metadata.uid]);
  });

  it('deletes what is in a deleted namespace', async () => {
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'any', namespace: 'doomed' } };
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'doomed' } };
    await cluster.apply([namespace, config]);
    await cluster.api.delete(namespace);
    await eventually('the namespace is gone', async () => (await cluster.api.get(namespace)) === undefined, {
      withinMs: 60_000,
    });
    assert.equal(await cluster.api.get(config), undefined);
  });

  it('says why it refuses', async () => {
    const wrong = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'Not_A_Name' } };
    await assert.rejects(cluster.apply([wrong]), (error) => error instanceof ApiRefusal && error.status === 422);
  });
});
