import assert from 'node:assert/strict';
import { AuthorityError } from '../../../src/domain/errors.ts';
import {
  MAX_ASKS,
  MAX_MESSAGE_LENGTH,
  MAX_UNSENT_LENGTH,
  MessageLink,
} from '../../../src/adapters/processes/message-link.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { linkedPair } from '../../support/fakes/linked-pair.ts';

const never = { signal: new AbortController().signal };
const unavailable = { code: 'dependency_unavailable', reason: 'CAP-S04' };
const forever = async (): Promise<never> => new Promise(() => undefined);

describe('The link between supervisor and worker', () => {
  it('answers what one end asks the other, in either direction and beside one another', async () => {
    const { supervisor, worker } = linkedPair(new FakeClock());
    supervisor.serve('sum', (body) => (body as number[]).reduce((sum, one) => sum + one, 0));
    worker.serve('name', async () => Promise.resolve({ name: 'worker' }));
    const answers = [
      worker.ask('sum', [1, 2], never),
      supervisor.ask('name', null, never),
      worker.ask('sum', [], never),
    ];
    assert.deepEqual(await Promise.all(answers), [3, { name: 'worker' }, 0]);
  });

  it('takes messages without an answer in their order', async () => {
    const { supervisor, worker } = linkedPair(new FakeClock());
    const seen: unknown[] = [];
    worker.serve('changed', (body) => void seen.push(body) as never);
    supervisor.tell('changed', 'a');
    supervisor.tell('changed', { b: [null] });
    await settle();
    assert.deepEqual(seen, ['a', { b: [null] }]);
  });

  it('refuses at one end as the other end refused: reason, detail and violations', async () => {
    const { supervisor, worker } = linkedPair(new FakeClock());
    const violations = [{ path: 'a', actual: '1', allowed: '2' }];
    supervisor.serve('spend', () => {
      throw new AuthorityError('CAP-Q03', { detail: 'the namespace shop', violations });
    });
    await assert.rejects(worker.ask('spend', 1, never), {
      reason: 'CAP-Q03',
      detail: 'the namespace shop',
      violations,
    });
  });

  it('says nothing of a mistake of ours to the other end, and reports it here', async () => {
    const reported: unknown[] = [];
    const { supervisor, worker } = linkedPair(new FakeClock(), (topic) => reported.push(topic));
    supervisor.serve('sign', () => {
      throw new TypeError('the secret is 42');
    });
    await assert.rejects(worker.ask('sign', 1, never), (error: AuthorityError) => {
      assert.doesNotMatch(JSON.stringify([error.message, error.detail]), /42/);
      return error.reason === 'CAP-S04';
    });
    assert.deepEqual(reported, ['sign']);
  });

  it('refuses what nobody serves at once', async () => {
    const { worker } = linkedPair(new FakeClock());
    await assert.rejects(worker.ask('nothing', null, never), unavailable);
  });

  it('waits two seconds for an answer, and the other end hears that nobody waits any more', async () => {
    const clock = new FakeClock();
    const { supervisor, worker } = linkedPair(clock);
    let given: AbortSignal | undefined;
    supervisor.serve('slow', async (_, { signal }) => {
      given = signal;
      return forever();
    });
    const asked = assert.rejects(worker.ask('slow', null, never), unavailable);
    await clock.advance(1_999);
    assert.equal(given?.aborted, false);
    await clock.advance(1);
    await asked;
    assert.equal(given.aborted, true);
  });

  it('waits as long as whoever asks says, and tells what is not known from what was not done', async () => {
    const clock = new FakeClock();
    const { supervisor, worker, cut } = linkedPair(clock);
    supervisor.serve('change', forever);
    const options = { ...never, withinMs: 8_000, changes: true };
    const unknown = { code: 'dependency_unavailable', reason: 'CAP-O06', detail: /did not answer within 8000 ms/ };
    const late = assert.rejects(worker.ask('change', null, options), unknown);
    await clock.advance(8_000);
    await late;
    const gone = assert.rejects(worker.ask('change', null, options), { ...unknown, detail: /it is gone/ });
    await settle();
    cut();
    await gone;
    await assert.rejects(worker.ask('change', null, options), unavailable, 'it was never sent');
  });

  it('gives up with the reason of the signal, at both ends', async () => {
    const { supervisor, worker } = linkedPair(new FakeClock());
    const asking = new AbortController();
    const atHandler = new Promise<AbortSignal>((resolve) => {
      supervisor.serve('slow', async (_, { signal }) => {
        resolve(signal);
        return forever();
      });
    });
    const asked = worker.ask('slow', null, { signal: asking.signal });
    const { aborted } = await atHandler;
    asking.abort(new Error('no need'));
    await assert.rejects(asked, /no need/);
    await settle();
    assert.deepEqual([aborted, (await atHandler).aborted], [false, true]);
    await assert.rejects(worker.ask('slow', null, { signal: asking.signal }), /no need/);
  });

  it('ends every wait when the other end is gone, and refuses further ones', async () => {
    const { supervisor, worker, cut } = linkedPair(new FakeClock());
    let given: AbortSignal | undefined;
    supervisor.serve('slow', async (_, { signal }) => {
      given = signal;
      return forever();
    });
    const asked = assert.rejects(worker.ask('slow', null, never), unavailable);
    await settle();
    cut();
    await asked;
    assert.equal(given?.aborted, true);
    assert.equal(worker.closed.aborted, true);
    await assert.rejects(worker.ask('slow', null, never), unavailable);
    worker.tell('slow', null);
  });

  it(`refuses one ask more than ${MAX_ASKS} that wait`, async () => {
    const clock = new FakeClock();
    const { supervisor, worker } = linkedPair(clock);
    supervisor.serve('slow', forever);
    const waiting: Promise<unknown>[] = [];
    for (let sent = 0; sent < MAX_ASKS; sent += 1) {
      waiting.push(assert.rejects(worker.ask('slow', null, never), unavailable));
    }
    await assert.rejects(worker.ask('slow', null, never), /2048 requests wait already/);
    await clock.advance(2_000);
    await Promise.all(waiting);
  });

  it('refuses a message that is too long, on its way there and on its way back', async () => {
    const { supervisor, worker } = linkedPair(new FakeClock());
    supervisor.serve('repeat', (length) => 'x'.repeat(length as number));
    await assert.rejects(worker.ask('repeat', 'x'.repeat(MAX_MESSAGE_LENGTH), never), unavailable);
    await assert.rejects(worker.ask('repeat', MAX_MESSAGE_LENGTH, never), unavailable);
  });

  it('keeps a bounded length for an end that reads nothing, and goes on when it reads', async () => {
    let waiting = 0;
    const sent: (() => void)[] = [];
    const link = new MessageLink({
      clock: new FakeClock(),
      onFailure: assert.fail,
      channel: {
        open: true,
        send: (text, _handle, done) => {
          waiting += text.length;
          sent.push(done);
        },
        listen: () => undefined,
      },
    });
    const numbers = 'x'.repeat(1024 * 1024);
    for (let second = 0; second < 100; second += 1) link.tell('numbers', numbers);
    assert.ok(waiting > MAX_UNSENT_LENGTH / 2 && waiting <= MAX_UNSENT_LENGTH, `${waiting}`);
    await assert.rejects(link.ask('sum', numbers, never), unavailable);
    for (const done of sent.splice(0)) done();
    link.tell('numbers', numbers);
    assert.equal(sent.length, 1);
  });

  it('has one handler for a topic', () => {
    const { worker } = linkedPair(new FakeClock());
    worker.serve('sum', () => null);
    assert.throws(() => worker.serve('sum', () => null), /two handlers/);
  });
});
