// Two real clusters that call their token issuer the same, with the same namespace, account and pod in both: one is added to
// a running Capstan and taken away again.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { AttestedServer, podNamed, podWithToken } from './support/attested-server.ts';
import { KubernetesCluster } from './support/cluster.ts';

const SOON = { withinMs: 15_000 };

describe('Callers of two Kubernetes clusters', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let east: KubernetesCluster;
  let west: KubernetesCluster;
  let files: ServerFiles;
  let capstan: AttestedServer;
  before(async function () {
    this.timeout(240_000);
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    east = ended.use(await KubernetesCluster.start());
    west = ended.use(await KubernetesCluster.start());
    files = ended.use(await AttestedServer.files(['shop']));
    mkdirSync(files.path('remote'));
    const settings = { 'cluster.id': 'east', 'cluster.remote.directory': files.path('remote') };
    capstan = ended.use(await AttestedServer.start(east, files, settings));
  });
  after(async () => ended.disposeAsync());

  /** With everything in itself, as a mounted Secret has it. */
  function writeKubeconfig(): void {
    const kubeconfig = JSON.parse(readFileSync(west.kubeconfig(), 'utf8')) as {
      clusters: { cluster: Record<string, unknown> }[];
    };
    const { cluster } = kubeconfig.clusters[0]!;
    delete cluster['certificate-authority'];
    cluster['certificate-authority-data'] = readFileSync(west.caFile).toString('base64');
    files.write('remote/west', JSON.stringify(kubeconfig));
  }

  it('are told apart by the cluster that they name and by key, and each goes with its own pod', async () => {
    const here = await podWithToken(east, 'shop', 'web');
    const there = await podWithToken(west, 'shop', 'web');
    await capstan.refused({ token: there.token, clusterId: 'west' }, /^CAP-A14 /);

    writeKubeconfig();
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
    await capstan.refused({ showing }, /^CAP-A11 /);
    await capstan.granted({ token: there.token, clusterId: 'west' });
    await capstan.granted({ showing: remote });
    assert.equal(capstan.newest().remoteCluster, 'west', 'a renewal is of the cluster of its proof, whatever it names');

    rmSync(files.path('remote/west'));
    await eventually(
      'the cluster that was taken away',
      async () => /^CAP-A14 /.test((await capstan.ask({ token: there.token, clusterId: 'west' })).details),
      SOON,
    );
    await capstan.refused({ showing: remote }, /^CAP-A14 .*the cluster west of the credential/);
  });
});
