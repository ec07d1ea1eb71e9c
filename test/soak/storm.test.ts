// The storms of `npm run soak`, with few agents: all have their certificates, and none is refused for good. How soon is
// for the soak to say, on a machine that does nothing else.
import assert from 'node:assert/strict';
import { runNoisy, runRestart } from './storm/storm.ts';
import { broken } from './soak.ts';
import { spawnSync } from 'node:child_process';
import { peerOrSkip } from '../peers/support/presence.ts';

const OPTIONS = { seconds: 4, say: () => undefined };

describe('A short storm', function () {
  this.timeout(120_000);
  before(function () {
    peerOrSkip(this, spawnSync('go', ['version']).error === undefined ? 'go' : undefined, 'Go');
  });

  it('leaves no agent without a certificate when all arrive at once', async () => {
    const measured = await runRestart({ namespaces: 10, agents: 200 }, OPTIONS);
    assert.deepEqual(
      measured.filter((one) => broken(one) && one.unit !== 's'),
      [],
    );
  });

  it('leaves no agent without a certificate while one namespace asks without a pause', async () => {
    const measured = await runNoisy({ namespaces: 9, agents: 80 }, { agents: 10, arrivalsPerSecond: 20 }, OPTIONS);
    assert.deepEqual(
      measured.filter((one) => broken(one) && one.unit !== 'ms'),
      [],
    );
    assert.ok(measured.some(({ name, value }) => name.startsWith('calls of the noisy') && value > 10));
  });
});
