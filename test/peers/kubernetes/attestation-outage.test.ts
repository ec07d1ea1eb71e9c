// An API server that is away: what was last known of the cluster is gone by for a while, and said to be old; then nobody is
// judged, until it is back.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { eventually, unstalledMs } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { AttestedServer, podNamed, podWithToken } from './support/attested-server.ts';
import { ChartAccount } from './support/chart-account.ts';
import { KubernetesCluster } from './support/cluster.ts';

/** The shortest that may be configured. */
const STALE_AFTER_MS = 60_000;

const INGRESS = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: 'front', namespace: 'gated' },
  spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
};

/** In `shop` nothing is demanded, in `gated` an Ingress. */
async function outageFiles(): Promise<ServerFiles> {
  const files = await AttestedServer.files(['shop']);
  const condition = { id: 'has-ingress', exists: { kind: 'Ingress' }, message: 'publish an Ingress first' };
  files.setPolicy([{ namespaces: ['shop'] }, { namespaces: ['gated'], more: { conditions: [condition] } }]);
  return files;
}

async function staleSeconds({ server }: AttestedServer): Promise<number> {
  const page = await (await server.get('/metrics')).text();
  return Number(/^capstan_cluster_stale_seconds\{cluster="default"\} ([\d.]+)/m.exec(page)?.[1]);
}

describe('While the API server is away', function () {
  this.timeout(300_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  let account: ChartAccount;
  let capstan: AttestedServer;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    files = ended.use(await outageFiles());
    account = await ChartAccount.make(cluster, { 'cluster.kubernetes.staleAfter': '1m' });
    capstan = ended.use(await start(files));
  });
  after(async () => ended.disposeAsync());

  const start = async (own: ServerFiles): Promise<AttestedServer> =>
    AttestedServer.startAs(account, own, { 'cluster.kubernetes.tokens.keysFile': own.path('token-keys.json') });

  it('and takes calls without answering them, one caller waits two seconds to find that out, and the others do not', async () => {
    const known = await podWithToken(cluster, 'shop', 'awaited');
    await capstan.granted({ token: known.token });
    const unseen = [await podWithToken(cluster, 'shop', 'first'), await podWithToken(cluster, 'shop', 'second')];
    const timed = async (token: string): Promise<number> => unstalledMs(async () => capstan.granted({ token }));
    await cluster.pauseApiServer();
    try {
      // On a busy machine, too; who waits does so for two seconds.
      assert.ok((await timed(known.token)) < 2_000);
      const [firstMs, secondMs] = [await timed(unseen[0]!.token), await timed(unseen[1]!.token)];
      assert.ok(firstMs < 10_000 && secondMs < 2_000, `${firstMs} ms, ${secondMs} ms`);
      assert.equal(capstan.newest().attestation?.tokenReview, 'unavailable');
      const page = (await (await capstan.server.get('/readyz')).json()) as { readonly ready: boolean };
      assert.equal(page.ready, true);
    } finally {
      cluster.resumeApiServer();
    }
  });

  it('issuing goes on by what was last known, says so, stops at the bound with UNAVAILABLE, and comes back by itself', async () => {
    const known = await podWithToken(cluster, 'shop', 'known');
    const unseen = await podWithToken(cluster, 'shop', 'unseen');
    const deleted = await podWithToken(cluster, 'shop', 'deleted');
    const gated = await podWithToken(cluster, 'gated', 'web');
    await cluster.apply([INGRESS]);
    for (const { token } of [deleted, gated, known]) await capstan.granted({ token });
    assert.equal(capstan.newest().attestation?.clusterStaleMs, undefined);
    await cluster.api.delete(podNamed('shop', 'deleted'));
    await capstan.refusedSoon({ token: deleted.token }, /^CAP-A11 /);

    await cluster.stopApiServer();
    const stoppedMs = performance.now();
    const { clusterStaleMs } = await eventually(
      'a record that says how old what is known is',
      async () => {
        await capstan.granted({ token: known.token });
        const { attestation } = capstan.newest();
        return attestation?.clusterStaleMs === undefined ? undefined : { ...attestation };
      },
      { withinMs: 30_000 },
    );
    assert.ok(clusterStaleMs !== undefined && clusterStaleMs <= STALE_AFTER_MS);
    await capstan.granted({ token: gated.token });
    assert.ok((capstan.newest().policy?.clusterStaleMs ?? 0) > 0, 'what a condition saw was as old');
    assert.ok((await staleSeconds(capstan)) > 0);
    const unseenMs = await unstalledMs(async () => capstan.granted({ token: unseen.token }));
    assert.ok(unseenMs < 2_000, 'nobody waits for an API server that does not answer');
    assert.equal(capstan.newest().attestation?.tokenReview, 'unavailable');
    await capstan.refused({ token: deleted.token }, /^CAP-A11 /);
    await capstan.refused({ token: `${known.token.slice(0, -8)}AAAAAAAA` }, /^CAP-A05 .*signature does not verify/);

    // Another start, with nothing but the keys of the one before.
    const otherFiles = ended.use(await outageFiles());
    copyFileSync(files.path('token-keys.json'), otherFiles.path('token-keys.json'));
    const restarted = ended.use(await start(otherFiles));
    assert.equal((await restarted.server.get('/readyz')).status, 200, 'it is degraded, and serves');
    await restarted.granted({ token: known.token });
    assert.ok((restarted.newest().attestation?.clusterStaleMs ?? 0) > 0);
    await restarted.refused({ token: `${known.token.slice(0, -8)}AAAAAAAA` }, /^CAP-A05 /);

    for (const server of [capstan, restarted]) {
      const leftMs = STALE_AFTER_MS + 30_000 - (performance.now() - stoppedMs);
      const refused = async (): Promise<boolean> => (await server.ask({ token: known.token })).code !== status.OK;
      await eventually('the end of what is believed', refused, { withinMs: leftMs, everyMs: 500 });
      assert.ok(performance.now() - stoppedMs > STALE_AFTER_MS / 2, 'it counts from the last that was heard');
    }
    for (const server of [capstan, restarted]) {
      // Whichever was heard of first is too old first.
      const tooOld = /^CAP-(S13 .*(not been followed for|are not read yet)|S05 the keys of the token issuer)/;
      await server.refused({ token: known.token }, tooOld, status.UNAVAILABLE);
    }

    await cluster.startApiServer();
    for (const server of [capstan, restarted]) {
      await eventually('issuing', async () => (await server.ask({ token: known.token })).code === status.OK, {
        withinMs: 90_000,
        everyMs: 500,
      });
      await eventually(
        'a record of a cluster that is followed',
        async () => {
          await server.granted({ token: known.token });
          return server.newest().attestation?.clusterStaleMs === undefined;
        },
        { withinMs: 30_000, everyMs: 200 },
      );
    }
    await eventually('the Ingress', async () => (await capstan.ask({ token: gated.token })).code === status.OK, {
      withinMs: 30_000,
      everyMs: 500,
    });
    await eventually('a metric of a cluster that is followed', async () => (await staleSeconds(capstan)) === 0, {
      withinMs: 30_000,
    });
  });
});
