import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { CompactSign, exportSPKI, importJWK, SignJWT, UnsecuredJWT, type CryptoKey, type JWTPayload } from 'jose';
import { bearerTokenAuthenticator } from '../../../../src/adapters/credentials/tokens/bearer-token.ts';
import { keySetFrom } from '../../../../src/adapters/credentials/tokens/key-set.ts';
import { jwtVerifier } from '../../../../src/adapters/credentials/tokens/jwt-verifier.ts';
import type { TokenIssuer } from '../../../../src/adapters/credentials/tokens/token-issuer.ts';
import { REMEMBER_MS } from '../../../../src/adapters/credentials/tokens/verified-tokens.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { AuthenticationResult } from '../../../../src/ports/issuing/authenticator.ts';
import { TEST_TRUST_DOMAIN as trustDomain } from '../../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { claims, ISSUER, ScriptedKeys, sign, signingKey, type SigningKey } from './token-maker.ts';

const NEVER = new AbortController().signal;

describe('A JWT as a bearer token', () => {
  let key: SigningKey;
  let rsa: SigningKey;
  let keys: ScriptedKeys;
  let clock: FakeClock;
  before(async () => {
    key = await signingKey('one');
    rsa = await signingKey('rsa', 'RS256');
  });
  beforeEach(() => {
    clock = new FakeClock();
    keys = new ScriptedKeys(key, rsa);
    judge = authenticatorWith({});
  });

  const issuerWith = (changes: Partial<TokenIssuer>): TokenIssuer => ({
    issuer: ISSUER,
    audiences: ['istio-ca'],
    algorithms: ['RS256', 'ES256'],
    clockSkewMs: 30_000,
    keys,
    ...changes,
  });
  type Judge = (...authorization: string[]) => Promise<AuthenticationResult>;
  const authenticatorWith = (...changes: Partial<TokenIssuer>[]): Judge => {
    const issuers = changes.map(issuerWith);
    const authenticator = bearerTokenAuthenticator({ clock, verifier: jwtVerifier({ clock, trustDomain, issuers }) });
    return async (...authorization) => {
      const presented = { authorization, remoteAddress: '127.0.0.1:1' };
      return authenticator.authenticate(presented, { signal: NEVER });
    };
  };
  let judge: Judge;
  const judgeClaims = async (payload: JWTPayload) => judge(`Bearer ${await sign(key, payload)}`);

  it('of a pod proves its service account, pod and node', async () => {
    const result = await judge(`Bearer ${await sign(key)}`);
    assert.ok(result.outcome === 'authenticated');
    const { identity, ...rest } = result.caller;
    assert.equal(identity.spiffeId.uri, 'spiffe://cluster.local/ns/shop/sa/api');
    assert.deepEqual(rest, {
      authenticationMethod: 'token',
      credentialId: ISSUER,
      expiresAtMs: NOON_MS + 3_600_000,
      pod: { podName: 'api-7d4b', podUid: '5b3c', nodeName: 'node-1' },
    });
  });

  it('of a cluster whose API server is watched says which service account it was made for, by UID, and its own id', async () => {
    const verifier = jwtVerifier({ clock, trustDomain, issuers: [issuerWith({})], cluster: { remoteCluster: 'west' } });
    const verdict = await verifier.verify(await sign(key, claims({ jti: 'token-1' })), { signal: NEVER });
    assert.ok(verdict.outcome === 'verified');
    assert.deepEqual(verdict.claims.attestation, { serviceAccountUid: 'c0ffee', tokenId: 'token-1' });
    assert.equal(verdict.claims.remoteCluster, 'west');
  });

  it('whose id cannot be read is none without it, and one whose account has such a UID is refused', async () => {
    const verifier = jwtVerifier({ clock, trustDomain, issuers: [issuerWith({})], cluster: {} });
    const verdict = await verifier.verify(await sign(key, claims({ jti: 'a\nb' })), { signal: NEVER });
    assert.ok(verdict.outcome === 'verified');
    assert.equal(verdict.claims.attestation?.tokenId, undefined);
    const odd = { namespace: 'shop', serviceaccount: { name: 'api', uid: 7 } };
    await refused(judgeClaims(claims({ 'kubernetes.io': odd })), 'CAP-A06', /unreadable serviceAccountUid/);
  });

  it('proves the service account alone, when it is bound to no pod', async () => {
    const bare = { namespace: 'shop', serviceaccount: { name: 'api' } };
    for (const bound of [bare, undefined]) {
      const result = await judgeClaims(claims({ 'kubernetes.io': bound }));
      assert.ok(result.outcome === 'authenticated');
      assert.equal(result.caller.pod, undefined);
    }
  });

  const refused = async (result: Promise<AuthenticationResult>, reason: string, detail: RegExp): Promise<void> => {
    const found = await result;
    assert.ok(found.outcome === 'rejected', `it was ${found.outcome}`);
    assert.equal(found.reason, reason);
    assert.match(found.detail ?? '', detail);
  };

  const hour = 3_600;
  const bound = (changes: object): Readonly<Record<string, unknown>> => ({
    'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'api' }, ...changes },
  });
  const badClaims: readonly (readonly [string, Readonly<Record<string, unknown>>, string, RegExp])[] = [
    ['of an issuer that is not ours', { iss: 'https://elsewhere' }, 'CAP-A05', /its issuer/],
    ['without an issuer', { iss: undefined }, 'CAP-A05', /its issuer/],
    ['for another audience', { aud: ['vault'] }, 'CAP-A05', /claim aud/],
    ['without an audience', { aud: undefined }, 'CAP-A05', /claim aud/],
    ['that has expired', { exp: NOON_MS / 1000 - 31 }, 'CAP-A05', /has expired/],
    ['that never expires', { exp: undefined }, 'CAP-A05', /claim exp/],
    ['whose expiry is a text', { exp: 'tomorrow' }, 'CAP-A05', /claim exp/],
    ['that is not valid yet', { nbf: NOON_MS / 1000 + 31 }, 'CAP-A05', /claim nbf/],
    ['of two issuers', { iss: [ISSUER] }, 'CAP-A05', /its issuer/],
    ['for a number', { aud: 7 }, 'CAP-A05', /claim aud/],
    ['for us and a number', { aud: ['istio-ca', 7] }, 'CAP-A05', /claim aud/],
    ['for us and a list', { aud: ['istio-ca', ['vault']] }, 'CAP-A05', /claim aud/],
    ['whose expiry is a list', { exp: [NOON_MS / 1000 + 1] }, 'CAP-A05', /claim exp/],
    ['whose beginning is a text', { nbf: 'today' }, 'CAP-A05', /claim nbf/],
    ['whose subject is a list', { sub: ['system:serviceaccount:shop:api'] }, 'CAP-A06', /sub is not a text/],
    ['whose subject is a number', { sub: 7 }, 'CAP-A06', /sub is not a text/],
    ['whose subject is an object', { sub: { toString: 'system:serviceaccount:shop:api' } }, 'CAP-A06', /not a text/],
    ['of a user', { sub: 'alice' }, 'CAP-A06', /sub is not system:serviceaccount/],
    ['without a subject', { sub: undefined }, 'CAP-A05', /claim sub/],
    ['with a subject of five parts', { sub: 'system:serviceaccount:a:b:c' }, 'CAP-A06', /sub is not/],
    [
      'with a namespace that Kubernetes would not have',
      { sub: 'system:serviceaccount:Shop:api' },
      'CAP-A06',
      /sub has/,
    ],
    ['with a path in its service account', { sub: 'system:serviceaccount:shop:../x' }, 'CAP-A06', /sub has/],
    ['whose claims name another namespace', { sub: 'system:serviceaccount:bank:api' }, 'CAP-A06', /different/],
    ['whose claims name another account', { sub: 'system:serviceaccount:shop:root' }, 'CAP-A06', /different/],
    ['whose claims are a text', { 'kubernetes.io': 'shop' }, 'CAP-A06', /different/],
    ['whose claims are a list', { 'kubernetes.io': [{ namespace: 'shop' }] }, 'CAP-A06', /different/],
    ['whose namespace is a list', bound({ namespace: ['shop'] }), 'CAP-A06', /different/],
    ['whose account is a text', bound({ serviceaccount: 'api' }), 'CAP-A06', /different/],
    ['whose pod is a text', bound({ pod: 'api-7d4b' }), 'CAP-A06', /unreadable pod$/],
    ['whose pod is null', bound({ pod: null }), 'CAP-A06', /unreadable pod$/],
    ['whose pod has a number for a name', bound({ pod: { name: 7, uid: 'u' } }), 'CAP-A06', /unreadable podName/],
    ['whose node is a list', bound({ node: ['node-1'] }), 'CAP-A06', /unreadable node$/],
    ['whose claims are null', { 'kubernetes.io': null }, 'CAP-A06', /different/],
    [
      'whose pod has a name that breaks lines',
      { 'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'api' }, pod: { name: 'a\nb', uid: 'c' } } },
      'CAP-A06',
      /unreadable podName/,
    ],
  ];
  for (const [what, changes, reason, detail] of badClaims) {
    it(`${what} is refused`, async () => {
      await refused(judgeClaims(JSON.parse(JSON.stringify(claims(changes))) as JWTPayload), reason, detail);
    });
  }

  it('that ends beyond all numbers is refused: it would never end', async () => {
    const text = JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999');
    const token = await new CompactSign(Buffer.from(text))
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid })
      .sign(key.privateKey);
    await refused(judge(`Bearer ${token}`), 'CAP-A05', /claim exp/);
  });

  it('may be as much too late or too early as clocks may differ', async () => {
    const edge = NOON_MS / 1000;
    assert.equal((await judgeClaims(claims({ exp: edge - 29 }))).outcome, 'authenticated');
    assert.equal((await judgeClaims(claims({ nbf: edge + 29 }))).outcome, 'authenticated');
    judge = authenticatorWith({ clockSkewMs: 0 });
    await refused(judgeClaims(claims({ exp: edge - 1 })), 'CAP-A05', /has expired/);
  });

  describe('that was forged', () => {
    it('by leaving out the signature is refused', async () => {
      const unsecured = new UnsecuredJWT(claims()).encode();
      await refused(judge(`Bearer ${unsecured}`), 'CAP-A05', /algorithm|well-formed/);
      const [header, payload] = (await sign(key)).split('.');
      await refused(judge(`Bearer ${header!}.${payload!}.`), 'CAP-A05', /signature/);
      await refused(judge(`Bearer ${header!}.${payload!}`), 'CAP-A05', /issuer|well-formed/);
    });

    it('with the public key as a shared secret is refused', async () => {
      const spki = await exportSPKI((await importJWK(rsa.jwk, 'RS256', { extractable: true })) as CryptoKey);
      for (const secret of [spki, spki.trim(), createPublicKey(spki).export({ format: 'der', type: 'spki' })]) {
        const forged = await new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: rsa.kid })
          .sign(Buffer.from(secret));
        await refused(judge(`Bearer ${forged}`), 'CAP-A05', /algorithm/);
      }
    });

    it('with a key of its own, under the name of ours, is refused', async () => {
      const thief = await signingKey('one');
      await refused(judge(`Bearer ${await sign(thief)}`), 'CAP-A05', /signature/);
    });

    it('with a key in its header is refused', async () => {
      const thief = await signingKey('one');
      await refused(judge(`Bearer ${await sign(thief, claims(), { jwk: thief.jwk })}`), 'CAP-A05', /signature/);
    });

    it('by changing a claim is refused', async () => {
      const [header, , signature] = (await sign(key)).split('.');
      const payload = Buffer.from(JSON.stringify(claims({ sub: 'system:serviceaccount:bank:api' }))).toString(
        'base64url',
      );
      await refused(judge(`Bearer ${header!}.${payload}.${signature!}`), 'CAP-A05', /signature/);
    });

    it('with an extension we do not understand is refused', async () => {
      const [, payload, signature] = (await sign(key)).split('.');
      const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'one', crit: ['x'], x: 1 })).toString('base64url');
      await refused(judge(`Bearer ${header}.${payload!}.${signature!}`), 'CAP-A05', /well-formed/);
    });

    it('out of nothing is refused', async () => {
      for (const token of ['a', 'a.b.c', '..', 'e30.e30.e30', '====']) {
        const { outcome } = await judge(`Bearer ${token}`);
        assert.equal(outcome, 'rejected', token);
      }
    });
  });

  it('of an algorithm that its issuer may not use is refused, whatever its keys', async () => {
    judge = authenticatorWith({ algorithms: ['RS256'] });
    await refused(judge(`Bearer ${await sign(key)}`), 'CAP-A05', /algorithm/);
  });

  it('without a key id is tried against each key', async () => {
    const other = await signingKey('other');
    keys = new ScriptedKeys(other, key);
    judge = authenticatorWith({});
    const token = await sign(key, claims(), { kid: undefined });
    assert.equal((await judge(`Bearer ${token}`)).outcome, 'authenticated');
    const stranger = await signingKey('x');
    await refused(judge(`Bearer ${await sign(stranger, claims(), { kid: undefined })}`), 'CAP-A05', /signature/);
  });

  describe('that names a key we do not have', () => {
    let next: SigningKey;
    before(async () => (next = await signingKey('two')));

    it('is good once the issuer publishes it', async () => {
      keys.next = keySetFrom({ keys: [key.jwk, next.jwk] });
      assert.equal((await judge(`Bearer ${await sign(next)}`)).outcome, 'authenticated');
    });

    it('is refused when the issuer does not know it either', async () => {
      await refused(judge(`Bearer ${await sign(next)}`), 'CAP-A05', /no key of its issuer matches/);
    });

    it('is judged by the time at which the keys are there, however long that took', async () => {
      const late = new ScriptedKeys(key);
      late.newerThan = async () => {
        await clock.advance(60_000);
        return keySetFrom({ keys: [key.jwk, next.jwk] });
      };
      const ending = await sign(next, claims({ exp: NOON_MS / 1000 + 20 }));
      const result = await authenticatorWith({ keys: late })(`Bearer ${ending}`);
      assert.deepEqual(result, { outcome: 'rejected', reason: 'CAP-A05', detail: 'it has expired' });
    });

    it('waits when the issuer cannot be asked: nobody says that it is bad', async () => {
      keys.next = new AuthorityError('CAP-S05');
      await assert.rejects(judge(`Bearer ${await sign(next)}`), { code: 'dependency_unavailable' });
    });
  });

  it('of a stranger makes us ask nobody for keys', async () => {
    await judgeClaims(claims({ iss: 'https://elsewhere' }));
    assert.equal(keys.asked, 0);
  });

  it('is judged by the keys of its own issuer', async () => {
    const other = await signingKey('one');
    judge = authenticatorWith({}, { issuer: 'https://other', keys: new ScriptedKeys(other) });
    const theirs = claims({ iss: 'https://other' });
    assert.equal((await judge(`Bearer ${await sign(other, theirs)}`)).outcome, 'authenticated');
    await refused(judge(`Bearer ${await sign(key, theirs)}`), 'CAP-A05', /signature/);
  });

  it('does not blame the token for a published key that is broken', async () => {
    keys.keys = keySetFrom({ keys: [{ kty: 'EC', crv: 'P-256', kid: 'one', alg: 'ES256', x: 'AA', y: 'AA' }] });
    await assert.rejects(judge(`Bearer ${await sign(key)}`), { reason: 'CAP-S05' });
  });

  describe('that was verified a moment ago', () => {
    it('is not verified again, until its moment is over', async () => {
      const token = `Bearer ${await sign(key)}`;
      const [first, second] = [await judge(token), await judge(token)];
      assert.ok(first.outcome === 'authenticated' && second.outcome === 'authenticated');
      assert.equal(first.caller, second.caller);
      clock.jumpTo(NOON_MS + REMEMBER_MS);
      const third = await judge(token);
      assert.ok(third.outcome === 'authenticated');
      assert.notEqual(third.caller, first.caller);
    });

    it('is refused at its own end', async () => {
      judge = authenticatorWith({ clockSkewMs: 0 });
      const token = `Bearer ${await sign(key, claims({ exp: NOON_MS / 1000 + 10 }))}`;
      assert.equal((await judge(token)).outcome, 'authenticated');
      clock.jumpTo(NOON_MS + 10_000);
      await refused(judge(token), 'CAP-A05', /has expired/);
    });

    it('is refused as soon as its key is withdrawn', async () => {
      const token = `Bearer ${await sign(key)}`;
      assert.equal((await judge(token)).outcome, 'authenticated');
      keys.keys = keySetFrom({ keys: [rsa.jwk] });
      await refused(judge(token), 'CAP-A05', /no key/);
    });
  });

  describe('cannot be asked for with settings that would weaken it:', () => {
    const weak: readonly (readonly [string, Partial<TokenIssuer>, RegExp])[] = [
      ['a shared secret', { algorithms: ['HS256' as 'RS256'] }, /algorithm HS256/],
      ['no signature', { algorithms: ['none' as 'RS256'] }, /algorithm none/],
      ['no algorithm', { algorithms: [] }, /no algorithm/],
      ['no audience', { audiences: [] }, /no audience/],
      ['a skew of hours', { clockSkewMs: hour * 1000 }, /clock skew of 3600000 ms/],
      ['a skew that is no number', { clockSkewMs: Number.NaN }, /clock skew/],
    ];
    for (const [what, changes, message] of weak) {
      it(what, () => {
        assert.throws(() => authenticatorWith(changes), { reason: 'CAP-X03', message });
      });
    }
  });
});
