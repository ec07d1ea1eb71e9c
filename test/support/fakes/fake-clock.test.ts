import assert from 'node:assert/strict';
import { FakeClock, NOON_MS } from './fake-clock.ts';
import { recordEvents } from './recorded-events.ts';
import { SeededRandom } from './seeded-random.ts';

const NEVER = new AbortController().signal;

describe('The fakes', () => {
  it('wake sleepers at their own moment and in order, those too that fall asleep on the way', async () => {
    const clock = new FakeClock();
    const woke: [string, number][] = [];
    const sleep = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms, { signal: NEVER });
      woke.push([name, clock.nowMs() - NOON_MS]);
    };
    void sleep('late', 30);
    void sleep('early', 10).then(async () => sleep('again', 5));
    void sleep('not yet', 100);
    await clock.advance(50);
    assert.deepEqual(woke, [
      ['early', 10],
      ['again', 15],
      ['late', 30],
    ]);
    assert.equal(clock.sleepers, 1);
    assert.equal(clock.monotonicMs(), 50);
  });

  it('end a sleep with the reason of its signal', async () => {
    const clock = new FakeClock();
    const end = new AbortController();
    const asleep = clock.sleep(10, { signal: end.signal });
    end.abort(new Error('stop'));
    await assert.rejects(asleep, { message: 'stop' });
    assert.equal(clock.sleepers, 0);
    await assert.rejects(clock.sleep(10, { signal: end.signal }), { message: 'stop' });
  });

  it('remember events in order', () => {
    const events = recordEvents();
    events.journalFailing({ problem: 'disk full' });
    events.journalRecovered();
    assert.deepEqual(events.log, [
      { event: 'journalFailing', facts: { problem: 'disk full' } },
      { event: 'journalRecovered', facts: {} },
    ]);
    assert.deepEqual(events.of('journalFailing'), [{ problem: 'disk full' }]);
  });

  it('repeat their randomness', () => {
    assert.deepEqual(new SeededRandom(7).bytes(8), new SeededRandom(7).bytes(8));
    assert.notDeepEqual(new SeededRandom(7).bytes(8), new SeededRandom(8).bytes(8));
  });
});
