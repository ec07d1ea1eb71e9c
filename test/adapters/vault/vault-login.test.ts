// The token that Capstan asks OpenBao with: got, renewed, replaced, and never at the price of a role that locks.
import assert from 'node:assert/strict';
import { VaultError } from '../../../src/adapters/vault/api/vault-error.ts';
import { VaultLogin, type VaultCredential } from '../../../src/adapters/vault/api/vault-login.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { NEVER } from '../../../src/live/abortable.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { MemoryVault } from '../../support/fakes/keys/memory-vault.ts';

const OPTIONS = { signal: NEVER };
const HOUR_MS = 3_600_000;
const LOOK_UP = 'GET auth/token/lookup-self';
const RENEW = 'POST auth/token/renew-self';
const LOG_IN = 'POST auth/approle/login';

const APP_ROLE: VaultCredential = { method: 'appRole', mount: 'approle', roleId: 'role', secretIdFile: 'secret' };
const KUBERNETES: VaultCredential = { method: 'kubernetes', mount: 'kubernetes', role: 'capstan', tokenFile: 'secret' };
const TOKEN: VaultCredential = { method: 'token', tokenFile: 'token' };

describe('A login to OpenBao', () => {
  let clock: FakeClock;
  let vault: MemoryVault;
  let files: Map<string, string>;
  beforeEach(() => {
    [clock, vault] = [new FakeClock(), new MemoryVault()];
    files = new Map([
      ['secret', 'secret\n'],
      ['token', 'given\r\nand more\n'],
    ]);
    vault.tokens.add('given');
  });

  function login(credential: VaultCredential): VaultLogin {
    const readFile = async ({ path }: { readonly path: string }): Promise<string> => {
      await Promise.resolve();
      const text = files.get(path);
      if (text === undefined) throw new AuthorityError('CAP-X03', { detail: `${path} does not exist` });
      return text;
    };
    return new VaultLogin(credential, { clock, http: vault, readFile });
  }

  const refused =
    (words: RegExp, kind = 'denied') =>
    (error: unknown) =>
      error instanceof VaultError && error.kind === kind && words.test(error.message);

  it('is done once for all who wait for it', async () => {
    for (const credential of [APP_ROLE, KUBERNETES]) {
      const own = login(credential);
      const tokens = await Promise.all([1, 2, 3].map(async () => own.current(OPTIONS)));
      assert.equal(new Set(tokens).size, 1);
      assert.equal(await own.current(OPTIONS), tokens[0]);
    }
    assert.deepEqual(vault.asked, [LOG_IN, 'POST auth/kubernetes/login']);
  });

  it('is not waited for by who gives up', async () => {
    const given = new AbortController();
    const waiting = login(APP_ROLE).current(given);
    given.abort(new Error('gave up'));
    await assert.rejects(waiting, /gave up/);
  });

  it('takes the token of a file as it is, its first line', async () => {
    assert.equal(await login(TOKEN).current(OPTIONS), 'given');
    assert.deepEqual(vault.asked, [LOOK_UP]);
  });

  it('is renewed at half of its life, and then again', async () => {
    const own = login(APP_ROLE);
    await own.current(OPTIONS);
    await clock.advance(HOUR_MS / 2 - 1);
    assert.equal(vault.count(RENEW), 0);
    await clock.advance(1);
    assert.equal(vault.count(RENEW), 1);
    await clock.advance(5 * HOUR_MS);
    assert.deepEqual([vault.count(RENEW), vault.count(LOG_IN)], [11, 1]);
  });

  it('is renewed every twelve hours where a token lives for a year', async () => {
    vault.ttl = 365 * 24 * 3_600;
    await login(APP_ROLE).current(OPTIONS);
    await clock.advance(24 * HOUR_MS);
    assert.equal(vault.count(RENEW), 2);
  });

  it('is done anew where a token is not renewed any longer, and before it has ended', async () => {
    const own = login(APP_ROLE);
    const first = await own.current(OPTIONS);
    vault.ttl = 1_000;
    await clock.advance(HOUR_MS / 2);
    assert.deepEqual([vault.count(RENEW), vault.count(LOG_IN)], [1, 2]);
    assert.notEqual(await own.current(OPTIONS), first);
  });

  it('is done anew where a token cannot be renewed at all', async () => {
    vault.renewable = false;
    const own = login(KUBERNETES);
    const first = await own.current(OPTIONS);
    await clock.advance(HOUR_MS / 2);
    assert.equal(vault.count(RENEW), 0);
    assert.notEqual(await own.current(OPTIONS), first);
  });

  it('goes on with its token while the server is away, and renews it when that is back', async () => {
    const own = login(APP_ROLE);
    const token = await own.current(OPTIONS);
    vault.problem = new VaultError('away', 'is sealed');
    await clock.advance(HOUR_MS / 2 + 60_000);
    assert.equal(await own.current(OPTIONS), token);
    vault.problem = undefined;
    await clock.advance(5_000);
    assert.equal(vault.count(LOG_IN), 1);
    assert.equal(await own.current(OPTIONS), token);
  });

  it('is over when its token has ended, and done anew when somebody asks', async () => {
    const own = login(APP_ROLE);
    const token = await own.current(OPTIONS);
    vault.problem = new VaultError('away', 'is sealed');
    await clock.advance(HOUR_MS);
    await assert.rejects(own.current(OPTIONS), refused(/is sealed/, 'away'));
    vault.problem = undefined;
    assert.notEqual(await own.current(OPTIONS), token);
  });

  it('takes another token from the file when the first is at its end', async () => {
    const own = login(TOKEN);
    await own.current(OPTIONS);
    files.set('token', 'next');
    vault.tokens.add('next');
    vault.ttl = 60;
    await clock.advance(HOUR_MS / 2);
    assert.equal(await own.current(OPTIONS), 'next');
  });

  it('is done anew where a call was denied because its token is not taken any more, and not where a policy lacks', async () => {
    const own = login(APP_ROLE);
    const token = await own.current(OPTIONS);
    assert.equal(await own.insteadOf(token, OPTIONS), undefined);
    vault.tokens.delete(token);
    const next = await own.insteadOf(token, OPTIONS);
    assert.ok(next !== undefined && next !== token);
    assert.equal(await own.insteadOf(token, OPTIONS), next, 'who was denied with the former one gets it too');
    assert.equal(vault.count(LOG_IN), 2);
  });

  it('says which file has a token that has ended', async () => {
    vault.tokens.clear();
    await assert.rejects(login(TOKEN).current(OPTIONS), refused(/does not let us in: the token in token has ended/));
  });

  it('shows a secret that was refused once in five minutes, unless the file has another', async () => {
    vault.secrets.clear();
    const own = login(APP_ROLE);
    const words = /does not let us in: the role, or the secret in secret, which is tried again when it is another/;
    for (let count = 0; count < 5; count += 1) await assert.rejects(own.current(OPTIONS), refused(words));
    assert.equal(vault.count(LOG_IN), 1);
    await clock.advance(300_000);
    await assert.rejects(own.current(OPTIONS), refused(words));
    assert.equal(vault.count(LOG_IN), 2);
    vault.secrets.add('another');
    files.set('secret', 'another');
    assert.ok(await own.current(OPTIONS));
  });

  it('tries the token of a service account as often as it is asked: nothing locks', async () => {
    vault.secrets.clear();
    const own = login(KUBERNETES);
    for (let count = 0; count < 3; count += 1)
      await assert.rejects(own.current(OPTIONS), refused(/the role capstan at auth\/kubernetes/));
    assert.equal(vault.count('POST auth/kubernetes/login'), 3);
  });

  it('asks nothing with a file that is missing, or has no secret', async () => {
    for (const [text, words] of [
      [undefined, /is not asked: secret does not exist/],
      ['\n', /is not asked: secret has no token or secret in its first line/],
      ['two words', /has no token or secret/],
    ] as const) {
      if (text === undefined) files.delete('secret');
      else files.set('secret', text);
      await assert.rejects(login(APP_ROLE).current(OPTIONS), refused(words, 'configuration'));
    }
    assert.deepEqual(vault.asked, []);
  });

  it('renews nothing once it is closed', async () => {
    const own = login(APP_ROLE);
    await own.current(OPTIONS);
    own.close();
    await clock.advance(10 * HOUR_MS);
    assert.equal(vault.count(RENEW), 0);
    assert.equal(clock.sleepers, 0);
  });
});
