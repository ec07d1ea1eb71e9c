// Two servers on one PostgreSQL, at a real API server: each sees what happens in the cluster, and one of them records it.
import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { peerOrSkip } from '../support/presence.ts';
import { AttestedServer, podNamed, podWithToken } from './support/attested-server.ts';
import { KubernetesCluster } from './support/cluster.ts';

/** A term of the lease, and then some. */
const LATER = { withinMs: 90_000, everyMs: 100 };

describe('Two servers of a cluster on one database', function () {
  this.timeout(240_000);

  it('have each end of a pod on record once, with what both issued, also when the one that leads has ended', async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    await using cluster = await KubernetesCluster.start();
    await using database = await PostgresCluster.start();
    using files = await AttestedServer.files(['shop']);
    const start = async (name: string): Promise<AttestedServer> =>
      AttestedServer.start(cluster, files, {
        'journal.store': database.url(),
        'journal.postgres.caFile': database.caFile,
        'journal.postgres.passwordFile': database.passwordFile,
        'listen.administration.socket': files.path(`${name}.sock`),
      });
    const expected: (readonly string[])[] = [];
    const ends = async (name: string, servers: readonly AttestedServer[]): Promise<void> => {
      const { token } = await podWithToken(cluster, 'shop', name);
      for (const server of servers) await server.granted({ token });
      await cluster.api.delete(podNamed('shop', name));
      expected.push([name, 'pod_deleted', String(servers.length)]);
      const closings = async () =>
        database.query('SELECT pod_name, reason, live_certificates FROM closings ORDER BY id');
      await eventually(`the end of ${name}`, async () => (await closings()).length >= expected.length, LATER);
      assert.deepEqual(await closings(), expected);
    };
    await using second = await (async () => {
      await using first = await start('first');
      const other = await start('second');
      for (const name of ['one', 'two']) await ends(name, [first, other]);
      return other;
    })();
    await ends('three', [second]);
  });
});
