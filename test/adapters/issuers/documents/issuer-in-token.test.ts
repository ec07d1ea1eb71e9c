// What becomes of an issuer whose key is in a token, as the token goes and comes.
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { Pkcs11Opener, writeReference } from '../../../../src/adapters/issuers/pkcs11/pkcs11-opener.ts';
import { READY } from '../../../../src/ports/platform/health.ts';
import { testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { FakeToken } from '../../../support/fakes/keys/fake-token.ts';
import { testStore } from '../../../support/issuer-store.ts';

const SOON = { withinMs: 20_000 };

describe('An issuer whose key is in a token', () => {
  let authority: TestAuthority;
  let token: FakeToken;
  let running: AbortController;
  before(async () => (authority = await testAuthority({ nowMs: NOON_MS })));
  beforeEach(() => {
    token = new FakeToken();
    token.privateKey = createPrivateKey(authority.intermediate.keyPem);
    running = new AbortController();
  });
  afterEach(() => running.abort());

  function store() {
    const tokenClock = new FakeClock();
    const opener = new Pkcs11Opener({ clock: tokenClock, fork: token.fork });
    running.signal.addEventListener('abort', () => opener.close());
    const texts = {
      anchors: authority.root.certificatePem,
      chain: authority.intermediate.certificatePem,
      key: writeReference({ module: '/usr/lib/hsm.so', tokenLabel: 'mesh', keyLabel: 'issuer' }),
      secret: '1234',
    };
    return { ...testStore(texts, { opener }), tokenClock };
  }
  const start = (waitsForKey: boolean) => ({ signal: running.signal, waitsForKey });

  async function lose({ store: issuer }: ReturnType<typeof store>): Promise<void> {
    token.pull();
    await assert.rejects(async () => issuer.current().signer.sign(Uint8Array.of(1), { signal: running.signal }));
  }

  it('signs nothing while it is away, says why, and is the same one when it is back', async () => {
    const parts = store();
    const { store: issuer, events, clock, tokenClock } = parts;
    await issuer.start(start(true));
    const before = issuer.named;
    assert.deepEqual([before.custody, before.state.kind], ['pkcs11', 'ready']);
    await lose(parts);
    const certified = before.state.kind === 'ready' ? before.state.issuer : undefined;
    const why = 'has a signing key that does not answer';
    assert.deepEqual(issuer.named.state, { kind: 'unavailable', why, certified });
    assert.deepEqual(issuer.health(clock.nowMs()), {
      state: 'not ready',
      why: 'the signing key does not answer: CKR_DEVICE_REMOVED at C_Sign',
    });
    assert.deepEqual(events.of('issuerKeyLost'), [{ name: 'default', problem: 'CKR_DEVICE_REMOVED at C_Sign' }]);
    assert.equal(issuer.current().bundle.anchors.length, 1, 'trust anchors go out all the same');
    token.putBack();
    await tokenClock.advance(5_000);
    await eventually('it is back', () => issuer.named.state.kind === 'ready', SOON);
    assert.deepEqual(issuer.health(clock.nowMs()), READY);
    assert.deepEqual(events.of('issuerKeyBack'), [{ name: 'default' }]);
    assert.deepEqual(events.of('reloadFailed'), []);
  });

  it('is waited for at the start of a server, and by nobody who only looks', async () => {
    token.pull('the module has not a token called "mesh"');
    await assert.rejects(store().store.start(start(false)), { reason: 'CAP-S15' });
    const { store: issuer, events, clock } = store();
    const started = issuer.start(start(true));
    await eventually('it is missed', () => events.of('reloadFailed').length > 0, SOON);
    assert.match(JSON.stringify(issuer.health(clock.nowMs())), /the module has not a token called/);
    await clock.advance(5_000);
    assert.equal(events.of('reloadFailed').length, 1, 'said once');
    token.putBack();
    await eventually('it sleeps', () => clock.sleepers > 0, SOON);
    await clock.advance(5_000);
    await started;
    assert.deepEqual(issuer.health(clock.nowMs()), READY);
  });

  it('ends the start when what is configured is wrong', async () => {
    token.privateKey = createPrivateKey((await testAuthority()).intermediate.keyPem);
    await assert.rejects(
      store().store.start(start(true)),
      /key is not the key of the certificate in \/etc\/capstan\/chain/,
    );
    await eventually('its session ended', () => token.sessions === 0, SOON);
  });

  it('keeps one session as its chain changes, and lets go of a key a minute after another took its place', async () => {
    const { store: issuer, documents, clock } = store();
    await issuer.start(start(true));
    await documents.edit({ chain: `${authority.intermediate.certificatePem}\n` });
    assert.deepEqual([token.pins.length, token.sessions], [1, 1]);
    await documents.edit({ secret: '5678' });
    assert.deepEqual([token.pins, token.sessions], [['1234', '5678'], 2]);
    await clock.advance(60_000);
    await eventually('the former session ended', () => token.sessions === 1, SOON);
    assert.equal(issuer.named.state.kind, 'ready');
  });

  it('leaves the last good one in force while a new PIN cannot be tried, and tries it when it can', async () => {
    const { store: issuer, documents, clock } = store();
    await issuer.start(start(true));
    token.pull('CKR_TOKEN_NOT_PRESENT');
    await documents.edit({ secret: '5678' });
    assert.match(JSON.stringify(issuer.health(clock.nowMs())), /degraded.*the last good issuer stays: CAP-S15/);
    assert.equal(token.sessions, 1);
    token.putBack();
    await clock.advance(5_000);
    await eventually('the new one is in force', () => issuer.health(clock.nowMs()).state === 'ready', SOON);
    assert.deepEqual(token.pins, ['1234', '5678', '5678']);
  });
});
