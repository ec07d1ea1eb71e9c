// The floods of `npm run soak`, for some seconds: nobody else is refused, and what is written keeps its bounds. How
// soon the others are served is for the soak to say, on a machine that does nothing else.
import assert from 'node:assert/strict';
import { runFlood, STRANGER, TENANT } from './flood/flood.ts';
import { broken } from './soak.ts';

const SHORT = { seconds: 4, say: () => undefined };
const LOAD = { connections: 4, inFlight: 16, fresh: 1 };

describe('A short flood', () => {
  for (const flood of [STRANGER, TENANT]) {
    it(`touches nobody else: ${flood.name}`, async () => {
      const measured = await runFlood(flood, LOAD, SHORT);
      assert.deepEqual(
        measured.filter((one) => broken(one) && one.unit !== 'ms'),
        [],
      );
      assert.ok(
        measured.every(({ name, value }) => value > 0 || name.startsWith('refused')),
        JSON.stringify(measured),
      );
    }).timeout(60_000);
  }
});
