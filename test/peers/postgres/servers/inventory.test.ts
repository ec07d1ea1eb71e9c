// One answer to who has a certificate for all servers of a database, also when the one that keeps it dies.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../../src/cli/program.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { Replica } from '../../../soak/replicas/replica.ts';
import { buildCsr } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';

interface Listed {
  readonly asOf?: string;
  readonly entries: readonly { readonly identity: string; readonly cluster: string; readonly state: string }[];
}

/** Fifteen seconds in which the lease of a dead one holds, three until another looks, and what a busy machine takes. */
const FOLLOWED_MS = 60_000;
const SOON = { withinMs: 60_000 };

describe('Servers on one database', function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('answer alike who has a certificate, by cluster, and go on when the one that keeps it is killed', async () => {
    using files = await ServerFiles.create();
    await using cluster = await PostgresCluster.start();
    const settings = { 'journal.store': cluster.url(), 'journal.postgres.passwordFile': cluster.passwordFile };
    await using east = await Replica.start(files, { name: 'east', settings: { ...settings, 'cluster.id': 'east' } });
    await using west = await Replica.start(files, { name: 'west', settings: { ...settings, 'cluster.id': 'west' } });
    const csr = (await buildCsr()).pem;

    const issue = async (server: Replica, serviceAccount: string): Promise<void> => {
      using client = server.client();
      const headers = { authorization: `Bearer ${await files.mint.token(serviceAccount)}` };
      const { code, details } = await client.call({ csr, headers });
      assert.equal(code, status.OK, details);
    };
    const listed = async (name: string, ...words: readonly string[]): Promise<Listed> => {
      const { terminal, out, error } = recordTerminal();
      const argv = [
        'inventory',
        '--namespace',
        'default',
        '--output',
        'json',
        ...words,
        '--config',
        files.path(`${name}.json`),
      ];
      const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
      assert.equal(code, 0, error());
      return JSON.parse(out()) as Listed;
    };
    const named = async (name: string, ...words: readonly string[]): Promise<readonly string[]> =>
      (await listed(name, ...words)).entries.map(
        ({ identity, cluster: of }) => `${of} ${identity.replace(/.*\//, '')}`,
      );

    /** Operators may not ask as often as a test would. */
    const isKept = (serviceAccount: string) => async (): Promise<boolean> => {
      const identity = `spiffe://cluster.local/ns/default/sa/${serviceAccount}`;
      return (await cluster.query(`SELECT 1 FROM inventory_entries WHERE identity = '${identity}'`)).length > 0;
    };

    await issue(east, 'api');
    await issue(west, 'web');
    for (const serviceAccount of ['api', 'web']) await eventually(serviceAccount, isKept(serviceAccount), SOON);
    for (const name of ['east', 'west']) {
      assert.deepEqual(await named(name), ['east api', 'west web']);
      assert.deepEqual(await named(name, '--cluster', 'west'), ['west web']);
    }

    // The first to start keeps it.
    await east.kill9();
    const { asOf = '' } = await listed('west');
    await issue(west, 'later');
    await eventually('what was issued since is listed', isKept('later'), { withinMs: FOLLOWED_MS });
    assert.deepEqual(await named('west'), ['east api', 'west later', 'west web']);
    assert.ok(Date.parse((await listed('west')).asOf ?? '') > Date.parse(asOf));
  });
});
