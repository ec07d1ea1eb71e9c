import assert from 'node:assert/strict';
import { LiveUpdates, MAX_FOLLOWERS } from '../../../../src/adapters/http/console/live-updates.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';

const always = (): boolean => true;

describe('Live updates of the console', () => {
  let clock: FakeClock;
  let live: LiveUpdates;
  let end: AbortController;
  let running: Promise<void>;
  beforeEach(() => {
    clock = new FakeClock();
    live = new LiveUpdates(clock);
    end = new AbortController();
    running = live.run({ signal: end.signal });
  });
  afterEach(async () => {
    end.abort();
    await running;
  });

  it('tell every page that follows to look again', async () => {
    const reader = live.follow('alice', always)!.getReader();
    await reader.read();
    await clock.advance(5_000);
    const { value } = await reader.read();
    assert.equal(Buffer.from(value!).toString(), `event: look\ndata: ${clock.nowMs()}\n\n`);
  });

  it('have a bound, of which ten thousand that ask get no more', () => {
    const taken = Array.from({ length: 10_000 }, (_, at) => live.follow(`viewer ${at}`, always));
    assert.equal(taken.filter((stream) => stream !== undefined).length, MAX_FOLLOWERS);
  });

  it('leave room to others when one viewer opens page after page', () => {
    const own = Array.from({ length: 100 }, () => live.follow('alice', always));
    assert.equal(own.filter((stream) => stream !== undefined).length, 8);
    assert.ok(live.follow('bob', always));
  });

  it('end with the session, and for who does not read them', async () => {
    let signedIn = true;
    live.follow('alice', () => signedIn);
    live.follow('slow', always);
    for (let tick = 0; tick < 5; tick += 1) await clock.advance(5_000);
    assert.equal(live.followers, 0);
    const reader = live.follow('alice', () => signedIn)!.getReader();
    await reader.read();
    signedIn = false;
    await clock.advance(5_000);
    assert.equal((await reader.read()).done, true);
  });

  it('make room when a page is closed', async () => {
    const stream = live.follow('alice', always)!;
    await stream.cancel();
    assert.equal(live.followers, 0);
  });
});
