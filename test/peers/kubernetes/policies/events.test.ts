// Refusals as Events of a real API server, by the role of the chart and no other, where the owners of a workload look.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { status } from '@grpc/grpc-js';
import { eventually, unstalledMs } from '../../../support/eventually.ts';
import { findPrograms } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { AttestedServer, podWithToken } from '../support/attested-server.ts';
import type { ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { kubectl } from '../support/kubectl.ts';

const WITHIN = { withinMs: 45_000, everyMs: 100 };

describe('Refusals as Events of a Kubernetes cluster', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let capstan: AttestedServer;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs() && findPrograms('kubectl'), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    const files = ended.use(await AttestedServer.files(['elsewhere']));
    capstan = ended.use(
      await AttestedServer.start(cluster, files, {
        'cluster.kubernetes.events': true,
      }),
    );
  });
  after(async () => ended.disposeAsync());

  async function refuse(token: string): Promise<string> {
    const { code, details } = await capstan.ask({ token });
    assert.equal(code, status.PERMISSION_DENIED, details);
    return details;
  }

  async function eventsOf(namespace: string, kind: string): Promise<readonly ClusterObject[]> {
    const all = await cluster.api.list('v1', 'Event', namespace);
    return all.filter((event) => (event['involvedObject'] as { kind: string }).kind === kind);
  }

  it('are of the service account and of the pod, as kubectl describes both', async () => {
    const { token, uid } = await podWithToken(cluster, 'shop', 'web');
    const said = await refuse(token);
    const pod = await eventually('an Event of the pod', async () => (await eventsOf('shop', 'Pod'))[0], WITHIN);
    assert.equal((pod['involvedObject'] as { uid: string }).uid, uid);
    await eventually('an Event of its account', async () => (await eventsOf('shop', 'ServiceAccount'))[0], WITHIN);
    const [line = ''] = said.split(' id=');
    for (const kind of ['serviceaccount', 'pod']) {
      const { stdout } = spawnSync(...kubectl(cluster, 'describe', kind, 'web', '-n', 'shop'), { encoding: 'utf8' });
      const described = stdout.replaceAll(/\s+/g, ' ');
      assert.ok(described.includes(line), `${kind}: ${stdout}`);
      assert.match(described, /Warning CAP-P01 .* capstan CAP-P01 .*ask #pki; capstan policy explain [0-9a-f]{20}/);
    }
  });

  it('are one for many of a kind', async () => {
    const { token } = await podWithToken(cluster, 'data', 'etl');
    for (let index = 0; index < 40; index += 1) await refuse(token);
    for (const kind of ['ServiceAccount', 'Pod']) {
      await eventually(`an Event of the ${kind}`, async () => (await eventsOf('data', kind))[0], WITHIN);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal((await eventsOf('data', 'ServiceAccount')).length, 1);
    assert.equal((await eventsOf('data', 'Pod')).length, 1);
  });

  it('are dropped and counted while the API server is away, and nobody waits for them', async () => {
    const { token } = await podWithToken(cluster, 'late', 'web');
    await cluster.stopApiServer();
    // A call to an API server that is away takes ten seconds.
    assert.ok((await unstalledMs(async () => refuse(token))) < 5_000);
    const dropped = async (): Promise<boolean> => {
      const page = await (await capstan.server.get('/metrics')).text();
      return /capstan_kubernetes_events_dropped_total\{why="refused"\} [1-9]/.test(page);
    };
    await eventually('a dropped Event', dropped, WITHIN);
    await cluster.startApiServer();
  });
});
