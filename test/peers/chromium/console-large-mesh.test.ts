// The pages of a mesh of 20,000 identities, by the short form of `npm run soak -- --only console`: what a page asks, gets and holds has
// bounds that do not grow with the mesh. How soon it is there is for the soak to say, on a machine that does nothing else.
import assert from 'node:assert/strict';
import { runConsole, type ConsoleLoad } from '../../soak/inventory/console/console.ts';
import { broken } from '../../soak/soak.ts';
import { peerOrSkip } from '../support/presence.ts';
import { findChromium } from './support/chromium.ts';

const LOAD: ConsoleLoad = {
  sizes: { ended: 10_000, live: 20_000 },
  quiet: { perSecond: 5, connections: 1 },
  busy: { perSecond: 50, connections: 4 },
  lookMs: 500,
};

describe('The console of a mesh of 20,000 identities', function () {
  this.timeout(180_000);

  it('asks little, gets little and holds little on every page, and is not refused for what one person does', async function () {
    peerOrSkip(this, findChromium(), 'Chromium');
    const measured = await runConsole(LOAD, { seconds: 6, say: () => undefined });
    assert.deepEqual(
      measured.filter((one) => broken(one) && one.unit !== 'ms'),
      [],
    );
    assert.ok(measured.some(({ name, value }) => name === 'identities: rows' && value === 100));
  });
});
