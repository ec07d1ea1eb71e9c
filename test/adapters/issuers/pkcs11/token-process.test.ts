import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { KeyFailure } from '../../../../src/live/key-failure.ts';
import type { OpenedToken } from '../../../../src/adapters/issuers/pkcs11/messages.ts';
import { MAX_WAITING, SIGN_WITHIN_MS, TokenProcess } from '../../../../src/adapters/issuers/pkcs11/token-process.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';

const PROGRAM = new URL('../../../support/fakes/keys/token-program.ts', import.meta.url);
/** As ODD of that program, which is not imported: it listens to its parent. */
const [HANG, CRASH, REFUSE, FINE] = [0, 1, 2, 0x30];
const OPTIONS = { withinMs: SIGN_WITHIN_MS, signal: NEVER };

describe('The process that has a token', function () {
  this.timeout(60_000);
  let clock: FakeClock;
  let token: TokenProcess;
  beforeEach(() => {
    clock = new FakeClock();
    token = new TokenProcess(clock, PROGRAM);
  });
  afterEach(() => token.kill());

  const open = async (): Promise<OpenedToken> =>
    (await token.ask({ do: 'open', reference: { module: '' }, pin: '' }, OPTIONS)) as OpenedToken;
  const sign = async (first: number, signal = NEVER): Promise<unknown> =>
    token.ask({ do: 'sign', algorithm: 'ecdsa-p256-sha256', tbs: Uint8Array.of(first, 7) }, { ...OPTIONS, signal });
  const failsAs = (words: RegExp) => (error: unknown) => error instanceof KeyFailure && words.test(error.message);

  it('opens and signs, bytes for bytes', async () => {
    const { spki } = await open();
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    const signatures = await Promise.all([sign(FINE), sign(FINE)]);
    for (const signature of signatures) {
      assert.ok(verify('sha256', Uint8Array.of(FINE, 7), key, signature as Uint8Array));
    }
  });

  it('is killed when a call hangs, and everybody who waits is told', async () => {
    await open();
    const refused = [sign(HANG), sign(FINE)].map(async (waiting) =>
      assert.rejects(waiting, failsAs(/^it did not answer within 2000 ms$/)),
    );
    await clock.advance(SIGN_WITHIN_MS);
    await Promise.all(refused);
    assert.ok(token.gone.aborted);
    await assert.rejects(sign(FINE), failsAs(/did not answer/));
  });

  it('is not killed while it goes on answering, however many wait', async () => {
    await open();
    for (let count = 0; count < 3; count += 1) {
      await sign(FINE);
      await clock.advance(SIGN_WITHIN_MS - 1);
    }
    assert.ok(await sign(FINE));
  });

  it('takes nothing else with it when a module crashes', async () => {
    await open();
    await assert.rejects(sign(CRASH), failsAs(/^its process ended \(SIGSEGV\)$/));
    assert.ok(token.gone.aborted);
  });

  it('says what the token said, and lives on', async () => {
    await open();
    await assert.rejects(sign(REFUSE), failsAs(/^CKR_DEVICE_ERROR at C_Sign$/));
    assert.ok(await sign(FINE));
  });

  it('lets a caller go that gives up, and answers the next', async () => {
    await open();
    const caller = new AbortController();
    const given = sign(FINE, caller.signal);
    caller.abort(new Error('the caller is gone'));
    await assert.rejects(given, /the caller is gone/);
    assert.ok(await sign(FINE));
  });

  it('refuses what would wait behind too many, without being lost', async () => {
    await open();
    const waiting = Array.from({ length: MAX_WAITING }, async () => sign(FINE));
    await assert.rejects(sign(FINE), (error) => error instanceof KeyFailure && !error.lost);
    assert.equal((await Promise.all(waiting)).length, MAX_WAITING);
  });
});
