import assert from 'node:assert/strict';
import { every } from '../../src/live/every.ts';
import { FakeClock, settle } from '../support/fakes/fake-clock.ts';

describe('Work that is done every so often', () => {
  it('waits first, then is done at each round until the signal aborts, and not once more', async () => {
    const clock = new FakeClock();
    const end = new AbortController();
    const doneAtMs: number[] = [];
    const rounds = every(1_000, clock, () => void doneAtMs.push(clock.monotonicMs()), { signal: end.signal });
    await clock.advance(2_500);
    end.abort();
    await rounds;
    assert.deepEqual(doneAtMs, [1_000, 2_000]);
  });

  it('never overlaps with itself', async () => {
    const clock = new FakeClock();
    let begun = 0;
    let finish = (): void => undefined;
    const work = async (): Promise<void> => {
      begun += 1;
      await new Promise<void>((resolve) => (finish = resolve));
    };
    void every(1_000, clock, work, { signal: new AbortController().signal });
    await clock.advance(5_000);
    assert.equal(begun, 1);
    finish();
    await settle();
    await clock.advance(1_000);
    assert.equal(begun, 2);
  });

  it('rejects when it throws, because only it knows what an error means', async () => {
    const clock = new FakeClock();
    const work = (): never => {
      throw new Error('the disk is full');
    };
    const rounds = assert.rejects(
      every(1_000, clock, work, { signal: new AbortController().signal }),
      /the disk is full/,
    );
    await clock.advance(1_000);
    await rounds;
  });
});
