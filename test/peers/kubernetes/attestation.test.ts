// Who a caller is, and whether it is still there, by a real API server: tokens, TokenReviews, pods, accounts and namespaces
// that go, over the CSR API and SDS alike.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { decodeJwt, SignJWT } from 'jose';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { ClosingReason, ClosingRecord } from '../../../src/ports/storage/closing-journal.ts';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { accountNamed, AttestedServer, namespaceNamed, podNamed, podWithToken } from './support/attested-server.ts';
import { ChartAccount } from './support/chart-account.ts';
import { ApiRefusal, ClusterApi } from './support/cluster-api.ts';
import { KubernetesCluster, NODE } from './support/cluster.ts';
import { programKubeconfig } from './support/credential-program.ts';

/** A second from the watch event on, and what a busy machine takes; without the watch it would be as long as a token is remembered, a minute. */
const AT_ONCE_MS = 20_000;
const AT_ONCE = { withinMs: AT_ONCE_MS, everyMs: 20 };
const SOON = { withinMs: 30_000 };

describe('A caller of a Kubernetes cluster', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  let capstan: AttestedServer;
  before(async function () {
    this.timeout(180_000);
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    files = ended.use(await AttestedServer.files(['shop', 'bank', 'gone', 'left']));
    capstan = ended.use(await AttestedServer.start(cluster, files));
  });
  after(async () => ended.disposeAsync());

  const reviews = async (): Promise<number> =>
    cluster.metric('apiserver_request_total', { resource: 'tokenreviews', verb: 'POST' });

  it('is its pod, which the API server confirms once, and the record names all that it vouched for', async () => {
    const { uid, token } = await podWithToken(cluster, 'shop', 'web');
    const before = await reviews();
    for (let call = 0; call < 3; call += 1) await capstan.granted({ token });
    // The API server counts a call after it has answered it.
    await eventually('the review is counted', async () => (await reviews()) > before, SOON);
    assert.equal((await reviews()) - before, 1);
    const { caller, podName, podUid, nodeName, attestation } = capstan.newest();
    assert.equal(caller, 'spiffe://cluster.local/ns/shop/sa/web');
    assert.deepEqual({ podName, podUid, nodeName }, { podName: 'web', podUid: uid, nodeName: NODE });
    const { jti, 'kubernetes.io': claims } = decodeJwt<{ 'kubernetes.io': { serviceaccount: { uid: string } } }>(token);
    const serviceAccountUid = claims.serviceaccount.uid;
    assert.deepEqual(attestation, { serviceAccountUid, tokenId: jti, tokenReview: 'confirmed' });
  });

  it('with a token for another audience, or bound to no pod, or of a Secret, is refused', async () => {
    const { token } = await podWithToken(cluster, 'shop', 'audience', { audience: 'vault' });
    await capstan.refused({ token }, /^CAP-A05 .*claim aud is not acceptable/);
    const unbound = await cluster.token({ namespace: 'shop', serviceAccount: 'audience' });
    await capstan.refused({ token: unbound }, /^CAP-A13 the token is bound to no pod/);
    const legacy = { iss: 'kubernetes/serviceaccount', sub: 'system:serviceaccount:shop:audience' };
    await capstan.refused({ token: await forged(legacy) }, /^CAP-A13 .*of a Secret/);
  });

  it('with a forged token is refused, and the API server is not asked about it', async () => {
    const { token } = await podWithToken(cluster, 'shop', 'victim');
    const before = await reviews();
    await capstan.refused({ token: await forged(decodeJwt(token)) }, /^CAP-A05 /);
    await capstan.refused({ token: `${token.slice(0, -8)}AAAAAAAA` }, /^CAP-A05 .*signature does not verify/);
    await capstan.refused({ token: await forged({ ...decodeJwt(token), iss: 'https://elsewhere' }) }, /^CAP-A05 /);
    await capstan.refused({ token: await forged({ ...decodeJwt(token), exp: 1 }) }, /^CAP-A05 /);
    assert.equal(await reviews(), before);
  });

  it('may name its cluster by id or as Istio does by default, and no other', async () => {
    const { token } = await podWithToken(cluster, 'shop', 'clusters');
    for (const clusterId of ['default', 'Kubernetes', '']) await capstan.granted({ token, clusterId });
    await capstan.refused({ token, clusterId: 'west' }, /^CAP-A14 .*clusterid "west"/);
  });

  it('is refused at once when its pod is deleted: by token, by certificate, and its streams end', async () => {
    const { token } = await podWithToken(cluster, 'bank', 'vault');
    const showing = await capstan.granted({ token });
    const renewed = await capstan.granted({ showing });
    assert.equal(capstan.newest().podName, 'vault', 'a renewal is of the pod that gave the proof');
    using client = capstan.server.sdsClient({ token });
    const [svid, anchors] = [client.sotw(), client.delta()];
    svid.subscribe('default');
    anchors.subscribe('ROOTCA');
    await Promise.all([svid.accept(), anchors.accept()]);

    await cluster.api.delete(podNamed('bank', 'vault'));
    const goneMs = performance.now();
    const [first, second] = await Promise.all([svid.ended, anchors.ended]);
    assert.ok(performance.now() - goneMs < AT_ONCE_MS, `${performance.now() - goneMs} ms`);
    for (const { code, details } of [first, second]) {
      assert.equal(code, status.UNAUTHENTICATED);
      assert.match(details, /^CAP-A11 the pod of the credential is not there any more: pod bank\/vault is gone/);
    }
    await capstan.refused({ token }, /^CAP-A11 .*there is no pod bank\/vault/);
    await capstan.refused({ showing: renewed }, /^CAP-A11 .*there is no pod bank\/vault/);
    const again = client.sotw();
    again.subscribe('default');
    assert.match((await again.ended).details, /^CAP-A11 /);
    const record = capstan.newest();
    assert.equal(
      record.caller,
      'spiffe://cluster.local/ns/bank/sa/vault',
      'a refusal is on record with whom it concerns',
    );
  });

  it('is not the pod that has its name now: a reused name has another UID', async () => {
    const former = await podWithToken(cluster, 'bank', 'web-0');
    const showing = await capstan.granted({ token: former.token });
    await cluster.api.delete(podNamed('bank', 'web-0'));
    const next = await podWithToken(cluster, 'bank', 'web-0');
    await capstan.granted({ token: next.token });
    await capstan.refused({ token: former.token }, new RegExp(`^CAP-A11 .*pod bank/web-0 has the UID ${next.uid}`));
    await capstan.refused({ showing }, /^CAP-A11 /);
  });

  for (const phase of ['Succeeded', 'Failed']) {
    it(`whose pod has ended as ${phase} is refused, and its streams end`, async () => {
      const name = phase.toLowerCase();
      const { token } = await podWithToken(cluster, 'bank', name);
      await capstan.granted({ token });
      using client = capstan.server.sdsClient({ token });
      const stream = client.sotw();
      stream.subscribe('default');
      await stream.accept();
      await cluster.api.patch(podNamed('bank', name), { status: { phase } }, 'status');
      await eventually(
        'the refusal',
        async () => /^CAP-A11 .*has ended/.test((await capstan.ask({ token })).details),
        AT_ONCE,
      );
      assert.match((await stream.ended).details, new RegExp(`^CAP-A11 .*has ended \\(${phase}\\)`));
    });
  }

  it('whose pod is being deleted goes on until it is gone', async () => {
    const pod = podNamed('bank', 'draining');
    const { token } = await podWithToken(cluster, 'bank', 'draining');
    await cluster.api.patch(pod, { metadata: { finalizers: ['capstan.dev/test'] } });
    await cluster.api.delete(pod);
    await capstan.granted({ token });
    await cluster.api.patch(pod, { metadata: { finalizers: [] } });
    await eventually('the refusal', async () => /^CAP-A11 /.test((await capstan.ask({ token })).details), AT_ONCE);
  });

  it('whose service account was made anew is refused, and its streams end', async () => {
    const { token } = await podWithToken(cluster, 'bank', 'teller');
    const showing = await capstan.granted({ token });
    using client = capstan.server.sdsClient({ token });
    const stream = client.sotw();
    stream.subscribe('default');
    await stream.accept();
    await cluster.api.delete(accountNamed('bank', 'teller'));
    await cluster.apply([accountNamed('bank', 'teller')]);
    assert.match((await stream.ended).details, /^CAP-A12 .*service account bank\/teller (is gone|has the UID)/);
    const expected = /^CAP-A12 .*service account bank\/teller has the UID/;
    await eventually('the refusal', async () => expected.test((await capstan.ask({ token })).details), AT_ONCE);
    await capstan.refused({ showing }, expected);
  });

  it('whose namespace is removed is refused, from the moment at which that begins', async () => {
    const { token } = await podWithToken(cluster, 'gone', 'web');
    const showing = await capstan.granted({ token });
    await cluster.api.delete(namespaceNamed('gone'));
    const expected = /^CAP-A12 .*namespace gone is being deleted/;
    await eventually('the refusal', async () => expected.test((await capstan.ask({ token })).details), AT_ONCE);
    await capstan.refused({ showing }, expected);
  });

  it('has its end on record once, with why and until when its certificates live', async () => {
    await cluster.apply([namespaceNamed('left')]);
    const ends: readonly (readonly [string, ClosingReason, () => Promise<unknown>])[] = [
      ['bank/ended', 'pod_deleted', async () => cluster.api.delete(podNamed('bank', 'ended'))],
      [
        'bank/done',
        'pod_finished',
        async () => cluster.api.patch(podNamed('bank', 'done'), { status: { phase: 'Succeeded' } }, 'status'),
      ],
      [
        'bank/unaccounted',
        'service_account_deleted',
        async () => cluster.api.delete(accountNamed('bank', 'unaccounted')),
      ],
      ['left/web', 'namespace_removed', async () => cluster.api.delete(namespaceNamed('left'))],
    ];
    const given = new Map<string, { readonly uid: string; readonly notAfterMs: number }>();
    for (const [pod] of ends) {
      const [namespace = '', name = ''] = pod.split('/');
      const { uid, token } = await podWithToken(cluster, namespace, name);
      await capstan.granted({ showing: await capstan.granted({ token }) });
      const endsMs = files.decisions({ limit: 2 }).map((one) => (one.outcome === 'issued' ? one.notAfterMs : 0));
      given.set(pod, { uid, notAfterMs: Math.max(...endsMs) });
    }
    await podWithToken(cluster, 'bank', 'never-asked');
    await Promise.all([...ends.map(async ([, , end]) => end()), cluster.api.delete(podNamed('bank', 'never-asked'))]);
    const closed = async (): Promise<readonly ClosingRecord[]> =>
      (await files.closings()).filter(({ namespace, podName }) => given.has(`${namespace}/${podName}`));
    await eventually('the record of each', async () => (await closed()).length >= ends.length, { withinMs: 30_000 });
    await cluster.api.delete(podNamed('bank', 'done'));
    const bystander = await podWithToken(cluster, 'bank', 'bystander');
    await capstan.granted({ token: bystander.token });
    await cluster.api.delete(podNamed('bank', 'bystander'));
    // What comes later is on record, so nothing more was to be said of those before.
    const isBystander = ({ podName }: ClosingRecord): boolean => podName === 'bystander';
    await eventually('a later record', async () => (await files.closings()).some(isBystander), { withinMs: 30_000 });
    const records = await closed();
    assert.equal(records.length, ends.length);
    for (const [pod, reason] of ends) {
      const [namespace, name] = pod.split('/');
      const found = records.find((one) => one.namespace === namespace && one.podName === name);
      const { uid, notAfterMs } = given.get(pod) ?? assert.fail();
      const { podUid, identity, cluster: of, latestEndMs, liveCertificates, reason: why } = found ?? assert.fail(pod);
      assert.deepEqual(
        { reason: why, podUid, identity, of, latestEndMs, liveCertificates },
        {
          reason,
          podUid: uid,
          identity: `spiffe://cluster.local/ns/${namespace}/sa/${name}`,
          of: 'default',
          latestEndMs: notAfterMs,
          liveCertificates: 2,
        },
      );
    }
    assert.ok((await files.closings()).every(({ podName }) => podName !== 'never-asked'));
    const page = await (await capstan.server.get('/metrics')).text();
    assert.match(page, /^capstan_identities_closed_total\{reason="namespace_removed"\} [1-9]/m);
  }).timeout(120_000);

  it('that was deleted while no server ran has its end on record once, at the next start', async () => {
    using own = await AttestedServer.files(['shop']);
    const { token, uid } = await podWithToken(cluster, 'shop', 'between');
    {
      await using before = await AttestedServer.start(cluster, own);
      await before.granted({ token });
    }
    await cluster.api.delete(podNamed('shop', 'between'));
    for (const start of ['the next', 'the one after']) {
      await using server = await AttestedServer.start(cluster, own);
      const other = await podWithToken(cluster, 'shop', start.replaceAll(' ', '-'));
      await server.granted({ token: other.token });
      await eventually('its end', async () => (await own.closings()).length > 0, { withinMs: 60_000 });
      assert.deepEqual(
        (await own.closings()).map(({ podUid, reason, liveCertificates }) => [podUid, reason, liveCertificates]),
        [[uid, 'pod_deleted', 1]],
        start,
      );
      assert.notEqual((await own.closings())[0]?.lastSeenMs, undefined);
    }
  }).timeout(120_000);

  describe('of a server that may do less than it should', () => {
    /** Beside the server of the other tests, in an account of its own. */
    const without = async (own: ServerFiles, name: string, lacking: readonly string[]): Promise<AttestedServer> =>
      AttestedServer.startAs(await ChartAccount.make(cluster, {}, { name, without: lacking }), own);

    it('is judged by the keys where that may not ask for TokenReviews, which is said', async () => {
      const { token } = await podWithToken(cluster, 'shop', 'unreviewed');
      using own = await AttestedServer.files(['shop']);
      await using limited = await without(own, 'watcher', ['tokenreviews']);
      await limited.granted({ token });
      assert.equal(limited.newest().attestation?.tokenReview, 'unavailable');
      const page = await (await limited.server.get('/readyz')).text();
      assert.match(page, /token reviews/);
      assert.match(page, /tokenreviews.authentication.k8s.io is forbidden/);
    });

    it('is judged by a TokenReview where that may not read the keys', async () => {
      const { token } = await podWithToken(cluster, 'shop', 'keyless');
      // Every service account may read them, unless a cluster is hardened so.
      await cluster.api.delete(EVERYBODY_READS_KEYS);
      using own = await AttestedServer.files(['shop']);
      await using limited = await without(own, 'reviewer', ['/openid/v1/jwks', '/.well-known/openid-configuration']);
      await limited.granted({ token });
      assert.equal(limited.newest().attestation?.tokenReview, 'confirmed');
      await limited.refused({ token: `${token.slice(0, -8)}AAAAAAAA` }, /^CAP-A05 .*does not authenticate anybody/);
    });

    it('is judged by the keys while the API server has no place for TokenReviews (429), which are not asked for again and again', async () => {
      const tokens: string[] = [];
      for (const name of ['throttled-1', 'throttled-2', 'throttled-3']) {
        tokens.push((await podWithToken(cluster, 'shop', name)).token);
      }
      const account = await ChartAccount.make(cluster, {}, { name: 'throttled' });
      await cluster.apply(NO_PLACE_FOR_REVIEWS);
      using throttled = new ClusterApi(account.kubeconfig);
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: tokens[0] } };
      const throttles = async (): Promise<boolean> =>
        throttled.ask('POST', REVIEWS, review).then(
          () => false,
          (error: unknown) => error instanceof ApiRefusal && error.status === 429,
        );
      // One that came before the level was in force has its seat elsewhere: each try holds another.
      using held = new DisposableStack();
      const throttlesOnceHeld = async (): Promise<boolean> => {
        held.use(heldReview(cluster, account));
        return throttles();
      };
      await eventually('the API server throttles', throttlesOnceHeld, { withinMs: 60_000, everyMs: 500 });
      const refused = async (): Promise<number> =>
        cluster.metric('apiserver_flowcontrol_rejected_requests_total', THROTTLED);
      using own = await AttestedServer.files(['shop']);
      await using limited = await AttestedServer.startAs(account, own);
      const health = async (): Promise<string> => (await limited.server.get('/readyz')).text();
      const [before, askedMs] = [await refused(), performance.now()];
      for (const token of tokens) {
        await limited.granted({ token });
        assert.equal(limited.newest().attestation?.tokenReview, 'unavailable');
      }
      assert.match(await health(), /the API server answered 429/);
      // It is left alone for five seconds; the first of these calls found that out for the others.
      const fitIn = 1 + Math.floor((performance.now() - askedMs) / 5_000);
      const seen = (await refused()) - before;
      assert.ok(seen >= 1 && seen <= fitIn, `${seen} TokenReviews were refused, ${fitIn} may be`);
      held.dispose();
      for (const object of NO_PLACE_FOR_REVIEWS) await cluster.api.delete(object);
      await eventually('the API server has places', async () => !(await throttles()), { withinMs: 60_000 });
      const confirmed = async (): Promise<boolean> => {
        const pod = 'throttled-1';
        await limited.granted({ token: await cluster.token({ namespace: 'shop', serviceAccount: pod, pod }) });
        return limited.newest().attestation?.tokenReview === 'confirmed';
      };
      await eventually('a review that is answered', confirmed, { withinMs: 30_000, everyMs: 500 });
      assert.doesNotMatch(await health(), /429/);
    });

    it('is attested by a server whose kubeconfig has a program for credentials, run anew when the API server refuses them or they end', async () => {
      using own = await AttestedServer.files(['shop']);
      const account = await ChartAccount.make(cluster, {}, { name: 'programmed' });
      const { file, runs } = programKubeconfig(account.kubeconfig, own.path('program'), (token) => [
        { token: 'of-yesterday' },
        { token, expirationTimestamp: '2026-01-01T00:00:00Z' },
      ]);
      await using programmed = await AttestedServer.startAs(account.by(file), own);
      const { token } = await podWithToken(cluster, 'shop', 'programmed');
      await programmed.granted({ token });
      assert.equal(programmed.newest().attestation?.tokenReview, 'confirmed');
      let more = 0;
      await eventually(
        'another run',
        async () => {
          const next = await podWithToken(cluster, 'shop', `programmed-${(more += 1)}`);
          await programmed.granted({ token: next.token });
          return runs() >= 3;
        },
        { withinMs: 40_000, everyMs: 1_000 },
      );
      assert.equal(programmed.newest().attestation?.tokenReview, 'confirmed');
    });
  });

  it('costs the API server what the metrics say: TokenReviews by their outcome', async () => {
    const page = await (await capstan.server.get('/metrics')).text();
    assert.match(page, /^capstan_token_reviews_total\{outcome="confirmed"\} [1-9]/m);
    assert.match(page, /^capstan_token_reviews_total\{outcome="unavailable"\} 0/m);
  });

  it('that shows a token for the first time just after its pod was made is not taken for nobody', async () => {
    const made = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => podWithToken(cluster, 'shop', `burst-${n}`)),
    );
    await Promise.all(made.map(async ({ token }) => capstan.granted({ token })));
    await eventually('the health', async () => (await capstan.server.get('/readyz')).ok, SOON);
  });
});

