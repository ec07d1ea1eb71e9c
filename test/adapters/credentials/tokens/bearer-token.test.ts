import assert from 'node:assert/strict';
import {
  bearerTokenAuthenticator,
  MAX_TOKEN_CHARACTERS,
} from '../../../../src/adapters/credentials/tokens/bearer-token.ts';
import { REMEMBER_MS } from '../../../../src/adapters/credentials/tokens/verified-tokens.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { AuthenticationResult, Authenticator } from '../../../../src/ports/issuing/authenticator.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { FakeVerifier } from './fake-verifier.ts';

describe('A bearer token', () => {
  let clock: FakeClock;
  let verifier: FakeVerifier;
  let authenticator: Authenticator;
  beforeEach(() => {
    clock = new FakeClock();
    verifier = new FakeVerifier();
    authenticator = bearerTokenAuthenticator({ clock, verifier });
  });
  const judge = async (
    authorization: readonly string[],
    { signal } = new AbortController(),
  ): Promise<AuthenticationResult> =>
    authenticator.authenticate({ authorization, remoteAddress: '127.0.0.1:1' }, { signal });

  it('is told apart from none', async () => {
    assert.deepEqual(await judge([]), { outcome: 'absent' });
  });

  it('counts whatever the case of its scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      assert.equal((await judge([`${scheme} api`])).outcome, 'authenticated');
    }
  });

  const illFormed: readonly (readonly [string, readonly string[]])[] = [
    ['is empty', ['']],
    ['has no token', ['Bearer ']],
    ['has another scheme', ['Basic dTpw']],
    ['has no scheme', ['abc']],
    ['has two tokens in it', ['Bearer a b']],
    ['was sent twice', ['Bearer a', 'Bearer a']],
    ['was sent twice and joined on the way', ['Bearer a, Bearer a']],
    ['has a token that is too long', [`Bearer ${'x'.repeat(MAX_TOKEN_CHARACTERS + 1)}`]],
    ['has a token of 1 MiB', [`Bearer ${'x'.repeat(1024 * 1024)}`]],
    ['has a token of other characters', ['Bearer a\u00e9']],
  ];
  for (const [what, headers] of illFormed) {
    it(`is refused when its header ${what}, and its verifier is not asked`, async () => {
      assert.deepEqual(await judge(headers), { outcome: 'rejected', reason: 'CAP-A04' });
      assert.deepEqual(verifier.asked, []);
    });
  }

  it('authenticates the workload that its verifier names, with the issuer as its credential', async () => {
    verifier.expiresAtMs = NOON_MS + 1_000;
    const result = await judge(['Bearer api']);
    assert.ok(result.outcome === 'authenticated');
    const { identity, ...rest } = result.caller;
    assert.equal(identity.spiffeId.uri, 'spiffe://cluster.local/ns/shop/sa/api');
    assert.deepEqual(rest, {
      authenticationMethod: 'token',
      credentialId: 'the API server',
      expiresAtMs: NOON_MS + 1_000,
    });
  });

  it('is refused for the reason that its verifier gives, each time anew', async () => {
    verifier.verdict = { outcome: 'refused', reason: 'CAP-A06', detail: 'it is the token of a user' };
    const refused = { outcome: 'rejected', reason: 'CAP-A06', detail: 'it is the token of a user' };
    assert.deepEqual([await judge(['Bearer alice']), await judge(['Bearer alice'])], [refused, refused]);
    assert.equal(verifier.asked.length, 2);
  });

  it('waits when it cannot be judged: nobody says that it is bad', async () => {
    verifier.verdict = new AuthorityError('CAP-S05');
    await assert.rejects(judge(['Bearer api']), { reason: 'CAP-S05' });
  });

  it('is not verified for a caller that is gone', async () => {
    const gone = new AbortController();
    gone.abort(new AuthorityError('CAP-X02'));
    await assert.rejects(judge(['Bearer api'], gone), { reason: 'CAP-X02' });
  });

  describe('that was verified a moment ago', () => {
    const asked = async (): Promise<number> => {
      await judge(['Bearer api']);
      return verifier.asked.length;
    };
    beforeEach(async () => assert.equal(await asked(), 1));

    it('is not verified again, until its moment is over', async () => {
      assert.equal(await asked(), 1);
      clock.jumpTo(NOON_MS + REMEMBER_MS);
      assert.equal(await asked(), 2);
    });

    it('is verified again when it is said to be of another cluster', async () => {
      const there = { authorization: ['Bearer api'], clusterId: 'west', remoteAddress: '127.0.0.1:1' };
      await authenticator.authenticate(there, { signal: new AbortController().signal });
      assert.deepEqual(verifier.clusters, [undefined, 'west']);
    });

    it('is verified again as soon as what verified it is not in force', async () => {
      verifier.inForce = false;
      assert.equal(await asked(), 2);
    });
  });

  it('is not remembered beyond its own end', async () => {
    verifier.expiresAtMs = NOON_MS + 10_000;
    await judge(['Bearer api']);
    clock.jumpTo(NOON_MS + 10_000);
    await judge(['Bearer api']);
    assert.equal(verifier.asked.length, 2);
  });
});
