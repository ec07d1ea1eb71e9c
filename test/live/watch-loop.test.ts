import assert from 'node:assert/strict';
import { watchLoop, type WatchLoopSettings } from '../../src/live/watch-loop.ts';
import { FakeClock, settle } from '../support/fakes/fake-clock.ts';

const NEVER = { signal: new AbortController().signal };
const PACE: WatchLoopSettings = { rereadMs: 30_000, debounceMs: 100 };

/** Something that is watched; a test changes it. */
class Thing {
  readonly readAtMs: number[] = [];
  readonly #clock: FakeClock;
  readonly #end = new AbortController();
  #watches: { readonly changed: () => void; readonly signal: AbortSignal }[] = [];
  /** Done within a reading. */
  during: () => Promise<void> | void = () => undefined;
  /** Done while a watch is made. */
  whileWatching: () => Promise<void> | void = () => undefined;
  made = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get watches(): number {
    return this.#watches.length;
  }

  change(): void {
    for (const { changed } of this.#watches) changed();
  }

  end(): void {
    this.#end.abort();
  }

  async follow(pace = PACE): Promise<void> {
    const watch = async (changed: () => void, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
      const one = { changed, signal };
      this.made += 1;
      this.#watches.push(one);
      signal.addEventListener('abort', () => (this.#watches = this.#watches.filter((other) => other !== one)));
      await this.whileWatching();
    };
    const read = async (): Promise<void> => {
      this.readAtMs.push(this.#clock.monotonicMs());
      await this.during();
    };
    return watchLoop({ watch, read }, this.#clock, pace, { signal: this.#end.signal });
  }
}

describe('What is watched', () => {
  let clock: FakeClock;
  let thing: Thing;
  beforeEach(() => {
    clock = new FakeClock();
    thing = new Thing(clock);
  });
  afterEach(() => thing.end());

  it('is read at once, and again soon after a change: several in one moment are one', async () => {
    void thing.follow();
    await settle();
    await clock.advance(1_000);
    thing.change();
    thing.change();
    await clock.advance(50);
    thing.change();
    await clock.advance(5_000);
    assert.deepEqual(thing.readAtMs, [0, 1_100]);
  });

  it('is read again after a while although no change was told', async () => {
    void thing.follow();
    await clock.advance(60_200);
    assert.deepEqual(thing.readAtMs, [0, 30_100, 60_200]);
  });

  it('is read once more when it changes while it is read', async () => {
    thing.during = () => {
      thing.during = () => undefined;
      thing.change();
    };
    void thing.follow();
    await clock.advance(1_000);
    assert.deepEqual(thing.readAtMs, [0, 100]);
  });

  it('is not read in the state that a change has just ended, while the watch was made', async () => {
    thing.whileWatching = () => {
      thing.whileWatching = () => undefined;
      thing.change();
    };
    void thing.follow();
    await clock.advance(1_000);
    assert.deepEqual(thing.readAtMs, [100]);
  });

  it('has one watch at a time, made anew in each round', async () => {
    void thing.follow();
    await clock.advance(30_100);
    assert.equal(thing.made, 2);
    assert.equal(thing.watches, 1);
  });

  it('keeps a watch for several readings where one is dear, and not beyond a change', async () => {
    void thing.follow({ rereadMs: 1_000, debounceMs: 0, readingsPerWatch: 10 });
    await clock.advance(9_500);
    assert.deepEqual([thing.readAtMs.length, thing.made], [10, 1]);
    await clock.advance(1_000);
    assert.equal(thing.made, 2);
    thing.change();
    await settle();
    assert.deepEqual([thing.readAtMs.length, thing.made], [12, 3]);
  });

  it('is read by one at a time, however long it takes', async () => {
    let finish = (): void => undefined;
    thing.during = async () => new Promise<void>((resolve) => (finish = resolve));
    void thing.follow();
    await settle();
    thing.change();
    await clock.advance(120_000);
    assert.equal(thing.readAtMs.length, 1);
    finish();
    await clock.advance(100);
    assert.equal(thing.readAtMs.length, 2);
  });

  for (const [when, endIn] of [
    ['while it waits', () => void clock.sleep(10_000, NEVER).then(() => thing.end())],
    ['while it is read', () => (thing.during = () => thing.end())],
    ['while the watch is made', () => (thing.whileWatching = () => thing.end())],
  ] as const) {
    it(`is left alone when the signal aborts ${when}`, async () => {
      const following = thing.follow();
      await settle();
      endIn();
      await clock.advance(60_200);
      await following;
      const readings = thing.readAtMs.length;
      assert.equal(readings, when === 'while it is read' ? 2 : 1);
      assert.deepEqual([thing.watches, clock.sleepers], [0, 0]);
    });
  }
});