const EVERYBODY_READS_KEYS = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'system:service-account-issuer-discovery' },
};

const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const FLOW = 'flowcontrol.apiserver.k8s.io/v1';
/** Of the counters of the API server. */
const THROTTLED = { flow_schema: 'no-place-for-reviews' };

/**
 * A review that an account has begun to ask for, and whose end does not come: also a level without seats lets one run.
 * Given up when it is disposed of.
 */
function heldReview(cluster: KubernetesCluster, { kubeconfig }: ChartAccount): Disposable {
  const { users } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { users: [{ user: { token: string } }] };
  const held = request(new URL(REVIEWS, cluster.server), {
    method: 'POST',
    ca: readFileSync(cluster.caFile),
    headers: { authorization: `Bearer ${users[0].user.token}`, 'content-type': 'application/json' },
  });
  held.on('error', () => undefined);
  held.write('{');
  return { [Symbol.dispose]: () => void held.destroy() };
}

const LEVEL = { name: THROTTLED.flow_schema };
/** API Priority and Fairness: reviews that the account asks for have no seat and may not wait for one. */
const NO_PLACE_FOR_REVIEWS = [
  {
    apiVersion: FLOW,
    kind: 'PriorityLevelConfiguration',
    metadata: LEVEL,
    spec: {
      type: 'Limited',
      limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } },
    },
  },
  {
    apiVersion: FLOW,
    kind: 'FlowSchema',
    metadata: LEVEL,
    spec: {
      priorityLevelConfiguration: LEVEL,
      matchingPrecedence: 2,
      rules: [
        {
          subjects: [{ kind: 'ServiceAccount', serviceAccount: { namespace: 'istio-system', name: 'throttled' } }],
          resourceRules: [
            {
              verbs: ['create'],
              apiGroups: ['authentication.k8s.io'],
              resources: ['tokenreviews'],
              clusterScope: true,
            },
          ],
        },
      ],
    },
  },
];

/** As whoever has no key of the API server would sign them. */
async function forged(claims: Readonly<Record<string, unknown>>): Promise<string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'forged' }).sign(privateKey);
}
