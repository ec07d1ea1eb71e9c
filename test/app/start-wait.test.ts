import assert from 'node:assert/strict';
import { START_WITHIN_MS, StartWait } from '../../src/app/start-wait.ts';
import { abortable } from '../../src/live/abortable.ts';
import { FakeClock } from '../support/fakes/fake-clock.ts';

const NEVER = new AbortController().signal;
/** What nobody ever says. */
const never = async ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
  await abortable<undefined>(signal, () => () => undefined);
};

describe('A start that waits for others', () => {
  it('goes on as soon as it knows, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    await new StartWait(clock).until(async () => undefined, { signal: NEVER });
    assert.equal(clock.sleepers, 0);
  });

  it('waits for all parts together no longer than ten seconds', async () => {
    const clock = new FakeClock();
    const wait = new StartWait(clock);
    const started: string[] = [];
    const all = (async () => {
      for (const part of ['workloads', 'policies', 'view']) {
        await wait.until(never, { signal: NEVER });
        started.push(part);
      }
    })();
    await clock.advance(START_WITHIN_MS - 1);
    assert.deepEqual(started, []);
    await clock.advance(1);
    await all;
    assert.equal(clock.monotonicMs(), START_WITHIN_MS);
  });

  it('has what is known by then also of a part that is asked after the time', async () => {
    const clock = new FakeClock();
    const wait = new StartWait(clock);
    const first = wait.until(never, { signal: NEVER });
    await clock.advance(START_WITHIN_MS);
    await first;
    let isKnown = false;
    await wait.until(async () => void (isKnown = true), { signal: NEVER });
    assert.ok(isKnown);
  });

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController();
    const waiting = new StartWait(new FakeClock()).until(never, { signal: stop.signal });
    const reason = new Error('stopped');
    stop.abort(reason);
    await assert.rejects(waiting, reason);
  });
});
