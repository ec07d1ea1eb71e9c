// As over a file, of a database: somebody takes a whole chain, as servers that began anew leave them, and all heads that name it.
import assert from 'node:assert/strict';
import { DaysOfJournal } from '../../../app/operating/journal/support/days-of-journal.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';

const SOON = { withinMs: 30_000 };

describe('A journal in PostgreSQL whose oldest chains and heads are gone', function () {
  this.timeout(180_000);
  let cluster: PostgresCluster;
  let journal: DaysOfJournal;

  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });
  beforeEach(async () => {
    cluster = await PostgresCluster.start();
    const { host, port, database, caFile, passwordFile } = cluster;
    journal = await DaysOfJournal.create(60, {
      'journal.store': `postgres://capstan@${host}:${port}/${database}`,
      'journal.postgres.caFile': caFile,
      'journal.postgres.passwordFile': passwordFile,
    });
  });
  afterEach(async () => {
    await (cluster as PostgresCluster | undefined)?.[Symbol.asyncDispose]();
    (journal as DaysOfJournal | undefined)?.[Symbol.dispose]();
  });

  it('is proven where retention took them, and not where somebody took more', async () => {
    await journal.day(60);
    await journal.day(20);
    const sinceMs = await journal.day(5);
    {
      await using server = await journal.start();
      const { code, out } = await journal.exportAndVerify();
      assert.equal(code, 0, out);
      await server.stop();
    }
    await cluster.query(`DELETE FROM decisions WHERE time_ms < ${sinceMs}`);
    await cluster.query(`DELETE FROM chains WHERE kind <> 'operation' AND opened_ms < ${sinceMs}`);
    await cluster.query('DELETE FROM audit_heads WHERE number < (SELECT max(number) FROM audit_heads)');
    await using server = await journal.begin();
    const differs = /heads up to that of \S+ \S+ UTC are gone, and retention cannot have taken them/;
    await eventually('it says so', async () => differs.test(await (await server.get('/readyz')).text()), SOON);
    await assert.rejects(journal.exportAndVerify(), differs);
    const config = ['--config', journal.files.path('capstan.json')];
    assert.equal((await journal.run('head', '--accept', '--reason', 'a test', ...config)).code, 0);
    await eventually('heads go on', async () => !differs.test(await (await server.get('/readyz')).text()), SOON);
    const { code, out } = await journal.exportAndVerify();
    assert.equal(code, 1, out);
    assert.match(out, /heads up to that of \S+ \S+ UTC are not there, though all since/);
    await server.stop();
  });
});
