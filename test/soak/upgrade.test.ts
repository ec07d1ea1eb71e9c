// The upgrade of `npm run soak` with the embedded store, for some seconds: what was issued stays known, and no call fails
// for good. How long a server is away is for the soak to say, on a machine that does nothing else.
import assert from 'node:assert/strict';
import { broken } from './soak.ts';
import { runUpgrade, SQLITE } from './upgrade/upgrade.ts';
import { nextVersion, thisVersion } from './upgrade/versions.ts';

const SHORT = { seconds: 4, say: () => undefined, absorbedWithinMs: 60_000 };

describe('A short upgrade by one version and back', () => {
  it('costs no client a certificate, and the store no record', async () => {
    using next = nextVersion();
    const measured = await runUpgrade(SQLITE, thisVersion(), next, SHORT);
    assert.deepEqual(
      measured.filter((one) => broken(one) && one.unit !== 'ms'),
      [],
    );
    const valueOf = (name: string): number => measured.find((one) => one.name === name)?.value ?? 0;
    assert.ok(valueOf('certificates recorded') > 0 && valueOf('decided by the newer bundle') > 0);
    assert.ok(valueOf('SDS streams') >= 3, 'one with each server');
  }).timeout(180_000);
});
