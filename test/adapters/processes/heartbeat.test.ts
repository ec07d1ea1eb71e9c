import assert from 'node:assert/strict';
import { answerHeartbeat, untilSilent } from '../../../src/adapters/processes/heartbeat.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { linkedPair } from '../../support/fakes/linked-pair.ts';

const PATIENCE_MS = 2_000;

describe('The heartbeat of a process', () => {
  it('is missed after as long as it was to be waited for', async () => {
    const clock = new FakeClock();
    const { supervisor } = linkedPair(clock, () => undefined);
    let silent = false;
    void untilSilent(supervisor, clock, () => PATIENCE_MS, new AbortController()).then(() => (silent = true));
    await clock.advance(PATIENCE_MS);
    assert.equal(silent, false);
    await clock.advance(250);
    assert.equal(silent, true);
  });

  it('is not missed while it comes, nor when the machine slept for an hour', async () => {
    const clock = new FakeClock();
    const { supervisor, worker } = linkedPair(clock);
    answerHeartbeat(worker);
    const ending = new AbortController();
    let silent = false;
    const watching = untilSilent(supervisor, clock, () => PATIENCE_MS, ending).then(() => (silent = true));
    await clock.advance(10_000);
    clock.pass(3_600_000);
    await clock.advance(10_000);
    assert.equal(silent, false);
    ending.abort(new Error('enough'));
    await assert.rejects(watching, /enough/);
    await settle();
  });
});
