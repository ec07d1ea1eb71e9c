import assert from 'node:assert/strict';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { FairAdmission } from '../../../src/adapters/grpc/fair-admission.ts';
import { NEVER } from './wire.ts';

const OPTIONS = { signal: NEVER };

/** Asks for a place, and notes when it is given or refused. */
function asking(admission: FairAdmission, log: string[]) {
  return (owner: string, name = owner, signal = NEVER): void => {
    const note = (error: unknown): void =>
      void log.push(`${name} ${error instanceof AuthorityError ? error.reason : 'gone'}`);
    void admission.enter(owner, { signal }).then(() => void log.push(name), note);
  };
}

const settled = async (): Promise<unknown> => new Promise((resolve) => void setImmediate(resolve));

describe('Admission', () => {
  it('gives one owner its share, and lets another in meanwhile', async () => {
    const log: string[] = [];
    const admission = new FairAdmission({ deadlineMs: 1_000, maxInFlight: 4, maxInFlightEach: 2 });
    const ask = asking(admission, log);
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) ask('a', name);
    ask('b');
    await settled();
    assert.deepEqual(log, ['a1', 'a2', 'b']);
    admission.leave('a');
    await settled();
    assert.deepEqual(log, ['a1', 'a2', 'b', 'a3']);
  });

  it('takes turns by owner when all places are taken, whoever came first', async () => {
    const log: string[] = [];
    const admission = new FairAdmission({ deadlineMs: 1_000, maxInFlight: 2, maxInFlightEach: 2 });
    const ask = asking(admission, log);
    for (const name of ['a1', 'a2', 'a3', 'a4']) ask('a', name);
    ask('b', 'b1');
    ask('c', 'c1');
    await settled();
    for (const owner of ['a', 'a', 'a', 'b']) {
      admission.leave(owner);
      await settled();
    }
    assert.deepEqual(log, ['a1', 'a2', 'a3', 'b1', 'c1', 'a4']);
  });

  it('refuses who has most waiting when too many wait, never who has fewer', async () => {
    const log: string[] = [];
    const admission = new FairAdmission({ deadlineMs: 1_000, maxInFlight: 2, maxInFlightEach: 2 });
    const ask = asking(admission, log);
    for (let i = 1; i <= 7; i += 1) ask('a', `a${i}`);
    ask('b');
    await settled();
    assert.deepEqual(log, ['a1', 'a2', 'a7 CAP-Q01', 'a3 CAP-Q01']);
    admission.leave('a');
    admission.leave('a');
    await settled();
    assert.deepEqual(log.slice(4), ['a4', 'b']);
  });

  it('ends the wait of a caller who leaves, and of one whose turn does not come', async () => {
    const log: string[] = [];
    const admission = new FairAdmission({ deadlineMs: 100, maxInFlight: 1, maxInFlightEach: 1 });
    const ask = asking(admission, log);
    const gone = new AbortController();
    ask('a', 'a1');
    ask('a', 'a2', gone.signal);
    gone.abort(new AuthorityError('CAP-X02'));
    await settled();
    assert.deepEqual(log, ['a1', 'a2 CAP-X02']);
    await assert.rejects(admission.enter('a', OPTIONS), { reason: 'CAP-Q01', retryAfterMs: 200 });
    admission.leave('a');
    await admission.enter('a', OPTIONS);
  });
});
