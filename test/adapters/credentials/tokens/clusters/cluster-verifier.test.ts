import assert from 'node:assert/strict';
import type { JWTPayload } from 'jose';
import {
  clusterVerifier,
  type ClusterVerifierSettings,
} from '../../../../../src/adapters/credentials/tokens/clusters/cluster-verifier.ts';
import { ClusterKeys } from '../../../../../src/adapters/credentials/tokens/clusters/cluster-keys.ts';
import { ReviewedTokens } from '../../../../../src/adapters/credentials/tokens/clusters/reviewed-tokens.ts';
import type { TokenVerdict, TokenVerifier } from '../../../../../src/adapters/credentials/tokens/token-verifier.ts';
import { TEST_TRUST_DOMAIN as trustDomain } from '../../../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../../support/fakes/recorded-events.ts';
import { FakeTokenKeyDocuments, FakeTokenReviews } from '../../../../support/fakes/token-reviews.ts';
import { claims, ISSUER, sign, signingKey, type SigningKey } from '../token-maker.ts';

/** A claim that is `undefined` is left out. */
type Claims = Readonly<Record<string, unknown>>;

const NEVER = new AbortController().signal;
const UNBOUND = { 'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'api', uid: 'c0ffee' } } };

describe("A token of a cluster's API server", () => {
  let one: SigningKey;
  let other: SigningKey;
  let clock: FakeClock;
  let documents: FakeTokenKeyDocuments;
  let api: FakeTokenReviews;
  before(async () => ([one, other] = [await signingKey('one', 'RS256'), await signingKey('two')]));
  beforeEach(() => {
    clock = new FakeClock();
    documents = new FakeTokenKeyDocuments({ issuer: ISSUER, keys: { keys: [one.jwk] } });
    api = new FakeTokenReviews();
  });

  const verifierWith = (changes: Partial<ClusterVerifierSettings> = {}): TokenVerifier => {
    const events = recordEvents();
    const keys = new ClusterKeys({ clock, events, documents }, { cluster: 'main', staleAfterMs: 900_000 });
    const reviews = new ReviewedTokens({ clock, events, reviews: api }, { perSecond: 50, burst: 100 });
    return clusterVerifier(
      { clock, trustDomain, keys, reviews },
      { audiences: ['istio-ca'], review: 'firstSeen', unbound: false, cluster: {}, ...changes },
    );
  };
  const judge = async (verifier: TokenVerifier, payload: JWTPayload = claims(), key = one): Promise<TokenVerdict> =>
    verifier.verify(await sign(key, payload), { signal: NEVER });
  const refused = (verdict: TokenVerdict, reason: string, detail: RegExp): void => {
    assert.ok(verdict.outcome === 'refused', 'it was verified');
    assert.equal(verdict.reason, reason);
    assert.match(verdict.detail, detail);
  };
  const reviewOf = (verdict: TokenVerdict) =>
    verdict.outcome === 'verified' ? verdict.claims.attestation?.tokenReview : verdict;

  it('proves pod, node, service account and its own id, when its keys verify it and it confirms that', async () => {
    const verdict = await judge(verifierWith(), claims({ jti: 'token-1' }));
    assert.ok(verdict.outcome === 'verified');
    const { identity, ...rest } = verdict.claims;
    assert.equal(identity.spiffeId.uri, 'spiffe://cluster.local/ns/shop/sa/api');
    assert.deepEqual(rest, {
      issuer: ISSUER,
      expiresAtMs: NOON_MS + 3_600_000,
      pod: { podName: 'api-7d4b', podUid: '5b3c', nodeName: 'node-1' },
      attestation: { serviceAccountUid: 'c0ffee', tokenId: 'token-1', tokenReview: 'confirmed' },
    });
  });

  it('of a remote cluster says so', async () => {
    const verdict = await judge(verifierWith({ cluster: { remoteCluster: 'west' } }));
    assert.equal(verdict.outcome === 'verified' && verdict.claims.remoteCluster, 'west');
  });

  const bad: readonly (readonly [string, Claims, string, RegExp])[] = [
    ['of another issuer', { iss: 'https://elsewhere' }, 'CAP-A05', /issuer/],
    ['that has expired', { exp: NOON_MS / 1000 - 60 }, 'CAP-A05', /expired/],
    ['for another audience', { aud: ['https://kubernetes.default.svc'] }, 'CAP-A05', /claim aud/],
    ['that is bound to no pod', UNBOUND, 'CAP-A13', /names no pod/],
    ['of a Secret', { iss: 'kubernetes/serviceaccount', aud: undefined, exp: undefined }, 'CAP-A13', /of a Secret/],
    ['of a user', { sub: 'alice' }, 'CAP-A06', /sub/],
  ];
  for (const [what, changes, reason, detail] of bad) {
    it(`${what} is refused, and the API server is not asked about it`, async () => {
      refused(await judge(verifierWith(), claims(changes)), reason, detail);
      assert.deepEqual(api.asked, []);
    });
  }

  it('that another key signed is refused, whatever it says: another cluster may call its issuer the same', async () => {
    refused(await judge(verifierWith(), claims(), other), 'CAP-A05', /no key of its issuer matches/);
    assert.deepEqual(api.asked, []);
  });

  it('that is bound to no pod is taken where that is allowed', async () => {
    const verdict = await judge(verifierWith({ unbound: true }), claims(UNBOUND));
    assert.ok(verdict.outcome === 'verified');
    assert.equal(verdict.claims.pod, undefined);
  });

  it('that the API server does not take any more is refused, though its keys verify it', async () => {
    api.answer = { outcome: 'refused', why: 'its pod or service account is gone' };
    refused(await judge(verifierWith()), 'CAP-A05', /the API server refuses it: its pod or service account is gone/);
  });

  it('that the API server takes for that of another is refused', async () => {
    api.answer = { outcome: 'confirmed', username: 'system:serviceaccount:shop:other' };
    refused(await judge(verifierWith()), 'CAP-A05', /of another/);
  });

  it('is judged by its keys while the API server does not answer, and says that it was not confirmed', async () => {
    api.answer = { outcome: 'unavailable', why: 'connection refused' };
    assert.equal(reviewOf(await judge(verifierWith())), 'unavailable');
  });

  it('is reviewed when it is first seen, at each verification, or never', async () => {
    for (const [review, times] of [
      ['firstSeen', 1],
      ['always', 2],
      ['fallback', 0],
      ['never', 0],
    ] as const) {
      api.asked.length = 0;
      const verifier = verifierWith({ review });
      const token = await sign(one);
      const verdicts = [
        await verifier.verify(token, { signal: NEVER }),
        await verifier.verify(token, { signal: NEVER }),
      ];
      assert.equal(api.asked.length, times, review);
      assert.deepEqual(verdicts.map(reviewOf), Array(2).fill(times > 0 ? 'confirmed' : undefined), review);
    }
  });

  it('is not taken on its bytes alone where each verification is reviewed', async () => {
    const verdict = await judge(verifierWith({ review: 'always' }));
    assert.equal(verdict.outcome === 'verified' && verdict.isInForce(), false);
  });

  describe('while there are no keys to judge by', () => {
    beforeEach(() => (documents.document = new Error('403 forbidden')));

    it('is for the API server to verify', async () => {
      for (const review of ['firstSeen', 'fallback', 'always'] as const) {
        const verdict = await judge(verifierWith({ review }), claims({ jti: 'token-1' }));
        assert.ok(verdict.outcome === 'verified');
        assert.deepEqual(verdict.claims.attestation, {
          serviceAccountUid: 'c0ffee',
          tokenId: 'token-1',
          tokenReview: 'confirmed',
        });
        assert.equal(verdict.claims.pod?.podUid, '5b3c');
      }
    });

    it('is refused when that does not take it', async () => {
      api.answer = { outcome: 'refused', why: 'it does not authenticate anybody' };
      refused(await judge(verifierWith(), claims(), other), 'CAP-A05', /does not authenticate anybody/);
    });

    it('is neither good nor bad when that does not answer either, or is not to be asked', async () => {
      api.answer = { outcome: 'unavailable', why: 'connection refused' };
      await assert.rejects(judge(verifierWith()), { reason: 'CAP-S05' });
      await assert.rejects(judge(verifierWith({ review: 'never' })), { reason: 'CAP-S05' });
    });

    const plain: readonly (readonly [string, Claims, string])[] = [
      ['that has expired', { exp: NOON_MS / 1000 - 60 }, 'CAP-A05'],
      ['that never ends', { exp: undefined }, 'CAP-A05'],
      ['of a user', { sub: 'alice' }, 'CAP-A06'],
      ['that is bound to no pod', UNBOUND, 'CAP-A13'],
    ];
    for (const [what, changes, reason] of plain) {
      it(`${what} is refused without a question`, async () => {
        refused(await judge(verifierWith(), claims(changes)), reason, /./);
        assert.deepEqual(api.asked, []);
      });
    }

    it('is refused without a question when it is no token', async () => {
      refused(await verifierWith().verify('a.b.c', { signal: NEVER }), 'CAP-A05', /not a signed token/);
      assert.deepEqual(api.asked, []);
    });
  });
});
