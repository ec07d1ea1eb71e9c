// A PIN that is new to all workers of a server is tried by one of them.
import assert from 'node:assert/strict';
import { Pkcs11Opener, writeReference } from '../../../../src/adapters/issuers/pkcs11/pkcs11-opener.ts';
import { KeyFailure } from '../../../../src/live/key-failure.ts';
import { relayedPinTurns, SharedPinTurns } from '../../../../src/adapters/processes/relays/pin-turns.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import type { PinTurns } from '../../../../src/ports/issuing/pin-turns.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeToken } from '../../../support/fakes/keys/fake-token.ts';
import { linkedPair } from '../../../support/fakes/linked-pair.ts';

const OPTIONS = { signal: NEVER };
const REFUSED = 'does not take the PIN (CKR_PIN_INCORRECT at C_Login)';
const SOON = { withinMs: 20_000 };

describe('Turns at a PIN', () => {
  let clock: FakeClock;
  let shared: SharedPinTurns;
  beforeEach(() => ([clock, shared] = [new FakeClock(), new SharedPinTurns()]));

  function worker(): { readonly turns: PinTurns; readonly die: () => void } {
    const { supervisor, worker: link, cut } = linkedPair(clock);
    shared.attach(supervisor, supervisor.closed);
    return { turns: relayedPinTurns(link, clock), die: cut };
  }
  /** Time passes for those who wait. */
  async function whileTimePasses<T>(waiting: Promise<T>): Promise<T> {
    let over = false;
    void waiting.finally(() => (over = true));
    await eventually(
      'the wait is over',
      async () => {
        await clock.advance(200);
        return over;
      },
      SOON,
    );
    return waiting;
  }

  it('let several workers ask a token about a wrong PIN once, and tell the others what it said', async () => {
    const token = new FakeToken();
    token.refusal = new KeyFailure('refused', REFUSED);
    const document = { text: writeReference({ module: 'hsm.so', slot: 0, keyLabel: 'issuer' }), secret: '0000' };
    const openers = Array.from({ length: 4 }, () => new Pkcs11Opener({ clock, fork: token.fork }, worker().turns));
    const all = Promise.all(openers.map(async (opener) => opener.open(document, OPTIONS)));
    assert.deepEqual(
      await whileTimePasses(all),
      openers.map(() => ({ problem: REFUSED })),
    );
    assert.deepEqual(token.pins, ['0000']);
    token.putBack();
    const right = Promise.all(openers.map(async (opener) => opener.open({ ...document, secret: '1234' }, OPTIONS)));
    for (const key of await whileTimePasses(right)) assert.ok(!('problem' in key));
    // Pulled, and back with another PIN.
    token.refusal = new KeyFailure('refused', REFUSED);
    const before = token.pins.length;
    token.crash();
    const tried = async (): Promise<boolean> => {
      await clock.advance(1_000);
      return token.pins.length > before;
    };
    await eventually('one tries', tried, SOON);
    for (let second = 0; second < 20; second += 1) await clock.advance(1_000);
    assert.equal(token.pins.length, before + 1);
    for (const opener of openers) opener.close();
  });

  it('go on when the worker that tries is gone', async () => {
    const [first, second] = [worker(), worker()];
    assert.equal(await first.turns.begin('a PIN', OPTIONS), undefined);
    const waiting = second.turns.begin('a PIN', OPTIONS);
    first.die();
    assert.equal(await whileTimePasses(waiting), undefined);
  });

  it('are not waited for by who has another PIN, nor by who gave up', async () => {
    const [first, second] = [worker(), worker()];
    assert.equal(await first.turns.begin('a PIN', OPTIONS), undefined);
    assert.equal(await second.turns.begin('another PIN', OPTIONS), undefined);
    const caller = new AbortController();
    const waiting = assert.rejects(second.turns.begin('a PIN', { signal: caller.signal }), /gave up/);
    caller.abort(new Error('gave up'));
    await waiting;
  });
});
