// Two real clusters that call their token issuer the same, with the same namespace, account and pod in both: one is added to
// a running Capstan, whose policies ask each for its own callers, and taken away again.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { eventually } from '../../support/eventually.ts';
import type { TestRule } from '../../support/policy/signed-bundle.ts';
import { peerOrSkip } from '../support/presence.ts';
import { AttestedServer, podNamed, podWithToken, type Asking } from './support/attested-server.ts';
import { ChartAccount } from './support/chart-account.ts';
import { KubernetesCluster } from './support/cluster.ts';

const SOON = { withinMs: 45_000 };
const LATER = { withinMs: 60_000, everyMs: 500 };
/** As docs/kubernetes.md asks for the account of a remote cluster, but for what a condition asks for. */
const NO_INGRESSES = { values: { conditions: { resources: { 'networking.k8s.io': null } } } };
const LACKS_ROLE = /needs get, list and watch on ingresses\.networking\.k8s\.io in the cluster west; the role lacks it/;

describe('Callers of two Kubernetes clusters', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let east: KubernetesCluster;
  let west: KubernetesCluster;
  let files: ServerFiles;
  /** In the west. */
  let account: ChartAccount;
  let capstan: AttestedServer;
  before(async function () {
    this.timeout(240_000);
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    east = ended.use(await KubernetesCluster.start());
    west = ended.use(await KubernetesCluster.start());
    account = await ChartAccount.make(west, {}, NO_INGRESSES);
    files = ended.use(await AttestedServer.files([]));
    files.setPolicy([{ namespaces: ['shop'] }, GATED]);
    mkdirSync(files.path('remote'));
    const settings = {
      'policy.directory': undefined,
      'cluster.id': 'east',
      'cluster.remote.directory': files.path('remote'),
    };
    capstan = ended.use(await AttestedServer.start(east, files, settings));
  });
  after(async () => ended.disposeAsync());

  it('are told apart by the cluster that they name and by key, and each goes with its own pod', async () => {
    const here = await podWithToken(east, 'shop', 'web');
    const there = await podWithToken(west, 'shop', 'web');
    await capstan.refused({ token: there.token, clusterId: 'west' }, /^CAP-A14 /);

    files.write('remote/west', account.inlined);
    await eventually(
      'the cluster that was added',
      async () => (await capstan.ask({ token: there.token, clusterId: 'west' })).code === status.OK,
      SOON,
    );
    const { remoteCluster, podUid, caller } = capstan.newest();
    assert.deepEqual(
      { remoteCluster, podUid, caller },
      { remoteCluster: 'west', podUid: there.uid, caller: 'spiffe://cluster.local/ns/shop/sa/web' },
    );
    const showing = await capstan.granted({ token: here.token, clusterId: 'east' });
    assert.equal(capstan.newest().remoteCluster, undefined);
    for (const [token, clusterId] of [
      [here.token, 'west'],
      [there.token, 'east'],
      [there.token, undefined],
    ] as const) {
      await capstan.refused({ token, ...(clusterId !== undefined && { clusterId }) }, /^CAP-A05 /);
    }
    await capstan.refused({ token: here.token, clusterId: 'north' }, /^CAP-A14 .*clusterid "north"/);

    const remote = await capstan.granted({ token: there.token, clusterId: 'west' });
    await east.api.delete(podNamed('shop', 'web'));
    await capstan.refusedSoon({ showing }, /^CAP-A11 /);
    await capstan.granted({ token: there.token, clusterId: 'west' });
    await capstan.granted({ showing: remote });
    assert.equal(capstan.newest().remoteCluster, 'west', 'a renewal is of the cluster of its proof, whatever it names');
  });

  it('are judged by pods, namespaces and objects of their own cluster, each, as far as the role there reaches', async () => {
    const here = await podWithToken(east, 'gated', 'web', { labels: { tier: 'back' } });
    const there = await podWithToken(west, 'gated', 'web', { labels: { tier: 'front' } });
    const fromWest = { token: there.token, clusterId: 'west' };
    await capstan.refused({ token: here.token }, /^CAP-P01 /, status.PERMISSION_DENIED);
    await east.apply([MESHED, INGRESS]);
    await capstan.refused({ token: here.token }, /^CAP-P01 /, status.PERMISSION_DENIED);
    await eventually(
      'the role in west is found too small',
      async () => LACKS_ROLE.test(await (await capstan.server.get('/policy')).text()),
      SOON,
    );
    await eventually(
      'the labels of west are seen',
      async () => (await capstan.ask(fromWest)).code === status.PERMISSION_DENIED,
      SOON,
    );
    await west.apply([MESHED]);
    await eventually('only the role stands in the way', async () => LACKS_ROLE.test(await said(fromWest)), SOON);
    await capstan.refused(fromWest, /^CAP-S10 /, status.UNAVAILABLE);
    await ChartAccount.make(west);
    // What is not permitted is looked for again every ten seconds.
    await eventually('the objects of west are seen', async () => /^CAP-P12 /.test(await said(fromWest)), LATER);
    const [ingress] = await west.apply([INGRESS]);
    await eventually('its Ingress is there', async () => (await capstan.ask(fromWest)).code === status.OK, SOON);
    const { policy, remoteCluster } = capstan.newest();
    assert.equal(remoteCluster, 'west');
    assert.deepEqual(
      policy?.pods?.map(({ uid, labels }) => [uid, labels]),
      [[there.uid, { tier: 'front' }]],
    );
    assert.equal(policy.objects?.find(({ kind }) => kind === 'Ingress')?.uid, ingress?.metadata.uid);
    await west.api.delete(INGRESS);
    await eventually('its Ingress is gone', async () => /^CAP-P12 /.test(await said(fromWest)), SOON);
  });

  it('are nobody any more when their cluster is taken away, and the others stay', async () => {
    const there = await podWithToken(west, 'shop', 'late');
    const remote = await capstan.granted({ token: there.token, clusterId: 'west' });
    rmSync(files.path('remote/west'));
    await eventually(
      'the cluster that was taken away',
      async () => /^CAP-A14 /.test((await capstan.ask({ token: there.token, clusterId: 'west' })).details),
      SOON,
    );
    await capstan.refused({ showing: remote }, /^CAP-A14 .*the cluster west of the credential/);
    const here = await podWithToken(east, 'shop', 'late');
    await capstan.granted({ token: here.token });
  });

  const said = async (asking: Asking): Promise<string> => (await capstan.ask(asking)).details;
});

/** What asks for a label of the pod, one of the namespace and an object beside them. */
const GATED: TestRule = {
  namespaces: [],
  more: {
    match: { namespaces: { names: ['gated'], labels: { mesh: 'on' } }, pods: { labels: { tier: 'front' } } },
    conditions: [{ id: 'has-ingress', exists: { kind: 'Ingress' }, message: 'publish an Ingress', waitFor: '0s' }],
  },
};
const MESHED = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gated', labels: { mesh: 'on' } } };
const INGRESS = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: 'front', namespace: 'gated' },
  spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
};
