import assert from 'node:assert/strict';
import { AnsweringThread } from '../../../../src/adapters/storage/sqlite/answering-thread.ts';
import { JournalProblem } from '../../../../src/adapters/storage/sqlite/file/journal-problem.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';

describe('A thread that answers', () => {
  function thread(script: string) {
    const settings = { data: () => 2, name: 'the reader', late: 'the journal was not read', maxWaiting: 2 };
    const url = new URL(`data:text/javascript,${encodeURIComponent(script)}`);
    return new AnsweringThread<string, string>({ script: url, ...settings });
  }
  const NODE = "import { parentPort, workerData } from 'node:worker_threads';";
  const ECHO = `${NODE} parentPort.on('message', (value) => parentPort.postMessage({ ok: true, value: value + workerData }))`;

  it('answers each request in its turn, and lets only so many wait', async () => {
    const echo = thread(ECHO);
    const [one, two, three] = ['a', 'b', 'c'].map(async (word) => echo.ask(word));
    await assert.rejects(three ?? Promise.resolve(), /2 requests to the reader wait already/);
    assert.deepEqual([await one, await two, await echo.ask('d')], ['a2', 'b2', 'd2']);
    await echo.close('end');
  });

  it('is given up when it does not answer in time, at once for whoever asks next, and asked again when it does', async () => {
    const [clock, end] = [new FakeClock(), new AbortController()];
    const gate = new SharedArrayBuffer(4);
    const settings = { name: 'the reader', late: 'the journal was not read', maxWaiting: 9 };
    const script = `${NODE} Atomics.wait(new Int32Array(workerData), 0, 0); ${ECHO.slice(NODE.length)}`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(script.replace('value + workerData', 'value'))}`);
    const stuck = new AnsweringThread<string, string>({ script: url, data: () => gate, ...settings });
    void stuck.watch(clock, end);
    const asked = stuck.ask('a').catch((error: unknown) => error);
    await clock.advance(5_000);
    const error = await asked;
    assert.ok(error instanceof JournalProblem && error.kind === 'place');
    assert.equal(error.message, 'the journal was not read within 4000 ms');
    await assert.rejects(stuck.ask('b'), /was not read within/);
    Atomics.store(new Int32Array(gate), 0, 1);
    Atomics.notify(new Int32Array(gate), 0);
    while ((await stuck.ask('c').catch(() => undefined)) !== 'c') await new Promise(setImmediate);
    end.abort();
    await stuck.close('end');
  });

  it('says that it ended, and is there again for the next request', async () => {
    const mortal = thread(`${NODE} parentPort.on('message', (word) => {
      if (word === 'die') throw new Error('no more');
      parentPort.postMessage({ ok: true, value: word });
    })`);
    await assert.rejects(mortal.ask('die'), /the reader ended: Error: no more/);
    assert.equal(await mortal.ask('live'), 'live');
    await mortal.close('end');
  });

  it('answers what was asked before it is closed, and leaves nobody waiting who asks during or after that', async () => {
    const echo = thread(`${NODE} parentPort.on('message', (word) => {
      parentPort.postMessage({ ok: true, value: word });
      if (word === 'end') parentPort.close();
    })`);
    const before = echo.ask('a');
    const closed = echo.close('end');
    await assert.rejects(echo.ask('b'), /the reader is closed/);
    assert.equal(await before, 'a');
    await closed;
    await assert.rejects(echo.ask('c'), /the reader is closed/);
  });
});
