// An issuer whose keys end with the server, over restarts: what the server before left on record is closed, and a suspension holds.
import assert from 'node:assert/strict';
import { FormerServer } from '../../../../src/authority/chores/rollover/former-server.ts';
import { GenerationMoves } from '../../../../src/authority/chores/rollover/generation-moves.ts';
import { FollowedLedger } from '../../../../src/authority/trust/followed-ledger.ts';
import {
  moved,
  NO_LEDGER,
  recorded,
  standingOf,
  type IssuerLedger,
} from '../../../../src/domain/trust/issuer-ledger.ts';
import type { IssuerAct, LifecycleState } from '../../../../src/domain/trust/issuer-state.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import type { IssuerPair, IssuerPairs } from '../../../../src/ports/issuing/issuer-generations.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { MemoryLedgers } from '../../../support/memory-ledgers.ts';

const WAITING = { signal: NEVER };
const HOUR_MS = 3_600_000;

function pair(id: string): IssuerPair {
  return { id, keyId: `key of ${id}`, subject: 'CN=mesh', notBeforeMs: 0, notAfterMs: NOON_MS + HOUR_MS, chainPem: '' };
}

describe('An issuer whose keys end with the server', () => {
  let ledger: FollowedLedger<IssuerLedger>;
  let ledgers: MemoryLedgers<IssuerLedger>;
  const stop = new AbortController();
  after(() => stop.abort());
  beforeEach(async () => {
    ledgers = new MemoryLedgers<IssuerLedger>(NO_LEDGER);
    ledger = new FollowedLedger({ ledgers, clock: new FakeClock() }, { name: 'the ledger' });
    await ledger.start({ signal: stop.signal });
  });

  const by = (actor: string) => ({ timeMs: NOON_MS, actor, role: 'server', reason: 'a drill' });
  const generation = (id: string, issuer = 'default') => ({ issuer, ...pair(id) });
  const operation = {
    timeMs: NOON_MS,
    operation: 'issuer rotate',
    was: '',
    is: '',
    details: { actor: 'alice', role: 'security' },
  };
  async function on(id: string, from: LifecycleState, to: LifecycleState, issuer?: string): Promise<void> {
    await ledger.change(
      (known) => ({ ...recorded(known, generation(id, issuer), { from, to }, by('capstan')), operation }),
      WAITING,
    );
  }
  async function act(id: string, what: IssuerAct): Promise<void> {
    await ledger.change((known) => {
      const next = moved(known, generation(id), what, 'active', by('alice'));
      return 'problem' in next ? assert.fail(next.problem) : { ...next, operation };
    }, WAITING);
  }
  async function follow(pairs: IssuerPairs, shared = false): Promise<void> {
    const moves = new GenerationMoves({ ledger, events: recordEvents() }, 'default');
    await new FormerServer(moves, { shared }).follow(pairs, NOON_MS, WAITING);
  }
  const last = (id: string): string | undefined => ledger.current().moves.findLast((move) => move.id === id)?.to;

  it('closes what the server before had on record, and nothing of another issuer or of its own', async () => {
    await on('before', 'prepared', 'active');
    await on('next', 'preparing', 'prepared');
    await on('asked', 'preparing', 'preparing');
    await on('waits', 'preparing', 'preparing');
    await on('gold', 'prepared', 'active', 'gold');
    await on('own', 'prepared', 'active');
    await follow({ current: pair('own'), waitingKeyId: 'key of waits' });
    assert.deepEqual(['before', 'next', 'asked', 'waits', 'gold', 'own'].map(last), [
      'retiring',
      'retired',
      'retired',
      'preparing',
      'active',
      'active',
    ]);
    const { length } = ledger.current().moves;
    await follow({ current: pair('own'), waitingKeyId: 'key of waits' });
    assert.equal(ledger.current().moves.length, length, 'once');
  });

  it('leaves the record of a key alone that has its certificate: that goes on as long as its leaves, and can be tainted', async () => {
    const asked = { ...generation('after'), id: 'its key' };
    await ledger.change(
      (known) => ({ ...recorded(known, asked, { from: 'preparing', to: 'preparing' }, by('capstan')), operation }),
      WAITING,
    );
    await on('after', 'preparing', 'prepared');
    await on('after', 'prepared', 'active');
    await follow({ current: pair('own') });
    assert.equal(standingOf(ledger.current(), pair('after'), 'active').state, 'retiring');
    await act('after', 'taint');
    assert.equal(last('after'), 'tainted');
  });

  it('leaves what is on record alone where other servers sign by the same name: nobody can tell whose it is', async () => {
    await on('theirs', 'prepared', 'active');
    await follow({ prepared: pair('own') }, true);
    assert.equal(last('theirs'), 'active');
    assert.equal(last('own'), undefined);
  });

  it('comes in force suspended where it was suspended, and signs when it is resumed, after later restarts too', async () => {
    await act('before', 'suspend');
    await on('own', 'preparing', 'prepared');
    await follow({ prepared: pair('own') });
    assert.equal(last('own'), 'suspended');
    await act('own', 'resume');
    assert.equal(last('own'), 'active');
    await on('after', 'preparing', 'prepared');
    await follow({ prepared: pair('after') });
    assert.equal(last('after'), 'prepared');
  });

  it('comes in force as it is where the one before was tainted or resumed', async () => {
    await act('resumed', 'suspend');
    await act('resumed', 'resume');
    await act('tainted', 'suspend');
    await act('tainted', 'taint');
    await on('own', 'preparing', 'prepared');
    await follow({ prepared: pair('own') });
    assert.equal(last('own'), 'prepared');
  });

  it('comes in force suspended while any of the name is, where servers share the record', async () => {
    await act('theirs', 'suspend');
    await act('another', 'suspend');
    await act('another', 'resume');
    await on('own', 'preparing', 'prepared');
    await follow({ prepared: pair('own') }, true);
    assert.equal(last('own'), 'suspended');
  });

  it('takes nothing over for what follows one in force: that waits by itself', async () => {
    await act('current', 'suspend');
    await on('own', 'preparing', 'prepared');
    await follow({ current: pair('current'), prepared: pair('own') });
    assert.equal(last('own'), 'prepared');
  });
});
