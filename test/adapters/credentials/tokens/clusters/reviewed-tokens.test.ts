import assert from 'node:assert/strict';
import {
  PAUSE_MS,
  REFUSED_FOR_MS,
  ReviewedTokens,
} from '../../../../../src/adapters/credentials/tokens/clusters/reviewed-tokens.ts';
import type { ReviewedToken } from '../../../../../src/ports/cluster/token-reviews.ts';
import { FakeClock, NOON_MS } from '../../../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../../../support/fakes/recorded-events.ts';
import { FakeTokenReviews } from '../../../../support/fakes/token-reviews.ts';

const HOUR_MS = 3_600_000;
const SEEN = { anew: false, expiresAtMs: NOON_MS + HOUR_MS };
const ANEW = { ...SEEN, anew: true };
const WAITING = { signal: new AbortController().signal };

describe('A token that the API server is to confirm', () => {
  let clock: FakeClock;
  let api: FakeTokenReviews;
  let events: RecordedEvents;
  let reviewed: ReviewedTokens;
  beforeEach(() => {
    clock = new FakeClock();
    api = new FakeTokenReviews();
    events = recordEvents();
    reviewed = new ReviewedTokens({ clock, reviews: api, events }, { perSecond: 2, burst: 3 });
  });

  const review = async (token = 'one', asked = SEEN): Promise<ReviewedToken['outcome']> =>
    (await reviewed.review(token, asked, WAITING)).outcome;
  const outcomes = (): readonly unknown[] => events.of('tokenReviewed').map(({ outcome }) => outcome);

  it('is asked about once, and known until its own end', async () => {
    assert.deepEqual([await review(), await review()], ['confirmed', 'confirmed']);
    assert.deepEqual(api.asked, ['one']);
    clock.jumpTo(NOON_MS + HOUR_MS);
    await review();
    assert.equal(api.asked.length, 2);
    assert.deepEqual(outcomes(), ['confirmed', 'confirmed']);
  });

  it('is asked about each time where that is wanted', async () => {
    assert.deepEqual([await review('one', ANEW), await review('one', ANEW)], ['confirmed', 'confirmed']);
    assert.equal(api.asked.length, 2);
  });

  it('is asked about once for however many calls show it at the same time', async () => {
    const { promise, resolve } = Promise.withResolvers<ReviewedToken>();
    api.answer = promise;
    const all = [review('one', ANEW), review('one', ANEW), review()];
    resolve({ outcome: 'refused', why: 'its pod is gone' });
    assert.deepEqual(await Promise.all(all), ['refused', 'refused', 'refused']);
    assert.equal(api.asked.length, 1);
  });

  it('is refused again without a question for a while, also where each time is wanted', async () => {
    api.answer = { outcome: 'refused', why: 'its pod is gone' };
    assert.deepEqual([await review(), await review('one', ANEW)], ['refused', 'refused']);
    assert.equal(api.asked.length, 1);
    clock.jumpTo(NOON_MS + REFUSED_FOR_MS);
    await review();
    assert.equal(api.asked.length, 2);
  });

  it('beyond the agreed rate is not asked about, and no later for that: the keys decide', async () => {
    for (const token of ['a', 'b', 'c']) assert.equal(await review(token), 'confirmed');
    assert.equal(await review('d'), 'unavailable');
    clock.pass(500);
    assert.equal(await review('d'), 'confirmed', 'two in a second');
    assert.equal(await review('e'), 'unavailable');
    assert.deepEqual(api.asked, ['a', 'b', 'c', 'd']);
    assert.deepEqual(outcomes(), ['confirmed', 'confirmed', 'confirmed', 'skipped', 'confirmed', 'skipped']);
  });

  it('is not asked about while as many others are under way, however slow the API server is', async () => {
    const { promise, resolve } = Promise.withResolvers<ReviewedToken>();
    api.answer = promise;
    const all = ['a', 'b', 'c'].map(async (token) => review(token));
    clock.pass(60_000);
    assert.equal(await review('d'), 'unavailable');
    resolve({ outcome: 'confirmed', username: '' });
    assert.deepEqual(await Promise.all(all), ['confirmed', 'confirmed', 'confirmed']);
  });

  it('is not asked about for a while after the API server did not answer, so that nobody waits in vain', async () => {
    api.answer = { outcome: 'unavailable', why: 'connection refused' };
    assert.deepEqual([await review(), await review('two')], ['unavailable', 'unavailable']);
    assert.equal(api.asked.length, 1);
    assert.equal(reviewed.problem, 'connection refused');
    api.answer = { outcome: 'confirmed', username: '' };
    clock.pass(PAUSE_MS);
    assert.equal(await review(), 'confirmed', 'nothing was remembered of the failure');
    assert.equal(reviewed.problem, undefined);
  });

  it('is not asked about before the API server says that it may be', async () => {
    api.answer = { outcome: 'unavailable', why: '429 TooManyRequests', retryAfterMs: 30_000 };
    await review();
    api.answer = { outcome: 'confirmed', username: '' };
    clock.pass(29_999);
    assert.equal(await review(), 'unavailable');
    assert.equal(api.asked.length, 1);
    clock.pass(1);
    assert.equal(await review(), 'confirmed');
  });

  it('is waited for by one caller alone while it is found out whether the API server is back', async () => {
    api.answer = { outcome: 'unavailable', why: 'no answer in 2000 ms' };
    await review();
    clock.pass(PAUSE_MS);
    const { promise, resolve } = Promise.withResolvers<ReviewedToken>();
    api.answer = promise;
    const probe = review('a');
    assert.equal(await review('b'), 'unavailable');
    resolve({ outcome: 'confirmed', username: '' });
    assert.equal(await probe, 'confirmed');
    assert.equal(await review('b'), 'confirmed');
  });

  it('is not waited for by a caller that is gone, and goes on being reviewed for others', async () => {
    const { promise, resolve } = Promise.withResolvers<ReviewedToken>();
    api.answer = promise;
    const gone = new AbortController();
    const left = reviewed.review('one', SEEN, { signal: gone.signal });
    const stays = review();
    gone.abort(new Error('the client is gone'));
    await assert.rejects(left, /the client is gone/);
    resolve({ outcome: 'confirmed', username: '' });
    assert.equal(await stays, 'confirmed');
    assert.equal(api.asked.length, 1);
  });
});
