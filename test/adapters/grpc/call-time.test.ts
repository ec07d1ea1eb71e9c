import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { CallTime } from '../../../src/adapters/grpc/call-time.ts';
import type { AuthorityError } from '../../../src/domain/errors.ts';

describe('The time of a call', () => {
  let call: EventEmitter;
  let over: string[];
  const begin = (deadlineMs: number): CallTime =>
    new CallTime(call, deadlineMs, ({ reason }: AuthorityError) => over.push(reason));

  beforeEach(() => {
    call = new EventEmitter();
    over = [];
  });

  it('is over at its deadline: its owner learns why before the signal aborts', async () => {
    const time = begin(1);
    const order: unknown[] = [];
    time.signal.addEventListener('abort', () => order.push(...over));
    await once(time.signal, 'abort');
    assert.deepEqual(order, ['CAP-S07']);
    assert.equal((time.signal.reason as AuthorityError).reason, 'CAP-S07');
    assert.equal(time.ended, true);
  });

  it('is over when its client is gone, and only once', () => {
    const time = begin(60_000);
    call.emit('cancelled');
    call.emit('cancelled');
    assert.deepEqual(over, ['CAP-X02']);
    assert.equal((time.signal.reason as AuthorityError).reason, 'CAP-X02');
  });

  it('is not over any more once the call is answered, and leaves nothing on the call', () => {
    const time = begin(60_000);
    time.end();
    time.end();
    call.emit('cancelled');
    assert.deepEqual(over, []);
    assert.equal(time.signal.aborted, false);
    assert.equal(call.listenerCount('cancelled'), 0);
  });
});
