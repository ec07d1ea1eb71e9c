import assert from 'node:assert/strict';
import { Listeners } from '../../src/live/listeners.ts';

const NEVER = { signal: new AbortController().signal };

describe('Who listens for changes', () => {
  it('hears each change, in the order of listening', () => {
    const listeners = new Listeners<[string]>();
    const heard: string[] = [];
    listeners.add((what) => heard.push(`first ${what}`), NEVER);
    listeners.add((what) => heard.push(`second ${what}`), NEVER);
    listeners.notify('anchors');
    listeners.notify('issuer');
    assert.deepEqual(heard, ['first anchors', 'second anchors', 'first issuer', 'second issuer']);
  });

  it('hears nothing after its signal, and is forgotten', () => {
    const listeners = new Listeners();
    const end = new AbortController();
    let heard = 0;
    listeners.add(() => (heard += 1), { signal: end.signal });
    listeners.notify();
    end.abort();
    listeners.notify();
    assert.equal(heard, 1);
    assert.equal(listeners.size, 0);
  });

  it('is not even added when its signal has aborted', () => {
    const listeners = new Listeners();
    listeners.add(() => assert.fail('it has ended'), { signal: AbortSignal.abort() });
    listeners.notify();
    assert.equal(listeners.size, 0);
  });

  it('with one function for two lifetimes hears until the second ends', () => {
    const listeners = new Listeners();
    const end = new AbortController();
    let heard = 0;
    const listener = (): void => void (heard += 1);
    listeners.add(listener, { signal: end.signal });
    listeners.add(listener, NEVER);
    end.abort();
    listeners.notify();
    assert.equal(heard, 1);
  });
});
