import assert from 'node:assert/strict';
import { ClusterKeys, READ_EVERY_MS } from '../../../../../src/adapters/credentials/tokens/clusters/cluster-keys.ts';
import { FETCH_COOLDOWN_MS } from '../../../../../src/adapters/credentials/tokens/fetched-keys.ts';
import { FakeClock, NOON_MS } from '../../../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../../../support/fakes/recorded-events.ts';
import { FakeTokenKeyDocuments } from '../../../../support/fakes/token-reviews.ts';
import { ISSUER, signingKey, type SigningKey } from '../token-maker.ts';

const STALE_AFTER_MS = 900_000;
const AWAY = new Error('the API server cannot be reached');

describe('The keys of an API server', () => {
  let one: SigningKey;
  let clock: FakeClock;
  let events: RecordedEvents;
  let documents: FakeTokenKeyDocuments;
  let keys: ClusterKeys;
  let stop: AbortController;
  before(async () => (one = await signingKey('one')));
  beforeEach(() => {
    clock = new FakeClock();
    events = recordEvents();
    documents = new FakeTokenKeyDocuments({ issuer: ISSUER, keys: { keys: [one.jwk] } });
    keys = new ClusterKeys({ clock, events, documents }, { cluster: 'main', staleAfterMs: STALE_AFTER_MS });
    stop = new AbortController();
  });
  afterEach(() => stop.abort());
  const start = async (): Promise<void> => {
    await keys.start({ signal: stop.signal });
    await clock.advance(0);
  };
  const kept = (ageMs: number): void => {
    documents.before = { issuer: ISSUER, keys: { keys: [one.jwk] }, readAtMs: NOON_MS - ageMs };
  };

  it('are read at the start and every minute, though nobody shows a token, with the name that it gives itself', async () => {
    await start();
    assert.equal(keys.issuer, ISSUER);
    assert.ok(keys.peek());
    await clock.advance(2 * READ_EVERY_MS);
    assert.equal(documents.reads, 3);
    assert.equal(keys.seenBeforeStartMs(), undefined);
  });

  it('are read more often where they count for a minute alone, so that an outage never begins with their end', async () => {
    const staleAfterMs = 60_000;
    keys = new ClusterKeys({ clock, events, documents }, { cluster: 'main', staleAfterMs });
    await start();
    await clock.advance(staleAfterMs - 1);
    documents.document = AWAY;
    await clock.advance((staleAfterMs * 3) / 4);
    assert.ok(await keys.current({ signal: stop.signal }));
  });

  it('stop no start while they cannot be had: tokens are told to wait, and it is said', async () => {
    documents.document = AWAY;
    await start();
    await assert.rejects(keys.current({ signal: stop.signal }), { reason: 'CAP-S05' });
    assert.match(keys.problem() ?? '', /of the cluster main could not be fetched/);
    assert.match(
      String(events.of('reloadFailed')[0]?.problem),
      /of the cluster main: the API server cannot be reached/,
    );
    documents.document = { issuer: ISSUER, keys: { keys: [one.jwk] } };
    await clock.advance(READ_EVERY_MS);
    assert.equal(keys.problem(), undefined);
  });

  it('of before a restart serve while it is away, as long as what was known of it would have', async () => {
    kept(60_000);
    documents.document = AWAY;
    await start();
    assert.equal(keys.issuer, ISSUER);
    assert.ok(await keys.current({ signal: stop.signal }));
    assert.equal(keys.seenBeforeStartMs(), 60_000);
    clock.pass(STALE_AFTER_MS - 60_000);
    assert.equal(keys.seenBeforeStartMs(), undefined);
    clock.pass(FETCH_COOLDOWN_MS);
    await assert.rejects(keys.current({ signal: stop.signal }), { reason: 'CAP-S05' });
  });

  it('of before a restart say nothing once it answers', async () => {
    kept(60_000);
    await start();
    assert.equal(keys.seenBeforeStartMs(), undefined);
  });

  for (const [what, ageMs] of [
    ['too old', STALE_AFTER_MS],
    ['from the future', -1],
  ] as const) {
    it(`of before a restart that are ${what} are not used`, async () => {
      kept(ageMs);
      documents.document = AWAY;
      await start();
      assert.equal(keys.peek(), undefined);
      assert.equal(keys.seenBeforeStartMs(), undefined);
    });
  }

  it('of before a restart that are none are said, and not used', async () => {
    kept(0);
    documents.before = { ...documents.before!, keys: 'none' };
    documents.document = AWAY;
    await start();
    assert.equal(keys.peek(), undefined);
    assert.match(String(events.of('reloadFailed')[0]?.problem), /kept keys of the cluster main: is not a JWK set/);
  });
});
