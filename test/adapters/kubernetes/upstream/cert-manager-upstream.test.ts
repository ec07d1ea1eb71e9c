// cert-manager as the CA above an issuer, over an API server in memory: what it is asked, and what is said of what becomes of it.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { CertManagerUpstream } from '../../../../src/adapters/kubernetes/upstream/cert-manager-upstream.ts';
import type { KubernetesObject } from '../../../../src/domain/cluster/snapshot.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { caRequest } from '../../../../src/domain/x509/request/ca-request.ts';
import type { IntermediateRequest } from '../../../../src/ports/issuing/intermediate-upstream.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';

const KIND = {
  apiVersion: 'cert-manager.io/v1',
  kind: 'CertificateRequest',
  plural: 'certificaterequests',
  namespaced: true,
};
const NAMESPACE = 'istio-system';
const QUERY = { namespace: NAMESPACE };
const NEVER = new AbortController().signal;
const DAY_MS = 86_400_000;
const REFERENCE = { name: 'corp', kind: 'ClusterIssuer', group: 'cert-manager.io' };
/** Nobody parses it here. */
const CHAIN = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const ISSUED = {
  certificate: Buffer.from(CHAIN).toString('base64'),
  conditions: [condition('Ready', 'True', 'Issued')],
};

function condition(type: string, status: string, reason: string, message = 'as it should be'): object {
  return { type, status, reason, message };
}

/** Signed anew each time, as ECDSA is. */
function requester(): () => IntermediateRequest {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const contents = {
    commonName: 'mesh',
    spki,
    algorithm: 'ecdsa-p256-sha256',
    trustDomainId: 'spiffe://corp.example',
  } as const;
  return () => {
    const request = caRequest(contents);
    return { csrPem: request.assemble(sign('sha256', request.info, privateKey)), lifetimeMs: 30 * DAY_MS };
  };
}

class Scene {
  readonly api = new FakeKubernetesApi();
  readonly clock = new FakeClock();
  readonly upstream = new CertManagerUpstream(this, { namespace: NAMESPACE, issuer: 'default', reference: REFERENCE });
  readonly request = requester();

  /** The answer, or the error in its place. */
  async asked(request = this.request()): Promise<unknown> {
    return this.upstream.sign(request, { signal: NEVER }).catch((error: unknown) => error);
  }

  /** Those there are, when there are as many. */
  async requests(count = 1): Promise<readonly KubernetesObject[]> {
    const found = async (): Promise<readonly KubernetesObject[] | undefined> => {
      const { items } = await this.api.list(KIND, QUERY, { signal: NEVER });
      return items.length === count ? items : undefined;
    };
    return eventually(`${count} requests`, found, { withinMs: 30_000, everyMs: 1 });
  }

  /** As a controller writes it. */
  become(request: KubernetesObject, status: object): void {
    this.api.put({ ...request, status });
  }

  /** The same as the one there, with the outcome that it has. */
  async outcome(status: object, request = this.request()): Promise<unknown> {
    const answer = this.asked(request);
    const [made] = await this.requests();
    this.become(made!, status);
    return answer;
  }

  async pass(ms: number): Promise<void> {
    await eventually('a wait', () => this.clock.sleepers > 0, { withinMs: 30_000, everyMs: 1 });
    await this.clock.advance(ms);
  }
}

async function refusalOf(answer: Promise<unknown>): Promise<string> {
  const error = await answer;
  assert.ok(error instanceof AuthorityError, String(error));
  assert.equal(error.reason, 'CAP-S16');
  return error.message;
}

