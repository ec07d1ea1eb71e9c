// As a file, a database that somebody sets back, heads and all.
import { assertFound } from '../../../app/operating/journal/support/copied-back.ts';
import { DaysOfJournal } from '../../../app/operating/journal/support/days-of-journal.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';

describe('A journal in PostgreSQL that was set back while no server ran', function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('is signed no more where a witness has later heads, until an operator accepts it', async () => {
    await using cluster = await PostgresCluster.start();
    const { host, port, database, caFile, passwordFile } = cluster;
    const settings = {
      'journal.store': `postgres://capstan@${host}:${port}/${database}`,
      'journal.postgres.caFile': caFile,
      'journal.postgres.passwordFile': passwordFile,
    };
    using journal = await DaysOfJournal.create(5, settings, { hasWitness: true });
    await assertFound(journal, async (momentMs) => {
      for (const table of ['decisions', 'operations', 'closings', 'audit_heads']) {
        await cluster.query(`DELETE FROM ${table} WHERE time_ms >= ${momentMs}`);
      }
      await cluster.query(`DELETE FROM chains WHERE opened_ms >= ${momentMs}`);
    });
  });
});
