import assert from 'node:assert/strict';
import {
  FIRST_AFTER_MS,
  LOOK_WITHIN_MS,
  RogueWatch,
  type RogueLook,
  type RogueWatchParts,
} from '../../../src/authority/estate/rogue-watch.ts';
import type { RogueFacts } from '../../../src/ports/platform/events.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';

const EVERY_MS = 15 * 60_000;

const rogue = (name: string, sha256 = name): RogueFacts => ({
  ...{ kind: 'self-signed-ca', name, sha256, place: `Secret shop/${name}` },
  ...{ privateKey: true, expired: false },
});
const lookOf = (...rogues: RogueFacts[]): RogueLook<readonly string[]> => ({
  findings: rogues.map(({ name }) => name),
  rogues,
  counts: { 'self-signed-ca': rogues.length },
  missed: { count: 0, first: [] },
});

describe('The look for rogue CAs that a server takes by itself', () => {
  let clock: FakeClock;
  let events: RecordedEvents;
  let end: AbortController;
  let look: RogueWatchParts<readonly string[]>['look'];
  let looks: number;
  let watch: RogueWatch<readonly string[]>;
  let running: Promise<void>;
  beforeEach(async () => {
    [clock, events, end, looks] = [new FakeClock(), recordEvents(), new AbortController(), 0];
    look = async () => lookOf(rogue('shadow'));
    const counted = async (options: { readonly signal: AbortSignal }) => {
      looks += 1;
      return look(options);
    };
    watch = new RogueWatch({ look: counted, clock, events }, { everyMs: EVERY_MS });
    running = watch.run(end);
    await settle();
  });
  afterEach(async () => {
    end.abort();
    await running;
  });

  const found = (): readonly unknown[] => events.of('rogueFound').map(({ name }) => name);

  it('says nothing before the first, which begins a moment after the start', async () => {
    assert.deepEqual(watch.status(), { nowMs: NOON_MS, everyMs: EVERY_MS });
    assert.equal(watch.counts, undefined);
    await clock.advance(FIRST_AFTER_MS);
    const startedMs = NOON_MS + FIRST_AFTER_MS;
    assert.deepEqual(watch.status().looked, { startedMs, endedMs: startedMs, findings: ['shadow'] });
    assert.deepEqual(watch.counts, { 'self-signed-ca': 1 });
  });

  it('tells of each CA once while it is there, and again when it comes back', async () => {
    await clock.advance(FIRST_AFTER_MS);
    look = async () => lookOf(rogue('shadow'), rogue('new'));
    await clock.advance(EVERY_MS);
    assert.deepEqual(found(), ['shadow', 'new']);
    look = async () => lookOf(rogue('new'));
    await clock.advance(EVERY_MS);
    look = async () => lookOf(rogue('shadow'), rogue('new'));
    await clock.advance(EVERY_MS);
    assert.deepEqual(found(), ['shadow', 'new', 'shadow']);
  });

  it('keeps what was found when a later one fails, says why, and tries again', async () => {
    await clock.advance(FIRST_AFTER_MS);
    look = async () => Promise.reject(new Error('the API server does not answer'));
    await clock.advance(EVERY_MS);
    assert.deepEqual(watch.status().looked?.findings, ['shadow']);
    assert.equal(watch.status().problem?.why, 'the API server does not answer');
    assert.equal(watch.health.state, 'degraded');
    look = async () => lookOf();
    await clock.advance(EVERY_MS);
    assert.deepEqual([watch.status().problem, watch.health.state], [undefined, 'ready']);
    assert.deepEqual(watch.status().looked?.findings, []);
  });

  it('is degraded, and says by what, when it could not look everywhere: that less is found is no good news', async () => {
    const missed = { count: 3, first: ['secrets may not be listed', '/etc/istio does not exist'] };
    look = async () => ({ ...lookOf(), missed });
    await clock.advance(FIRST_AFTER_MS);
    const why = 'secrets may not be listed; /etc/istio does not exist; and 1 more';
    assert.deepEqual(watch.health, { state: 'degraded', why: `the look for rogue CAs did not see all: ${why}` });
    assert.equal(watch.status().problem, undefined);
    look = async () => lookOf();
    await clock.advance(EVERY_MS);
    assert.equal(watch.health.state, 'ready');
  });

  it('ends one that takes too long, and begins no second one meanwhile', async () => {
    look = async ({ signal }) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    await clock.advance(FIRST_AFTER_MS);
    await clock.advance(LOOK_WITHIN_MS - 1);
    assert.equal(looks, 1);
    await clock.advance(1);
    assert.equal(watch.status().problem?.why, 'it took longer than 10 minutes');
  });
});