describe('cert-manager as the CA above an issuer', () => {
  it('is asked for a CA by an object of the configured issuer, and what it signed is the answer', async () => {
    const scene = new Scene();
    const request = scene.request();
    assert.equal(await scene.outcome(ISSUED, request), CHAIN);
    const [made] = await scene.requests();
    assert.match(made!.metadata.name, /^capstan-default-/);
    assert.deepEqual(made!['spec'], {
      request: Buffer.from(request.csrPem).toString('base64'),
      isCA: true,
      usages: ['cert sign', 'crl sign'],
      duration: '2592000s',
      issuerRef: REFERENCE,
    });
  });

  for (const [what, status, said] of [
    [
      'that was denied',
      [condition('Denied', 'True', 'policy.cert-manager.io', 'no policy\nallows it')],
      /was denied: no policy allows it \(policy\.cert-manager\.io\)$/,
    ],
    [
      'that failed',
      [condition('Approved', 'True', 'x'), condition('Ready', 'False', 'Failed', 'the token of Vault has ended')],
      /has failed: the token of Vault has ended/,
    ],
    ['that is invalid', [condition('InvalidRequest', 'True', 'x', 'what CSR?')], /is invalid: what CSR\?/],
  ] as const) {
    it(`says of a request ${what} what was said of it`, async () => {
      assert.match(await refusalOf(new Scene().outcome({ conditions: status })), said);
    });
  }

  for (const [what, status, said] of [
    ['that nobody approves', undefined, /has neither been approved nor denied: is cert-manager running/],
    [
      'that nobody signs',
      { conditions: [condition('Approved', 'True', 'x')] },
      /is approved, and nothing has looked at it since/,
    ],
    [
      'whose issuer is not there',
      { conditions: [condition('Ready', 'False', 'Pending', 'Referenced "Issuer" not found')] },
      /is pending: Referenced "Issuer" not found/,
    ],
  ] as const) {
    it(`says of a request ${what} what it waits for, and finds it when asked again`, async () => {
      const scene = new Scene();
      const answer = scene.asked();
      const [made] = await scene.requests();
      if (status !== undefined) scene.become(made!, status);
      await eventually('it is watched', () => scene.api.watches === 1, { withinMs: 30_000, everyMs: 1 });
      await scene.pass(20_000);
      assert.match(await refusalOf(answer), said);
      scene.become(made!, ISSUED);
      assert.equal(await scene.asked(), CHAIN);
      assert.equal((await scene.requests()).length, 1);
    });
  }

  it('asks anew for what is changed in the request, and not for another signature of the same', async () => {
    const scene = new Scene();
    await scene.outcome(ISSUED);
    await scene.asked();
    assert.equal((await scene.requests()).length, 1);
    const other = scene.asked({ ...scene.request(), lifetimeMs: 60 * DAY_MS });
    const made = (await scene.requests(2)).find((one) => one['status'] === undefined);
    scene.become(made!, ISSUED);
    assert.equal(await other, CHAIN);
  });

  it('tells an outcome again for ten minutes, and has another request made after that', async () => {
    const scene = new Scene();
    const denied = { conditions: [condition('Denied', 'True', 'x', 'not today')] };
    await refusalOf(scene.outcome(denied));
    await scene.clock.advance(599_000);
    await refusalOf(scene.asked());
    await scene.requests(1);
    await scene.clock.advance(1_000);
    const answer = scene.asked();
    const made = (await scene.requests(2)).find((one) => one['status'] === undefined);
    scene.become(made!, ISSUED);
    assert.equal(await answer, CHAIN);
  });

  it('goes on when a watch ends, fails or is too old', async () => {
    for (const end of [(api: FakeKubernetesApi) => api.endWatches(), (api: FakeKubernetesApi) => api.expire()]) {
      const scene = new Scene();
      const answer = scene.asked();
      const [made] = await scene.requests();
      await eventually('it is watched', () => scene.api.watches === 1, { withinMs: 30_000, everyMs: 1 });
      end(scene.api);
      await eventually('it waits a moment', () => scene.clock.sleepers === 2, { withinMs: 30_000, everyMs: 1 });
      scene.become(made!, ISSUED);
      await scene.clock.advance(1_000);
      assert.equal(await answer, CHAIN);
    }
  });

  it('says of a request that was deleted that it was', async () => {
    const scene = new Scene();
    const answer = scene.asked();
    const [made] = await scene.requests();
    scene.api.remove(KIND, made!.metadata);
    assert.match(await refusalOf(answer), /was deleted before anybody signed it/);
  });

  for (const [what, call, status, reason, said] of [
    ['that cannot be reached', 'list', 0, 'Unreachable', /cannot be reached/],
    ['without cert-manager', 'list', 404, 'NotFound', /are cert-manager .* there\?/],
    ['that does not let it', 'create', 403, 'Forbidden', /the chart's role for it is in istio-system/],
    ['whose admission refuses', 'create', 400, 'BadRequest', /400 BadRequest/],
  ] as const) {
    it(`says what an API server answered ${what}`, async () => {
      const scene = new Scene();
      scene.api.fail(call, status, reason);
      assert.match(await refusalOf(scene.asked()), said);
    });
  }

  it('gives up an API server that does not answer, and one that sends what is no certificate', async () => {
    const scene = new Scene();
    const release = scene.api.hold();
    const answer = scene.asked();
    await scene.pass(20_000);
    release();
    assert.match(await refusalOf(answer), /did not answer within 20 s/);
    for (const certificate of ['', '####', Buffer.from('<html>').toString('base64'), 7, 'A'.repeat(300_000)]) {
      const status = { ...ISSUED, certificate };
      assert.match(await refusalOf(new Scene().outcome(status)), /certificate (has no PEM block|of more than)/);
    }
  });

  it('ends with its signal', async () => {
    const scene = new Scene();
    const stop = new AbortController();
    const answer = scene.upstream.sign(scene.request(), { signal: stop.signal });
    await scene.requests();
    stop.abort(new Error('the server stops'));
    await assert.rejects(answer, /the server stops/);
    assert.equal(scene.clock.sleepers, 0);
  });

  it('deletes the oldest of its own, but for ten, those of an hour, and what waits for an approval', async () => {
    const scene = new Scene();
    const at = (name: string, ageMs: number, status: object = ISSUED, issuer = 'default'): void => {
      const creationTimestamp = new Date(NOON_MS - ageMs).toISOString();
      const labels = { 'app.kubernetes.io/managed-by': 'capstan', 'capstan.dev/issuer': issuer };
      scene.api.put({ ...KIND, metadata: { name, namespace: NAMESPACE, creationTimestamp, labels }, status });
    };
    for (let age = 1; age <= 10; age += 1) at(`recent-${age}`, age * 60_000);
    at('within-an-hour', 50 * 60_000);
    at('old', 2 * 3_600_000);
    at('refused', 3 * 3_600_000, { conditions: [condition('Denied', 'True', 'x')] });
    at('waits', 29 * DAY_MS, {});
    at('forgotten', 31 * DAY_MS, {});
    at('of-another', 31 * DAY_MS, ISSUED, 'other');
    const answer = scene.asked();
    const made = (await scene.requests(17)).find((one) => one.metadata.name.startsWith('capstan-'));
    scene.become(made!, ISSUED);
    await answer;
    const left = await scene.api.list(KIND, QUERY, { signal: NEVER });
    const names = left.items.map(({ metadata: { name } }) => name);
    assert.deepEqual(
      names.filter((name) => !/^(recent|capstan)-/.test(name)),
      ['within-an-hour', 'waits', 'of-another'],
    );
  });

  it('says nothing of what it could not delete', async () => {
    const scene = new Scene();
    scene.api.fail('delete', 403, 'Forbidden');
    assert.equal(await scene.outcome(ISSUED), CHAIN);
  });
});
