// The upgrade of `npm run soak` with two servers on one database, for some seconds: they are replaced in turn by the next
// version and back, both versions use the database at once, and no client is without a server.
import assert from 'node:assert/strict';
import { broken } from '../../soak/soak.ts';
import { POSTGRES, runUpgrade } from '../../soak/upgrade/upgrade.ts';
import { nextVersion, thisVersion } from '../../soak/upgrade/versions.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { peerOrSkip } from '../support/presence.ts';

describe('Two servers on one PostgreSQL', function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });

  it('are upgraded by one version and put back, one after the other, and nobody is refused', async () => {
    using next = nextVersion();
    const options = { seconds: 6, say: () => undefined, absorbedWithinMs: 60_000 };
    const measured = await runUpgrade(POSTGRES, thisVersion(), next, options);
    assert.deepEqual(
      measured.filter((one) => broken(one) && one.unit !== 'ms'),
      [],
    );
    const valueOf = (name: string): number => measured.find((one) => one.name === name)?.value ?? 0;
    assert.ok(valueOf('certificates recorded') > 0 && valueOf('decided by the newer bundle') > 0);
  });
});
