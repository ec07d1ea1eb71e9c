import assert from 'node:assert/strict';
import { NamespaceTurns, type Turn, type TurnLimits } from '../../../src/authority/issuing/namespace-turns.ts';
import { NEVER, refusalOf } from '../../support/authority-parts.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';

const ONE_PLACE: TurnLimits = { atOnce: 1, waitingEach: 3, maxWaitMs: 4_000 };

describe('Turns of namespaces', () => {
  const clock = new FakeClock();
  const events = recordEvents();
  const turnsWith = (limits: Partial<TurnLimits> = {}): NamespaceTurns =>
    new NamespaceTurns({ clock, events }, { ...ONE_PLACE, ...limits });

  /** Takes a turn and ends it at once when it comes; notes in which order turns came. */
  async function note(turns: NamespaceTurns, namespace: string, order: string[]): Promise<void> {
    const turn = await turns.take(namespace, { signal: NEVER });
    order.push(namespace);
    await settle();
    turn.end();
  }

  it('are given at once while there is room', async () => {
    const turns = turnsWith({ atOnce: 2 });
    await turns.take('shop', { signal: NEVER });
    await turns.take('shop', { signal: NEVER });
    assert.equal(turns.waiting, 0);
  });

  it('go round the namespaces that wait, whoever of them came first and however many it has', async () => {
    const turns = turnsWith();
    const first = await turns.take('noisy', { signal: NEVER });
    const order: string[] = [];
    const all = ['noisy', 'noisy', 'noisy', 'shop', 'bank', 'shop'].map(async (one) => note(turns, one, order));
    await settle();
    assert.equal(turns.waiting, 6);
    first.end();
    await Promise.all(all);
    assert.deepEqual(order, ['noisy', 'shop', 'bank', 'noisy', 'shop', 'noisy']);
  });

  it('are refused with a hint when the line of the namespace is full, and others still wait', async () => {
    const turns = turnsWith();
    const turn = await turns.take('shop', { signal: NEVER });
    const waiting = [1, 2, 3].map(async () => turns.take('noisy', { signal: NEVER }));
    const refusal = await refusalOf(turns.take('noisy', { signal: NEVER }));
    assert.equal(refusal.reason, 'CAP-Q01');
    assert.match(refusal.message, /3 of namespace noisy wait already \(fairness\.waitingPerNamespace\)/);
    assert.ok((refusal.retryAfterMs ?? 0) > 0);
    const other = turns.take('bank', { signal: NEVER });
    assert.deepEqual(events.of('noTurn').at(-1), { cause: 'line_full' });
    turn.end();
    await Promise.all([...waiting, other].map(async (next) => (await next).end()));
    assert.equal(turns.waiting, 0);
  });

  it('that do not come in time are refused, while the caller can still be told', async () => {
    const turns = turnsWith();
    await turns.take('shop', { signal: NEVER });
    const late = refusalOf(turns.take('bank', { signal: NEVER }));
    await clock.advance(4_000);
    assert.equal((await late).reason, 'CAP-Q01');
    assert.deepEqual(events.of('noTurn').at(-1), { cause: 'too_late' });
    assert.equal(turns.waiting, 0);
  });

  it('are given up when the caller leaves, and go to the next', async () => {
    const turns = turnsWith();
    const turn = await turns.take('shop', { signal: NEVER });
    const gone = new AbortController();
    const left = turns.take('bank', { signal: gone.signal });
    const next = turns.take('mail', { signal: NEVER });
    gone.abort(new Error('gone'));
    await assert.rejects(left, /gone/);
    assert.equal(turns.waiting, 1);
    turn.end();
    (await next).end();
    assert.deepEqual(events.of('noTurn').at(-1), { cause: 'gone' });
  });

  it('have no bound for the patient, whose number is bounded elsewhere', async () => {
    const turns = turnsWith({ waitingEach: 1 });
    const turn = await turns.take('shop', { signal: NEVER });
    const patient = [1, 2, 3].map(async () => turns.take('shop', { signal: NEVER, patient: true }));
    await clock.advance(60_000);
    assert.equal(turns.waiting, 3);
    turn.end();
    for (const next of patient) (await next).end();
  });

  it('are ended once, however often that is said', async () => {
    const turns = turnsWith({ atOnce: 2 });
    const turn: Turn = await turns.take('shop', { signal: NEVER });
    turn.end();
    turn.end();
    for (let taken = 0; taken < 2; taken += 1) await turns.take('shop', { signal: NEVER });
    void refusalOf(turns.take('shop', { signal: AbortSignal.timeout(1) }));
    assert.equal(turns.waiting, 1, 'a place that is ended twice is not two places');
  });
});
