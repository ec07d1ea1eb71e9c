import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { Signer } from '../../../../src/ports/issuing/signer.ts';
import { buildCsr, spiffe, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { bundle, NEEDS_INGRESS, object, policySet, rule, WIDE } from '../../../support/policy/policies.ts';
import { pemsOf, Scene, WEB, type ReadStatus } from './scene.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('The signer of PodCertificateRequests', () => {
  let authority: TestAuthority;
  let stub: string;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
    stub = (await buildCsr()).der.toString('base64');
  });

  const running = (): Scene => {
    const scene = new Scene(authority, 'pod certificates');
    scene.workloads.addPod();
    scene.start();
    return scene;
  };
  const put = (scene: Scene, spec: object = {}): void => {
    const given = {
      signerName: 'capstan.dev/default',
      podName: 'web-1',
      podUID: 'uid-of-web-1',
      nodeName: 'node-1',
      nodeUID: 'uid-of-node-1',
      serviceAccountName: 'web',
      serviceAccountUID: 'uid-of-web',
      maxExpirationSeconds: 86_400,
      stubPKCS10Request: stub,
      ...spec,
    };
    scene.api.put({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'PodCertificateRequest',
      metadata: { name: 'web-1-x2k9d', namespace: 'shop' },
      spec: given,
    });
  };
  const answer = async (scene: Scene, spec: object = {}): Promise<ReadStatus> => {
    put(scene, spec);
    return scene.answered('web-1-x2k9d', 'shop');
  };
  const denialOf = async (spec: object, prepare: (scene: Scene) => void = () => undefined) => {
    await using scene = running();
    prepare(scene);
    put(scene, spec);
    await scene.settle(20_000);
    const { conditions = [], ...rest } = await scene.answered('web-1-x2k9d', 'shop');
    assert.deepEqual(rest, {}, 'the API server takes nothing beside the condition');
    assert.equal(conditions.length, 1);
    return conditions.map(({ type, reason, message }) => [type, reason, message].join(' ')).join();
  };
  const policyOf = (maxMs: number) =>
    policySet(bundle({ rules: [rule({ bounds: { ...WIDE, ttl: { minMs: 0, maxMs, defaultMs: Infinity } } })] }));

  it("gives the pod its service account's identity, with the intermediates", async () => {
    await using scene = running();
    const { certificateChain = '', conditions = [] } = await answer(scene);
    const [leaf = '', ...above] = pemsOf(certificateChain);
    assert.deepEqual(above, authority.issuer.chainPems);
    assert.equal(new X509Certificate(leaf).subjectAltName, `URI:${WEB}`);
    assert.deepEqual(
      conditions.map(({ type, status }) => [type, status]),
      [['Issued', 'True']],
    );
  });

  it('says of a certificate what is in it, and half of what is left as the time to refresh it', async () => {
    await using scene = running();
    const { certificateChain = '', notBefore, notAfter, beginRefreshAt } = await answer(scene);
    const { validFromDate, validToDate } = new X509Certificate(pemsOf(certificateChain)[0] ?? '');
    assert.deepEqual(
      [notBefore, notAfter, beginRefreshAt],
      ['2026-01-06T11:59:00Z', '2026-01-06T13:00:00Z', '2026-01-06T12:30:00Z'],
    );
    assert.deepEqual(
      [Date.parse(notBefore ?? ''), Date.parse(notAfter ?? '')],
      [validFromDate.getTime(), validToDate.getTime()],
    );
  });

  it('gives exactly an hour where the pod takes no more, backdating included', async () => {
    await using scene = running();
    const { notBefore, notAfter } = await answer(scene, { maxExpirationSeconds: 3_600 });
    assert.deepEqual([notBefore, notAfter], ['2026-01-06T11:59:00Z', '2026-01-06T12:59:00Z']);
  });

  it('denies what policy lets live for less than the hour that the API server demands', async () => {
    const denied = await denialOf({}, (scene) => scene.parts.policies.swap(policyOf(30 * MINUTE_MS)));
    assert.match(denied, /^Denied PolicyDenied CAP-P05 .*at most 30m, and the least that is taken is 1h/);
  });

  it('records the pod, its node and the object', async () => {
    await using scene = running();
    await answer(scene);
    const record = scene.parts.journal.records.at(-1);
    assert.ok(record?.outcome === 'issued');
    const { api, remoteAddress, caller, authenticationMethod, podName, podUid, nodeName, provenAtMs } = record;
    assert.deepEqual(
      { api, remoteAddress, caller, authenticationMethod, podName, podUid, nodeName, provenAtMs },
      {
        api: 'pod-certificate',
        remoteAddress: 'podcertificaterequests/shop/web-1-x2k9d',
        caller: WEB,
        authenticationMethod: 'pod-certificate',
        podName: 'web-1',
        podUid: 'uid-of-web-1',
        nodeName: 'node-1',
        provenAtMs: NOON_MS,
      },
    );
  });

  it('goes on for a while by what was last known of the cluster, and records that', async () => {
    await using scene = running();
    scene.workloads.stale = 5_000;
    await answer(scene);
    const record = scene.parts.journal.records.at(-1);
    assert.deepEqual(record?.attestation, { serviceAccountUid: 'uid-of-web', clusterStaleMs: 5_000 });
  });

  it('denies by the same policy as everywhere, with the same words', async () => {
    const deny = { namespaces: [], serviceAccounts: ['web'] };
    const denied = await denialOf({}, ({ parts }) =>
      parts.policies.swap(policySet(bundle({ rules: [rule({ deny })] }))),
    );
    assert.match(denied, /^Denied PolicyDenied CAP-P04 policy denies this identity: .* id=/);
  });

  it('denies what is not as the cluster knows it, when the cluster has had time to say so', async () => {
    assert.match(
      await denialOf({ podName: 'web-2' }),
      /^Denied NotAuthenticated CAP-A11 .*there is no pod shop\/web-2/,
    );
    assert.match(await denialOf({ podUID: 'another' }), /^Denied NotAuthenticated CAP-A11 .*has the UID uid-of-web-1/);
    assert.match(await denialOf({ nodeName: 'node-2' }), /^Denied NotAuthenticated CAP-A11 .*not on the node/);
    assert.match(await denialOf({ serviceAccountUID: 'another' }), /^Denied NotAuthenticated CAP-A12 /);
    const other = await denialOf({ serviceAccountName: 'api', serviceAccountUID: 'uid-of-api' }, ({ workloads }) => {
      workloads.addServiceAccount({ name: 'api' });
    });
    assert.match(other, /^Denied NotAuthenticated CAP-A11 .*runs as another service account/);
  });

  it('denies a pod that has ended', async () => {
    for (const phase of ['Succeeded', 'Failed']) {
      assert.match(await denialOf({}, ({ workloads }) => void workloads.addPod({ phase })), /CAP-A11 .*has ended/);
    }
  });

  it('waits for a pod that a busy API server has not told of yet', async () => {
    await using scene = running();
    scene.workloads.removePod('shop', 'web-1');
    put(scene);
    await scene.settle(8_000);
    assert.deepEqual(scene.status('web-1-x2k9d', 'shop'), {});
    scene.workloads.addPod();
    await scene.settle(5_000);
    assert.ok((await scene.answered('web-1-x2k9d', 'shop')).certificateChain);
  });

  it('denies nothing while the cluster has not been seen for too long', async () => {
    await using scene = running();
    scene.workloads.unavailable = 'the API server has not been followed for 901 s';
    put(scene);
    await scene.settle(5_000);
    assert.deepEqual(scene.status('web-1-x2k9d', 'shop'), {});
    scene.workloads.unavailable = undefined;
    await scene.settle(10_000);
    assert.ok((await scene.answered('web-1-x2k9d', 'shop')).certificateChain);
  });

  it('denies no condition that may become true, for the kubelet takes a denial for the whole life of the pod', async () => {
    await using scene = running();
    scene.parts.policies.swap(policySet(bundle(), [NEEDS_INGRESS]));
    put(scene);
    await scene.settle(HOUR_MS / 4);
    assert.deepEqual(scene.status('web-1-x2k9d', 'shop'), {});
    const refused = scene.parts.journal.records.at(-1);
    assert.equal(refused?.outcome === 'refused' && refused.reason, 'CAP-P12');
    scene.parts.clusters.show(object('Ingress', 'shop', 'front'));
    await scene.settle(31_000);
    assert.ok((await scene.answered('web-1-x2k9d', 'shop')).certificateChain);
  });

  it('demands the proof of the key, and certifies no type that the policy does not know', async () => {
    const forged = Buffer.from(stub, 'base64');
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    assert.match(
      await denialOf({ stubPKCS10Request: forged.toString('base64') }),
      /^Denied InvalidRequest CAP-C0[24] /,
    );
    const ed25519 = (await buildCsr({ keyType: 'ed25519' })).der.toString('base64');
    assert.match(await denialOf({ stubPKCS10Request: ed25519 }), /^Denied UnsupportedKeyType CAP-K01 /);
  });

  it('says of a fault of its own only that there was one', async () => {
    const { signer } = authority.material;
    const lying: Signer = { ...signer, sign: async (_tbs, options) => signer.sign(Uint8Array.of(1), options) };
    const failed = await denialOf({}, ({ parts }) => parts.issuers.swap({ ...authority.material, signer: lying }));
    assert.match(failed, /^Failed InternalError CAP-X01 internal error id=[0-9a-f]{20}$/);
  });

  it('takes no other name from the stub', async () => {
    const named = await buildCsr({ names: [spiffe('spiffe://cluster.local/ns/shop/sa/admin')] });
    assert.match(await denialOf({ stubPKCS10Request: named.der.toString('base64') }), /CAP-C06 /);
  });

  it('signs each request once, and none that has an answer', async () => {
    await using scene = running();
    await answer(scene);
    await scene.settle(HOUR_MS);
    assert.equal(scene.issued, 1);
  });
});
