import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { CallTime } from '../../../src/adapters/grpc/call-time.ts';
import type { AuthorityError } from '../../../src/domain/errors.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';

describe('The time of a call', () => {
  let call: EventEmitter;
  let clock: FakeClock;
  let over: string[];
  const begin = (): CallTime =>
    new CallTime(call, { deadlineMs: 5_000, clock }, ({ reason }: AuthorityError) => over.push(reason));

  beforeEach(() => {
    call = new EventEmitter();
    clock = new FakeClock();
    over = [];
  });

  it('is over at its deadline: its owner learns why before the signal aborts', async () => {
    const time = begin();
    const order: unknown[] = [];
    time.signal.addEventListener('abort', () => order.push(...over));
    await clock.advance(4_999);
    assert.equal(time.ended, false);
    await clock.advance(1);
    assert.deepEqual(order, ['CAP-S07']);
    assert.equal((time.signal.reason as AuthorityError).reason, 'CAP-S07');
    assert.equal(time.ended, true);
  });

  it('is over when its client is gone, and only once', () => {
    const time = begin();
    call.emit('cancelled');
    call.emit('cancelled');
    assert.deepEqual(over, ['CAP-X02']);
    assert.equal((time.signal.reason as AuthorityError).reason, 'CAP-X02');
  });

  it('is not over any more once the call is answered, and leaves nothing on the call or the clock', () => {
    const time = begin();
    time.end();
    time.end();
    call.emit('cancelled');
    assert.deepEqual(over, []);
    assert.equal(time.signal.aborted, false);
    assert.equal(call.listenerCount('cancelled'), 0);
    assert.equal(clock.sleepers, 0);
  });
});
