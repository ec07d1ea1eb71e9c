import assert from 'node:assert/strict';
import { Alarm, type AlarmEnd } from '../../src/live/alarm.ts';
import { FakeClock, NOON_MS, settle } from '../support/fakes/fake-clock.ts';

const NEVER = { signal: new AbortController().signal };

describe('An alarm', () => {
  let clock: FakeClock;
  let alarm: Alarm;
  beforeEach(() => {
    clock = new FakeClock();
    alarm = new Alarm(clock);
  });

  it('ends a sleep when its time has come', async () => {
    const end = alarm.sleep(1_000, NEVER);
    await clock.advance(1_000);
    assert.equal(await end, 'reached');
  });

  it('ends a sleep when somebody rings', async () => {
    const end = alarm.sleep(1_000, NEVER);
    alarm.ring();
    assert.equal(await end, 'rung');
    assert.equal(clock.sleepers, 0);
  });

  it('keeps a ring for the next sleep, and only for that one', async () => {
    alarm.ring();
    alarm.ring();
    assert.equal(alarm.rung, true);
    assert.equal(await alarm.sleep(1_000, NEVER), 'rung');
    assert.equal(alarm.rung, false);
    const ends: AlarmEnd[] = [];
    void alarm.sleep(1_000, NEVER).then((end) => ends.push(end));
    await settle();
    assert.deepEqual(ends, []);
    await clock.advance(1_000);
    assert.deepEqual(ends, ['reached']);
  });

  it('ends a sleep with its signal, without an error', async () => {
    const over = new AbortController();
    const end = alarm.sleep(1_000, { signal: over.signal });
    over.abort();
    assert.equal(await end, 'aborted');
    assert.equal(await alarm.sleep(1_000, { signal: over.signal }), 'aborted');
  });

  it('waits for a moment of the wall clock, and says when that clock is set', async () => {
    const reached = alarm.sleepUntil(NOON_MS + 5_000, NEVER);
    await clock.advance(5_000);
    assert.equal(await reached, 'reached');
    const stepped = alarm.sleepUntil(NOON_MS + 60_000, NEVER);
    clock.jumpTo(NOON_MS - 3_600_000);
    await clock.advance(1_000);
    assert.equal(await stepped, 'stepped');
  });

  it('hands on what else breaks a wait', async () => {
    const sleep = async (): Promise<void> => Promise.reject(new Error('no timers left'));
    const broken = new Alarm({ sleep, sleepUntil: async () => 'reached' });
    await assert.rejects(broken.sleep(1_000, NEVER), /no timers left/);
  });
});
