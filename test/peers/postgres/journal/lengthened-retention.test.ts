// As over a file: what a short retention took does not come back when records are kept for longer.
import assert from 'node:assert/strict';
import {
  afterLengthening,
  DAY_MS,
  FIRST_DAYS_AGO,
} from '../../../app/operating/journal/support/lengthened-retention.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { testAuthority } from '../../../support/certificates.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';

describe('A journal in PostgreSQL whose retention was lengthened', function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('goes on and is proven, also against heads that name what the shorter one took', async () => {
    await using cluster = await PostgresCluster.start();
    using files = await ServerFiles.create(await testAuthority({ nowMs: Date.now() - (FIRST_DAYS_AGO + 1) * DAY_MS }));
    const { host, port, database, caFile, passwordFile } = cluster;
    const { readiness, verified } = await afterLengthening(files, {
      'journal.store': `postgres://capstan@${host}:${port}/${database}`,
      'journal.postgres.caFile': caFile,
      'journal.postgres.passwordFile': passwordFile,
    });
    assert.doesNotMatch(readiness, /not what was signed/);
    assert.equal(verified.code, 0, verified.out);
    assert.match(verified.out, /^Proven: /m);
  });
});
