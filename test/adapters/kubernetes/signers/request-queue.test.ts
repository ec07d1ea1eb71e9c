import assert from 'node:assert/strict';
import {
  RequestQueue,
  type Outcome,
  type QueueBounds,
} from '../../../../src/adapters/kubernetes/signers/request-queue.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';

const BOUNDS: QueueBounds = { places: 8, placesEach: 4, underWay: 2 };

/** A queue whose work a test ends by itself. */
class Work {
  readonly clock = new FakeClock();
  readonly begun: string[] = [];
  rooms = 0;
  readonly queue: RequestQueue;
  readonly #ends = new Map<string, (outcome: Outcome) => void>();

  constructor(bounds: QueueBounds = BOUNDS) {
    const work = async (key: string): Promise<Outcome> => {
      this.begun.push(key);
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      this.#ends.set(key, resolve);
      return promise;
    };
    this.queue = new RequestQueue({ clock: this.clock, work, onRoom: () => void (this.rooms += 1) }, bounds);
  }

  async end(key: string, outcome: Outcome = 'done'): Promise<void> {
    this.#ends.get(key)?.(outcome);
    await settle();
  }
}

describe('The queue of requests that wait for a signature', () => {
  it('works on so many at once, and on each once', async () => {
    const work = new Work();
    for (const key of ['a', 'b', 'c', 'a']) work.queue.add(key, 'shop');
    assert.deepEqual(work.begun, ['a', 'b']);
    work.queue.add('a', 'shop');
    await work.end('a');
    assert.deepEqual(work.begun, ['a', 'b', 'c']);
  });

  it('gives turns by owner, so that a crowd waits for itself', async () => {
    const work = new Work({ ...BOUNDS, underWay: 1 });
    for (const key of ['1', '2', '3']) work.queue.add(`crowd ${key}`, 'crowd');
    work.queue.add('shop 1', 'shop');
    for (const key of ['crowd 1', 'crowd 2', 'shop 1']) await work.end(key);
    assert.deepEqual(work.begun, ['crowd 1', 'crowd 2', 'shop 1', 'crowd 3']);
  });

  it('tries again after a pause that doubles up to half a minute, or that is asked for', async () => {
    const work = new Work();
    work.queue.add('a', 'shop');
    const tries: number[] = [];
    while (tries.length < 7) {
      const before = work.clock.monotonicMs();
      await work.end('a', { retry: true });
      while (work.begun.length < tries.length + 2) await work.clock.advance(500);
      tries.push(work.clock.monotonicMs() - before);
    }
    assert.deepEqual(tries, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    await work.end('a', { retry: true, afterMs: 45_000 });
    await work.clock.advance(44_000);
    assert.equal(work.begun.length, 8);
    await work.clock.advance(1_000);
    assert.equal(work.begun.length, 9);
  });

  it('leaves nothing of a request that is forgotten while it pauses', async () => {
    const work = new Work();
    work.queue.add('a', 'shop');
    await work.end('a', { retry: true });
    work.queue.forget('a');
    assert.deepEqual([work.queue.size, work.clock.sleepers], [0, 0]);
  });

  it('has a bound in all and for each owner, and says when there is room for what was left out', async () => {
    const work = new Work();
    for (let count = 0; count < 6; count += 1) work.queue.add(`crowd ${count}`, 'crowd');
    assert.equal(work.queue.size, 4);
    work.queue.add('shop', 'shop');
    assert.equal(work.queue.size, 5, 'another owner has room');
    await work.end('crowd 0');
    assert.equal(work.rooms, 0);
    await work.end('crowd 1');
    assert.equal(work.rooms, 1);
  });

  it('ends with what is under way, and begins nothing more', async () => {
    const work = new Work();
    for (const key of ['a', 'b', 'c']) work.queue.add(key, 'shop');
    let ended = false;
    const ending = work.queue.end().then(() => (ended = true));
    await work.end('a');
    assert.equal(ended, false);
    await work.end('b');
    await ending;
    assert.deepEqual(work.begun, ['a', 'b']);
  });
});
