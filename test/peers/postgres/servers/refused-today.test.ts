// Live certificates are judged by one server for all of a database, those that others issued too; by another when it dies.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { CertificatesJudged, PolicyInForce } from '../../../../src/adapters/http/observation/routes.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { Replica } from '../../../soak/replicas/replica.ts';
import { buildCsr } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';

const FOLLOWED = { withinMs: 60_000, everyMs: 200 };

describe("What today's policy would refuse, of servers on one database", function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('is judged by one of them, and by the other when that one is killed', async () => {
    using files = await ServerFiles.create();
    await using cluster = await PostgresCluster.start();
    const settings = { 'journal.store': cluster.url(), 'journal.postgres.passwordFile': cluster.passwordFile };
    await using one = await Replica.start(files, { name: 'one', settings });
    await using two = await Replica.start(files, { name: 'two', settings });
    const csr = (await buildCsr()).pem;
    for (const server of [one, two]) {
      using client = server.client();
      const headers = { authorization: `Bearer ${await files.mint.token(server === one ? 'api' : 'web')}` };
      const { code, details } = await client.call({ csr, headers });
      assert.equal(code, status.OK, details);
    }
    const judgedBy = async (server: Replica): Promise<CertificatesJudged | undefined> =>
      ((await (await server.get('/policy')).json()) as PolicyInForce).certificates;
    files.setPolicy([{ namespaces: ['elsewhere'] }]);
    const judge = await eventually(
      'one of them has judged',
      async () => {
        for (const server of [one, two]) {
          const found = await judgedBy(server);
          if (found?.isComplete === true && found.refused === 2) return server;
        }
        return undefined;
      },
      FOLLOWED,
    );
    const other = judge === one ? two : one;
    assert.equal(await judgedBy(other), undefined);
    await judge.kill9();
    await eventually('the other judges', async () => (await judgedBy(other))?.refused === 2, FOLLOWED);
  });
});
