import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { abortable, orAborted, type Settle } from '../../src/live/abortable.ts';

describe('A wait that can be aborted', () => {
  let aborter: AbortController;
  let undone: number;
  const undo = (): void => void (undone += 1);
  const begun = (): { readonly settle: Settle<string>; readonly wait: Promise<string> } => {
    let settle: Settle<string> | undefined;
    const wait = abortable<string>(aborter.signal, (given) => {
      settle = given;
      return undo;
    });
    assert.ok(settle !== undefined);
    return { settle, wait };
  };
  const isClean = (): void => {
    assert.equal(undone, 1);
    assert.deepEqual(getEventListeners(aborter.signal, 'abort'), []);
  };

  beforeEach(() => {
    aborter = new AbortController();
    undone = 0;
  });

  it('ends with what it waited for, and cleans up before anybody hears of it', async () => {
    const { settle, wait } = begun();
    settle.resolve('done');
    isClean();
    assert.equal(await wait, 'done');
  });

  it('ends with the reason of its signal, and what comes later changes nothing', async () => {
    const { settle, wait } = begun();
    aborter.abort(new Error('shutting down'));
    isClean();
    settle.resolve('too late');
    await assert.rejects(wait, /shutting down/);
    isClean();
  });

  it('ends with an error', async () => {
    const { settle, wait } = begun();
    settle.reject(new Error('broken'));
    await assert.rejects(wait, /broken/);
    isClean();
  });

  it('cleans up when it ends before it has begun to wait', async () => {
    const wait = abortable<string>(aborter.signal, ({ resolve }) => {
      resolve('at once');
      return undo;
    });
    assert.equal(await wait, 'at once');
    isClean();
  });

  it('does not begin once its signal has aborted', async () => {
    aborter.abort(new Error('shutting down'));
    await assert.rejects(
      abortable(aborter.signal, () => assert.fail('it began')),
      /shutting down/,
    );
  });

  it('does not wait for work that ignores its signal', async () => {
    const wait = orAborted(new Promise<string>(() => undefined), aborter.signal);
    aborter.abort(new Error('shutting down'));
    await assert.rejects(wait, /shutting down/);
    assert.equal(await orAborted(Promise.resolve('done'), new AbortController().signal), 'done');
  });
});
