// Keys in tokens as issuers have them: opened, shared, lost, found again, and never at the price of a token that locks.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { KeyFailure } from '../../../../src/live/key-failure.ts';
import { Pkcs11Opener, writeReference } from '../../../../src/adapters/issuers/pkcs11/pkcs11-opener.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import type { OpenedKey } from '../../../../src/ports/issuing/signer-opener.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeToken } from '../../../support/fakes/keys/fake-token.ts';

const OPTIONS = { signal: NEVER };
const TBS = Uint8Array.of(0x30, 1, 2);
const text = writeReference({ module: '/usr/lib/hsm.so', tokenLabel: 'mesh', keyLabel: 'issuer' });
const WRONG_PIN = new KeyFailure('refused', 'does not take the PIN (CKR_PIN_INCORRECT at C_Login)');

describe('A key in a token', () => {
  let clock: FakeClock;
  let token: FakeToken;
  let opener: Pkcs11Opener;
  beforeEach(() => {
    [clock, token] = [new FakeClock(), new FakeToken()];
    opener = new Pkcs11Opener({ clock, fork: token.fork });
  });
  afterEach(() => opener.close());

  async function opened(secret = '1234'): Promise<OpenedKey> {
    const key = await opener.open({ text, secret }, OPTIONS);
    return 'problem' in key ? assert.fail(key.problem) : key;
  }
  const sign = async (key: OpenedKey): Promise<Uint8Array> => key.signerFor('ecdsa-p256-sha256').sign(TBS, OPTIONS);
  /** Lets what was begun go as far as it can without time. */
  const settle = async (): Promise<void> => clock.advance(0);

  it('signs, and is compared by its public half', async () => {
    const key = await opened();
    const publicKey = createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' });
    assert.ok(verify('sha256', TBS, publicKey, await sign(key)));
    assert.equal(opener.custody, 'pkcs11');
  });

  it('is opened with the first line of what is given as the PIN, and with nothing else', async () => {
    await opened('1234\r\nnever read\n');
    assert.deepEqual(token.pins, ['1234']);
    assert.deepEqual(await opener.open({ text }, OPTIONS), { problem: 'has no PIN configured (pinFile or pinEnv)' });
  });

  it('has one session for all who have the same key and PIN, which ends with the last of them', async () => {
    const [one, other] = [await opened(), await opened()];
    assert.deepEqual([token.pins.length, token.sessions], [1, 1]);
    one.release?.();
    one.release?.();
    await settle();
    assert.ok(await sign(other));
    other.release?.();
    await settle();
    assert.equal(token.sessions, 0);
    await assert.rejects(sign(other), { reason: 'CAP-S15' });
  });

  it('is unavailable from the first signature that fails, says so, and asks the token no more', async () => {
    const key = await opened();
    let told = 0;
    key.place?.onChange(() => (told += 1), OPTIONS);
    token.pull();
    await assert.rejects(sign(key), {
      reason: 'CAP-S15',
      message: 'CAP-S15 the signing key of the issuer does not answer',
    });
    assert.deepEqual([told, key.place?.problem], [1, 'CKR_DEVICE_REMOVED at C_Sign']);
    assert.equal(token.sessions, 0);
    await assert.rejects(sign(key), { reason: 'CAP-S15' });
    assert.equal(told, 1);
  });

  it('is opened again, within five seconds of its return, however long it was away', async () => {
    const key = await opened();
    token.pull();
    await assert.rejects(sign(key));
    for (let second = 0; second < 120; second += 1) await clock.advance(1_000);
    assert.ok(token.pins.length < 40, `${token.pins.length} attempts in two minutes`);
    token.putBack();
    await clock.advance(5_000);
    assert.equal(key.place?.problem, undefined);
    assert.ok(await sign(key));
  });

  it('is missed within five seconds while nobody signs, and when its process ends', async () => {
    const key = await opened();
    token.pull('CKR_TOKEN_NOT_PRESENT at C_GetTokenInfo');
    await clock.advance(5_000);
    assert.equal(key.place?.problem, 'CKR_TOKEN_NOT_PRESENT at C_GetTokenInfo');
    token.putBack();
    await clock.advance(5_000);
    assert.equal(key.place.problem, undefined);
    token.crash();
    assert.equal(key.place.problem, 'its process ended (SIGSEGV)');
  });

  it('is not signed with when the token comes back with another', async () => {
    const key = await opened();
    token.crash();
    const { privateKey } = token;
    token.privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    await clock.advance(1_000);
    assert.equal(key.place?.problem, 'the key is another than before');
    await assert.rejects(sign(key), { reason: 'CAP-S15' });
    token.privateKey = privateKey;
    await clock.advance(5_000);
    assert.ok(await sign(key));
  });

  it('asks the token about a wrong PIN once, until it is another', async () => {
    token.refusal = WRONG_PIN;
    for (let count = 0; count < 5; count += 1) {
      assert.deepEqual(await opener.open({ text, secret: '0000' }, OPTIONS), { problem: WRONG_PIN.message });
    }
    assert.deepEqual(token.pins, ['0000']);
    token.putBack();
    await opened('1234');
    assert.deepEqual(token.pins, ['0000', '1234']);
  });

  it('asks it once also when the PIN was changed while the token was away', async () => {
    const key = await opened();
    token.crash();
    token.refusal = WRONG_PIN;
    for (let count = 0; count < 60; count += 1) await clock.advance(1_000);
    assert.deepEqual(token.pins, ['1234', '1234']);
    assert.equal(key.place?.problem, WRONG_PIN.message);
  });

  it('may come later: a token that is away is no mistake of the configuration', async () => {
    token.pull('the module has not a token called "mesh"');
    await assert.rejects(opener.open({ text, secret: '1234' }, OPTIONS), {
      reason: 'CAP-S15',
      message: 'CAP-S15 the signing key of the issuer does not answer: the module has not a token called "mesh"',
    });
    token.refusal = new KeyFailure('configuration', 'has no private key with label "issuer"');
    assert.deepEqual(await opener.open({ text, secret: '1234' }, OPTIONS), {
      problem: 'has no private key with label "issuer"',
    });
    token.putBack();
    assert.ok(await sign(await opened()));
    assert.equal(token.sessions, 1, 'failed ones left nothing behind');
  });

  it('is another one for the certificate of another key, and its PIN is tried no more than for the first', async () => {
    const certified = [Uint8Array.of(1), Uint8Array.of(2)] as const;
    for (const one of [certified[0], certified[0], certified[1]])
      await opener.open({ text, secret: '1', spki: one }, OPTIONS);
    assert.equal(token.sessions, 2);
    token.refusal = WRONG_PIN;
    for (const one of certified) {
      const refused = await opener.open({ text, secret: 'wrong', spki: one }, OPTIONS);
      assert.deepEqual(refused, { problem: WRONG_PIN.message });
    }
    assert.equal(token.pins.filter((pin) => pin === 'wrong').length, 1);
  });
});
