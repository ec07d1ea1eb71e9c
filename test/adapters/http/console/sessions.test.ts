import assert from 'node:assert/strict';
import { Sessions } from '../../../../src/adapters/http/console/sessions.ts';
import { LOCAL_OPERATOR } from '../../../../src/authority/administration/roles.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const MINUTE_MS = 60_000;
const SETTINGS = { idleMs: 30 * MINUTE_MS, longestMs: 8 * 60 * MINUTE_MS };
const BY_HAND = { automatic: false };
const BY_ITSELF = { automatic: true };
const ALICE = { operator: { ...LOCAL_OPERATOR, actor: 'alice' } };

describe('Sessions of the console', () => {
  let clock: FakeClock;
  let sessions: Sessions;
  beforeEach(() => {
    clock = new FakeClock();
    sessions = new Sessions({ clock, random: new SeededRandom() }, SETTINGS);
  });

  it('say who signed in, and until when at the latest', () => {
    const id = sessions.open(ALICE);
    const session = sessions.find(id, BY_HAND);
    assert.equal(session?.operator.actor, 'alice');
    assert.equal(session.endsMs, clock.nowMs() + SETTINGS.longestMs);
  });

  it('are over when nobody does anything, whatever a page that is left open asks by itself', async () => {
    const id = sessions.open(ALICE);
    for (let minute = 0; minute < 29; minute += 1) {
      await clock.advance(MINUTE_MS);
      assert.ok(sessions.find(id, BY_ITSELF));
    }
    await clock.advance(MINUTE_MS);
    assert.equal(sessions.find(id, BY_ITSELF), undefined);
    assert.equal(sessions.find(id, BY_HAND), undefined);
  });

  it('are over after eight hours, whatever somebody does', async () => {
    const id = sessions.open(ALICE);
    for (let minutes = 0; minutes < 8 * 60 - 20; minutes += 20) {
      await clock.advance(20 * MINUTE_MS);
      assert.ok(sessions.find(id, BY_HAND), String(minutes));
    }
    await clock.advance(20 * MINUTE_MS);
    assert.equal(sessions.find(id, BY_HAND), undefined);
  });

  it('are of no use to who has the id of one that was ended', () => {
    const id = sessions.open(ALICE);
    sessions.close(id);
    assert.equal(sessions.find(id, BY_HAND), undefined);
  });

  it('are of no use without the client certificate that they began with', () => {
    const id = sessions.open({ ...ALICE, certificate: 'AA:BB' });
    assert.equal(sessions.find(id, BY_HAND), undefined);
    assert.equal(sessions.find(id, { ...BY_HAND, certificate: 'CC:DD' }), undefined);
    assert.ok(sessions.find(id, { ...BY_HAND, certificate: 'AA:BB' }));
  });

  it('are at most twenty of one person, and cost nobody else a session', () => {
    const bob = sessions.open({ operator: { ...LOCAL_OPERATOR, actor: 'bob' } });
    const ids = Array.from({ length: 25 }, () => sessions.open(ALICE));
    assert.equal(ids.filter((id) => sessions.find(id, BY_HAND) !== undefined).length, 20);
    assert.ok(sessions.find(bob, BY_HAND));
  });
});
