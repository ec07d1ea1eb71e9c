// A server of this version on a database that a newer one has migrated: an upgrade one server at a time. Steps of the
// schema only add, so who runs goes on, and who starts does, until a step says from which version on it is for.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { ServerFiles } from '../../app/support/server-files.ts';
import { Replica } from '../../soak/replicas/replica.ts';
import { serialOf } from '../../soak/replicas/load.ts';
import { buildCsr } from '../../support/certificates.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { peerOrSkip } from '../support/presence.ts';

describe('Two versions on one database', function () {
  this.timeout(120_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('serve together, over a crash of it too, and the older one starts until the schema is not for it', async () => {
    using files = await ServerFiles.create();
    await using cluster = await PostgresCluster.start();
    const settings = { 'journal.store': cluster.url(), 'journal.postgres.passwordFile': cluster.passwordFile };
    await using older = await Replica.start(files, { name: 'older', settings });
    const csr = (await buildCsr()).pem;
    const isIssued = async (): Promise<void> => {
      using client = older.client();
      const headers = { authorization: `Bearer ${await files.mint.token()}` };
      const { code, details, response } = await client.call({ csr, headers });
      assert.equal(code, status.OK, details);
      const serial = serialOf(response?.certChain[0] ?? '');
      assert.deepEqual(await cluster.query(`SELECT count(*) FROM decisions WHERE serial = '${serial}'`), [['1']]);
    };
    await isIssued();

    await cluster.query(`ALTER TABLE decisions ADD COLUMN later text; CREATE TABLE later (one int);
      UPDATE schema_version SET version = version + 1`);
    await isIssued();
    await cluster.kill9();
    await cluster.restart();
    await older.ready();
    await isIssued();

    await using again = await Replica.start(files, { name: 'again', settings });
    assert.ok(again.runs, 'what was only added to is still for it');
    await cluster.query('UPDATE schema_version SET usable_from = version');
    const late = Replica.start(files, { name: 'late', settings });
    late.then(async (started) => started[Symbol.asyncDispose]()).catch(() => undefined);
    await assert.rejects(late, /CAP-X03 .*has schema version \d+, and this Capstan knows \d+; run the newer Capstan/);
    assert.ok(older.runs);
  });
});
