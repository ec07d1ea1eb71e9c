// A server of two processes at a real API server: each worker follows the cluster for itself.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { peerOrSkip } from '../support/presence.ts';
import { AttestedServer, podNamed, podWithToken } from './support/attested-server.ts';
import { KubernetesCluster } from './support/cluster.ts';

describe('A server of two processes', function () {
  this.timeout(120_000);

  it('attests in each, asks the API server once for each, and keeps its keys once', async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    await using cluster = await KubernetesCluster.start();
    const { token } = await podWithToken(cluster, 'shop', 'web');
    using files = await AttestedServer.files(['shop']);
    await using capstan = await AttestedServer.start(cluster, files, {
      processes: 2,
      'cluster.kubernetes.tokens.keysFile': files.path('token-keys.json'),
    });
    // The kernel gives each connection to either.
    for (let call = 0; call < 12; call += 1) await capstan.granted({ token });
    assert.ok(existsSync(files.path('token-keys.json')));
    const reviews = await cluster.metric('apiserver_request_total', { resource: 'tokenreviews', verb: 'POST' });
    assert.ok(reviews >= 1 && reviews <= 2, `${reviews} reviews`);
    using client = capstan.server.sdsClient({ token });
    const stream = client.sotw();
    stream.subscribe('default');
    await stream.accept();
    await cluster.api.delete(podNamed('shop', 'web'));
    assert.match((await stream.ended).details, /^CAP-A11 /);
    for (let call = 0; call < 6; call += 1) await capstan.refused({ token }, /^CAP-A11 /);
  });
});
