// Statuses that the API server does not take: what was signed is written again rather than signed anew, and a few certificates
// are all that one object can have made.
import assert from 'node:assert/strict';
import type { KubernetesObject } from '../../../../src/domain/cluster/snapshot.ts';
import { buildCsr, testAuthority, ztunnelCsr, type TestAuthority } from '../../../support/certificates.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import type { GivenObject } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { bundle, policySet, rule } from '../../../support/policy/policies.ts';
import { ISTIOD, pemsOf, Scene, WEB } from './scene.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CSR = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' };
const POD_REQUEST = { apiVersion: 'certificates.k8s.io/v1', kind: 'PodCertificateRequest' };
const APPROVED = { type: 'Approved', status: 'True', reason: 'Approved', message: '' };
const USAGES = ['digital signature', 'server auth', 'client auth'];

describe('An answer that the API server does not take', () => {
  let authority: TestAuthority;
  let csr: GivenObject;
  let podRequest: GivenObject;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
    const request = Buffer.from((await ztunnelCsr(WEB)).pem).toString('base64');
    csr = {
      ...CSR,
      metadata: { name: 'csr-1' },
      spec: { signerName: 'capstan.dev/default', username: ISTIOD, usages: USAGES, request, expirationSeconds: 3_600 },
      status: { conditions: [APPROVED] },
    };
    podRequest = {
      ...POD_REQUEST,
      metadata: { name: 'web-1-x2k9d', namespace: 'shop' },
      spec: {
        signerName: 'capstan.dev/default',
        podName: 'web-1',
        podUID: 'uid-of-web-1',
        nodeName: 'node-1',
        serviceAccountName: 'web',
        serviceAccountUID: 'uid-of-web',
        maxExpirationSeconds: 86_400,
        stubPKCS10Request: (await buildCsr()).der.toString('base64'),
      },
    };
  });

  const failing = (which: ConstructorParameters<typeof Scene>[1], status: number, reason: string): Scene => {
    const scene = new Scene(authority, which);
    scene.workloads.addPod();
    scene.api.fail('replace', status, reason);
    scene.start();
    return scene;
  };
  /** In steps, for issuing takes turns of the event loop between the ticks of the clock. */
  const pass = async (scene: Scene, ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= MINUTE_MS) await scene.settle(Math.min(left, MINUTE_MS));
  };
  const writes = (scene: Scene): number => scene.api.calls.filter((call) => call.startsWith('replace')).length;
  /** Somebody else changes it, and it goes on waiting. */
  const touch = (scene: Scene, given: GivenObject, value: string): KubernetesObject =>
    scene.api.put({ ...given, metadata: { ...given.metadata, labels: { touched: value } } });

  it('is written again as it is, and not signed anew, for as long as it is of use', async () => {
    await using scene = failing('signing requests', 500, 'InternalError');
    scene.api.put(csr);
    await pass(scene, 29 * MINUTE_MS);
    assert.equal(scene.issued, 1);
    assert.ok(writes(scene) > 50, String(writes(scene)));
    scene.api.mend();
    await scene.settle(30_000);
    const { certificate = '' } = await scene.answered('csr-1');
    assert.equal(pemsOf(Buffer.from(certificate, 'base64').toString()).length, 2);
    assert.deepEqual([scene.issued, scene.signer.problem, scene.reported], [1, undefined, []]);
  });

  for (const [status, reason] of [
    [500, 'InternalError'],
    [403, 'Forbidden'],
    [429, 'TooManyRequests'],
    [0, 'Unreachable'],
  ] as const) {
    it(`costs three certificates of a pod at most when it fails for ever with ${status}`, async () => {
      await using scene = failing('pod certificates', status, reason);
      scene.api.put(podRequest);
      await pass(scene, 2 * MINUTE_MS);
      assert.equal(scene.issued, 1);
      await pass(scene, HOUR_MS);
      const written = writes(scene);
      await pass(scene, HOUR_MS);
      assert.deepEqual([scene.issued, writes(scene)], [3, written]);
    });
  }

  it('is given up once, in log, health and where the owners of the pod look, until the request is gone', async () => {
    await using scene = failing('pod certificates', 500, 'InternalError');
    scene.api.put(podRequest);
    await pass(scene, HOUR_MS);
    for (const value of ['once', 'twice']) {
      touch(scene, podRequest, value);
      await pass(scene, MINUTE_MS);
    }
    const request = 'podcertificaterequests/shop/web-1-x2k9d';
    assert.deepEqual(scene.parts.events.of('requestGivenUp'), [
      {
        kind: 'podcertificaterequests',
        request,
        signer: 'capstan.dev/default',
        certificates: 3,
        problem: '500 InternalError',
      },
    ]);
    assert.deepEqual(scene.reported, [
      {
        involved: { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'uid-of-web-1' },
        reason: 'CertificateNotWritten',
        message: `the API server takes no answer to ${request}, which is given up: 500 InternalError`,
      },
    ]);
    assert.match(scene.signer.problem ?? '', new RegExp(`^no answer can be written to ${request} of .*: 500`));
    scene.api.remove(POD_REQUEST, { namespace: 'shop', name: 'web-1-x2k9d' });
    await scene.settle();
    assert.equal(scene.signer.problem, undefined);
  });

  it('is told the service account that relayed the request', async () => {
    await using scene = failing('signing requests', 403, 'Forbidden');
    scene.api.put(csr);
    await pass(scene, 2 * HOUR_MS);
    assert.deepEqual(
      [scene.issued, scene.reported.map(({ involved }) => involved)],
      [3, [{ kind: 'ServiceAccount', namespace: 'istio-system', name: 'istiod' }]],
    );
  });

  it('costs one certificate when the API server calls it invalid, however often the object is changed', async () => {
    await using scene = failing('pod certificates', 422, 'Invalid');
    scene.api.put(podRequest);
    for (let minute = 0; minute < 30; minute += 1) {
      touch(scene, podRequest, String(minute));
      await pass(scene, MINUTE_MS);
    }
    assert.deepEqual([scene.issued, scene.parts.events.of('requestGivenUp').length], [1, 1]);
  });

  it('is written when the API server comes to take what it called invalid', async () => {
    await using scene = failing('pod certificates', 422, 'Invalid');
    scene.api.put(podRequest);
    await pass(scene, MINUTE_MS);
    scene.api.mend();
    await pass(scene, MINUTE_MS);
    assert.ok((await scene.answered('web-1-x2k9d', 'shop')).certificateChain);
    assert.deepEqual([scene.issued, scene.signer.problem], [1, undefined]);
  });

  it('is not made anew by a change of the leader and back', async () => {
    await using scene = failing('pod certificates', 500, 'InternalError');
    scene.api.put(podRequest);
    for (let turn = 0; turn < 10; turn += 1) {
      await scene.settle(10_000);
      await scene.leadAgain();
    }
    assert.equal(scene.issued, 1);
    await pass(scene, HOUR_MS);
    await scene.leadAgain();
    await pass(scene, HOUR_MS);
    assert.deepEqual([scene.issued, scene.parts.events.of('requestGivenUp').length], [3, 1]);
  });

  it('counts for the object alone: one made anew under its name has its own', async () => {
    await using scene = failing('pod certificates', 500, 'InternalError');
    scene.api.put(podRequest);
    await pass(scene, HOUR_MS);
    await scene[Symbol.asyncDispose]();
    scene.api.remove(POD_REQUEST, { namespace: 'shop', name: 'web-1-x2k9d' });
    scene.api.put(podRequest);
    scene.api.mend();
    await scene.leadAgain();
    assert.ok((await scene.answered('web-1-x2k9d', 'shop')).certificateChain);
    assert.deepEqual([scene.issued, scene.signer.problem], [4, undefined]);
  });

  it('is no trouble any more when the request went while another led', async () => {
    await using scene = failing('pod certificates', 500, 'InternalError');
    scene.api.put(podRequest);
    await scene.settle(10_000);
    await scene[Symbol.asyncDispose]();
    assert.equal(scene.signer.problem, undefined, 'it is the trouble of who leads');
    scene.api.remove(POD_REQUEST, { namespace: 'shop', name: 'web-1-x2k9d' });
    await scene.leadAgain();
    await scene.settle();
    assert.equal(scene.signer.problem, undefined);
  });

  it('leaves nothing behind of a request that goes while it is answered', async () => {
    await using scene = failing('signing requests', 500, 'InternalError');
    scene.api.mend();
    await scene.settle();
    const goOn = scene.api.hold();
    scene.api.put(csr);
    await scene.settle();
    assert.equal(scene.api.calls.at(-1), 'replace certificatesigningrequests/csr-1/status');
    scene.api.remove(CSR, { name: 'csr-1' });
    await scene.settle();
    goOn();
    await scene.settle();
    scene.api.put(csr);
    await scene.answered('csr-1');
    assert.ok(!scene.api.calls.some((call) => call.startsWith('get')), 'nothing is known of it before');
  });

  it('is no better when the API server says that it took it, and kept nothing', async () => {
    await using scene = failing('signing requests', 500, 'InternalError');
    scene.api.mend();
    scene.api.dropStatus = true;
    scene.api.put(csr);
    await pass(scene, 10 * MINUTE_MS);
    assert.equal(scene.issued, 1);
    assert.ok(writes(scene) < 40, String(writes(scene)));
    assert.match(scene.signer.problem ?? '', /took the answer and kept nothing of it/);
  });

  it('keeps what others have said of the request meanwhile', async () => {
    await using scene = failing('signing requests', 500, 'InternalError');
    scene.api.put(csr);
    await scene.settle(1_000);
    const seen = { type: 'Seen', status: 'True', reason: 'Seen', message: '' };
    scene.api.put({ ...csr, status: { conditions: [APPROVED, seen] } });
    scene.api.mend();
    await pass(scene, MINUTE_MS);
    assert.deepEqual((await scene.answered('csr-1')).conditions, [APPROVED, seen]);
  });

  it('is a refusal that is judged once while it waits', async () => {
    await using scene = failing('signing requests', 500, 'InternalError');
    scene.parts.policies.swap(policySet(bundle({ rules: [rule()] })));
    scene.api.put(csr);
    await pass(scene, 14 * MINUTE_MS);
    assert.equal(scene.parts.journal.records.length, 1);
    scene.api.mend();
    await pass(scene, MINUTE_MS);
    assert.equal((await scene.answered('csr-1')).conditions?.at(-1)?.type, 'Failed');
  });

  it('keeps nobody else waiting', async () => {
    await using scene = failing('pod certificates', 500, 'InternalError');
    scene.api.mend();
    scene.api.refuse('web-1-x2k9d/status', 500, 'InternalError');
    scene.api.put(podRequest);
    scene.api.put({ ...podRequest, metadata: { name: 'other', namespace: 'shop' } });
    assert.ok((await scene.answered('other', 'shop')).certificateChain);
    assert.match(scene.signer.problem ?? '', /podcertificaterequests\/shop\/web-1-x2k9d of/);
  });
});
