import assert from 'node:assert/strict';
import { LatestValue } from '../../src/live/latest-value.ts';

describe('A watched value', () => {
  it('shows each watcher what is current, then what comes', async () => {
    const value = new LatestValue<string>();
    value.set('first');
    const end = new AbortController();
    const watch = value.watch({ signal: end.signal });
    assert.equal((await watch.next()).value, 'first');
    const next = watch.next();
    value.set('second');
    assert.equal((await next).value, 'second');
  });

  it('lets a slow watcher miss what is superseded, and never queues it', async () => {
    const value = new LatestValue<number>();
    const watch = value.watch({ signal: new AbortController().signal });
    const first = watch.next();
    value.set(1);
    assert.equal((await first).value, 1);
    value.set(2);
    value.set(3);
    assert.equal((await watch.next()).value, 3);
  });

  it('forgets a watcher whose signal aborts, even if the value never changes again', async () => {
    const value = new LatestValue<number>();
    const end = new AbortController();
    const waiting = value.watch({ signal: end.signal }).next();
    assert.equal(value.watchers, 1);
    end.abort();
    assert.equal((await waiting).done, true);
    assert.equal(value.watchers, 0);
  });
});
