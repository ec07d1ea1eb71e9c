import assert from 'node:assert/strict';
import { CallPlaces } from '../../../../src/adapters/kubernetes/api/call-places.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';

const NEVER = new AbortController().signal;

describe('Places for calls to an API server', () => {
  const bounds = { inFlight: 2, perSecond: 10, burst: 3, waiting: 2 };

  it('are so many at once, first come first served', async () => {
    const places = new CallPlaces(new FakeClock(), { ...bounds, perSecond: 1_000, burst: 1_000 });
    const [one] = [await places.take({ signal: NEVER }), await places.take({ signal: NEVER })];
    const order: string[] = [];
    const asked = ['first', 'second'].map(async (name) => {
      const leave = await places.take({ signal: NEVER });
      order.push(name);
      return leave;
    });
    await settle();
    assert.deepEqual(order, []);
    one();
    await settle();
    assert.deepEqual(order, ['first']);
    (await asked[0]!)();
    await settle();
    assert.deepEqual(order, ['first', 'second']);
  });

  it('are given so many times a second once the burst is used up', async () => {
    const clock = new FakeClock();
    const places = new CallPlaces(clock, bounds);
    for (let call = 0; call < 3; call += 1) (await places.take({ signal: NEVER }))();
    let given = 0;
    void places.take({ signal: NEVER }).then(() => (given += 1));
    await clock.advance(99);
    assert.equal(given, 0);
    await clock.advance(2);
    assert.equal(given, 1);
  });

  it('are refused when too many wait, and left by who gives up', async () => {
    const places = new CallPlaces(new FakeClock(), { ...bounds, perSecond: 1_000, burst: 1_000 });
    await places.take({ signal: NEVER });
    await places.take({ signal: NEVER });
    const end = new AbortController();
    const waiting = [places.take(end), places.take(end)];
    await assert.rejects(places.take({ signal: NEVER }), { status: 429, retryAfterMs: 1_000 });
    end.abort(new Error('gave up'));
    for (const one of waiting) await assert.rejects(one, { message: 'gave up' });
    let given = false;
    void places.take({ signal: NEVER }).then(() => (given = true));
    await settle();
    assert.equal(given, false);
  });
});
