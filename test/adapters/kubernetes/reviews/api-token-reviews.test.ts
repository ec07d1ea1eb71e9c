import assert from 'node:assert/strict';
import { ApiTokenReviews } from '../../../../src/adapters/kubernetes/reviews/api-token-reviews.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';

const NEVER = new AbortController().signal;
const USER = { username: 'system:serviceaccount:shop:api' };

describe('A TokenReview', () => {
  let api: FakeKubernetesApi;
  let reviews: ApiTokenReviews;
  let asked: unknown;
  beforeEach(() => {
    api = new FakeKubernetesApi();
    reviews = new ApiTokenReviews(api, { audiences: ['istio-ca'], withinMs: 50 });
  });
  const answering = (status: object): void =>
    void api.reviews.set('TokenReview', (object) => {
      asked = object;
      return { status };
    });
  const review = async () => reviews.review('a-token', { signal: NEVER });

  it('names the token and our audiences, and its yes is the account', async () => {
    answering({ authenticated: true, audiences: ['istio-ca'], user: USER });
    assert.deepEqual(await review(), { outcome: 'confirmed', ...USER });
    assert.deepEqual(asked, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: 'a-token', audiences: ['istio-ca'] },
    });
  });

  const noes: readonly (readonly [string, object, string])[] = [
    [
      'for a pod that is gone',
      { authenticated: false, error: '[invalid bearer token, service account token has been invalidated]' },
      'its pod or service account is gone',
    ],
    ['that has expired', { error: 'token has expired' }, 'it has expired'],
    ['for other audiences', { authenticated: true, audiences: ['vault'], user: USER }, 'it is for another audience'],
    ['of an API server that compares no audiences', { authenticated: true, user: USER }, 'it is for another audience'],
    ['without a word', {}, 'it does not authenticate anybody'],
    ['in words of its own', { error: 'secret internals of 10.0.0.7' }, 'it does not authenticate anybody'],
  ];
  for (const [what, status, why] of noes) {
    it(`that says no ${what} is a no, in words that any caller may read`, async () => {
      answering(status);
      assert.deepEqual(await review(), { outcome: 'refused', why });
    });
  }

  it('that is not answered is neither yes nor no', async () => {
    api.goDown();
    assert.deepEqual(await review(), {
      outcome: 'unavailable',
      why: 'the API server cannot be reached (ECONNREFUSED)',
    });
    api.mend();
    api.fail('create', 403, 'Forbidden');
    assert.equal((await review()).outcome, 'unavailable', 'nor is one that we may not ask for');
  });

  it('that is throttled says how long none is to be asked for', async () => {
    api.fail('create', 429, 'TooManyRequests', 7_000);
    assert.deepEqual(await review(), { outcome: 'unavailable', why: '429 TooManyRequests', retryAfterMs: 7_000 });
  });

  it('is not waited for by a caller that is gone', async () => {
    const gone = new AbortController();
    gone.abort(new Error('the client is gone'));
    await assert.rejects(reviews.review('a-token', { signal: gone.signal }), /the client is gone/);
  });
});
