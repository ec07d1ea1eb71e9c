import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { UNKNOWN_MS } from '../../../../src/domain/identity/caller.ts';
import {
  agentCsr,
  buildCsr,
  spiffe,
  testAuthority,
  ztunnelCsr,
  type TestAuthority,
} from '../../../support/certificates.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { bundle, policySet, rule } from '../../../support/policy/policies.ts';
import { ISTIOD, pemsOf, RELAYED_POLICY, Scene, WEB } from './scene.ts';

const USAGES = ['digital signature', 'key encipherment', 'server auth', 'client auth'];
const APPROVED = { type: 'Approved', status: 'True', reason: 'Approved', message: '' };

describe('The signer of CertificateSigningRequests', () => {
  let authority: TestAuthority;
  let csrPem: string;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
    csrPem = (await ztunnelCsr(WEB)).pem;
  });

  const running = (): Scene => {
    const scene = new Scene(authority, 'signing requests');
    scene.start();
    return scene;
  };
  const put = (
    scene: Scene,
    spec: object = {},
    conditions: readonly object[] = [APPROVED],
    name = 'csr-1',
    more = {},
  ): void => {
    const given = {
      signerName: 'capstan.dev/default',
      username: ISTIOD,
      usages: USAGES,
      request: Buffer.from(csrPem).toString('base64'),
      ...spec,
    };
    scene.api.put({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name, ...more },
      spec: given,
      status: { conditions },
    });
  };
  const failureOf = async (spec: object): Promise<readonly string[]> => {
    await using scene = running();
    put(scene, spec);
    const { conditions = [], certificate } = await scene.answered('csr-1');
    assert.equal(certificate, undefined);
    const failed = conditions.find(({ type }) => type === 'Failed');
    assert.equal(failed?.status, 'True');
    const record = scene.parts.journal.records.at(-1);
    assert.ok(record?.outcome === 'refused');
    assert.ok(failed.message.endsWith(` id=${record.decisionId}`));
    return [failed.reason, failed.message];
  };

  it('writes the leaf and what stands between it and the root, and leaves the approval as it is', async () => {
    await using scene = running();
    put(scene, { expirationSeconds: 1_800 });
    const { certificate = '', conditions } = await scene.answered('csr-1');
    const pems = pemsOf(Buffer.from(certificate, 'base64').toString());
    const [leaf = ''] = pems;
    assert.deepEqual(pems.slice(1), authority.issuer.chainPems);
    const { subjectAltName, validToDate } = new X509Certificate(leaf);
    assert.deepEqual([subjectAltName, validToDate.getTime()], [`URI:${WEB}`, NOON_MS + 1_800_000]);
    assert.deepEqual(conditions, [APPROVED]);
  });

  it('signs what istiod relays of its Go agents', async () => {
    await using scene = running();
    put(scene, { request: Buffer.from((await agentCsr(WEB)).pem).toString('base64') });
    assert.ok((await scene.answered('csr-1')).certificate);
  });

  it('records who relayed it and for whom, and takes nothing of it for a proof', async () => {
    await using scene = running();
    put(scene);
    await scene.answered('csr-1');
    const record = scene.parts.journal.records.at(-1);
    assert.ok(record?.outcome === 'issued');
    const { api, remoteAddress, caller, identity, authenticationMethod, credentialId, podName, provenAtMs } = record;
    assert.deepEqual(
      { api, remoteAddress, caller, identity, authenticationMethod, credentialId, podName, provenAtMs },
      {
        api: 'kubernetes-csr',
        remoteAddress: 'certificatesigningrequests/csr-1',
        caller: 'spiffe://cluster.local/ns/istio-system/sa/istiod',
        identity: WEB,
        authenticationMethod: 'kubernetes-csr',
        credentialId: 'default',
        podName: undefined,
        provenAtMs: UNKNOWN_MS,
      },
    );
    assert.equal(record.policy?.actor, 'istio-system/istiod');
  });

  it('changes nothing of a request but its status', async () => {
    await using scene = running();
    const metadata = { name: 'csr-1', labels: { of: 'istiod' }, annotations: { by: 'istiod' }, finalizers: ['kept'] };
    const managedFields = [{ manager: 'istiod' }];
    put(scene, {}, [], 'csr-1', { ...metadata, managedFields });
    put(scene, {}, [APPROVED], 'csr-1', { ...metadata, managedFields });
    await scene.answered('csr-1');
    const { uid, resourceVersion } = scene.object('csr-1')!.metadata;
    assert.deepEqual(scene.object('csr-1')!.metadata, { ...metadata, uid, resourceVersion });
  });

  it('waits for the approval, and leaves alone what is denied, failed or signed', async () => {
    await using scene = running();
    const decided = (type: string): object => ({ type, status: 'True', reason: type, message: '' });
    put(scene, {}, [], 'waiting');
    put(scene, {}, [APPROVED, decided('Denied')], 'denied');
    put(scene, {}, [APPROVED, decided('Failed')], 'failed');
    await scene.settle();
    assert.equal(scene.parts.journal.records.length, 0);
    put(scene, {}, [APPROVED], 'waiting');
    assert.ok((await scene.answered('waiting')).certificate);
    await scene.settle(60_000);
    assert.equal(scene.issued, 1);
  });

  it('leaves alone what is for another signer', async () => {
    await using scene = running();
    put(scene, { signerName: 'capstan.dev/other' });
    await scene.settle();
    assert.equal(scene.parts.journal.records.length, 0);
  });

  it('serves nobody who is not listed, whoever approved it', async () => {
    const [reason, message] = await failureOf({ username: 'system:serviceaccount:shop:mallory' });
    assert.equal(reason, 'ImpersonationForbidden');
    assert.match(message ?? '', /^CAP-M05 .*system:serviceaccount:shop:mallory is not among/);
  });

  it('gives a listed requester nothing that policy does not let it ask for', async () => {
    await using scene = running();
    scene.parts.policies.swap(policySet(bundle({ rules: [rule()] })));
    put(scene);
    const { conditions = [] } = await scene.answered('csr-1');
    const failed = conditions.at(-1);
    assert.deepEqual([failed?.type, failed?.reason], ['Failed', 'PolicyDenied']);
    assert.match(failed?.message ?? '', /^CAP-P09 .*istio-system\/istiod/);
  });

  it('needs one SPIFFE ID of this trust domain in the CSR', async () => {
    const base64 = async (names: Parameters<typeof buildCsr>[0]) =>
      Buffer.from((await buildCsr(names)).pem).toString('base64');
    const none = await base64({});
    const two = await base64({ names: [spiffe(WEB), spiffe(`${WEB}2`)] });
    const foreign = await base64({ names: [spiffe('spiffe://other.example/ns/shop/sa/web')] });
    assert.match((await failureOf({ request: none }))[1] ?? '', /^CAP-C03 .*has 0 URIs/);
    assert.match((await failureOf({ request: two }))[1] ?? '', /^CAP-C03 .*has 2 URIs/);
    assert.match((await failureOf({ request: foreign }))[1] ?? '', /^CAP-C06 .*trust domain cluster\.local/);
  });

  it('gives no other usages than a workload has', async () => {
    const withoutClient = USAGES.filter((usage) => usage !== 'client auth');
    for (const usages of [withoutClient, [...USAGES, 'code signing'], [...USAGES, 'cert sign']]) {
      const [reason, message] = await failureOf({ usages });
      assert.equal(reason, 'InvalidRequest');
      assert.match(message ?? '', /^CAP-M06 .*spec\.usages digital signature/);
    }
  });

  it('says that a key is of a type it does not certify', async () => {
    const request = Buffer.from((await buildCsr({ keyType: 'ed25519', names: [spiffe(WEB)] })).pem).toString('base64');
    assert.equal((await failureOf({ request }))[0], 'UnsupportedKeyType');
  });

  it('survives what is no CSR at all', async () => {
    for (const request of ['', 'AAAA', Buffer.from('x'.repeat(100_000)).toString('base64')]) {
      assert.equal((await failureOf({ request }))[0], 'InvalidRequest');
    }
  });

  it('tries again while the server is not ready, and fails nothing meanwhile', async () => {
    await using scene = running();
    scene.parts.journal.failing = true;
    put(scene);
    await scene.settle(10_000);
    assert.deepEqual(scene.status('csr-1').conditions, [APPROVED]);
    scene.parts.journal.failing = false;
    await scene.settle(30_000);
    assert.ok((await scene.answered('csr-1')).certificate);
  });

  it('tries again where policy may pass later, and where a quota is used up', async () => {
    await using scene = running();
    scene.parts.quotas.full = [{ key: 'namespace shop', roomAfterMs: 700 }];
    const made = bundle({ rules: RELAYED_POLICY.bundle.rules });
    const quotas = { perNamespacePerMinute: 1, perIdentityPerMinute: Infinity };
    scene.parts.policies.swap(policySet({ ...made, namespaces: { ...made.namespaces, quotas } }));
    put(scene);
    await scene.settle();
    assert.deepEqual(scene.status('csr-1').conditions, [APPROVED]);
    scene.parts.quotas.full = [];
    await scene.settle(2_000);
    assert.ok((await scene.answered('csr-1')).certificate);
  });

  it('issues once when the answer cannot be written at first', async () => {
    await using scene = running();
    scene.api.fail('replace', 503, 'ServiceUnavailable');
    put(scene);
    await scene.settle(5_000);
    assert.match(
      scene.signer.problem ?? '',
      /^no answer can be written to certificatesigningrequests\/csr-1 of capstan\.dev\/default: 503/,
    );
    scene.api.mend();
    await scene.settle(10_000);
    await scene.answered('csr-1');
    assert.deepEqual([scene.issued, scene.signer.problem], [1, undefined]);
  });

  it('puts the same certificate on an object that somebody else has changed meanwhile', async () => {
    await using scene = running();
    const goOn = scene.api.hold();
    put(scene);
    await scene.settle();
    put(scene, { extra: { changed: ['yes'] } });
    goOn();
    await scene.settle(5_000);
    await scene.answered('csr-1');
    assert.equal(scene.issued, 1);
  });

  it('never puts the certificate of a request on one that was made anew under its name', async () => {
    await using scene = running();
    scene.api.fail('replace', 503, 'ServiceUnavailable');
    put(scene);
    await scene.settle(500);
    // The watch is late, and tells of neither.
    scene.api.fail('watch', 503, 'ServiceUnavailable');
    scene.api.remove({ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' }, { name: 'csr-1' });
    const other = await ztunnelCsr('spiffe://cluster.local/ns/shop/sa/other');
    put(scene, { request: Buffer.from(other.pem).toString('base64') });
    scene.api.mend('replace');
    await scene.settle(2_000);
    const { certificate = '' } = await scene.answered('csr-1');
    const [leaf = ''] = pemsOf(Buffer.from(certificate, 'base64').toString());
    assert.equal(new X509Certificate(leaf).subjectAltName, 'URI:spiffe://cluster.local/ns/shop/sa/other');
  });

  it('overwrites nothing that another has answered meanwhile', async () => {
    await using scene = running();
    scene.api.fail('replace', 503, 'ServiceUnavailable');
    put(scene);
    await scene.settle(500);
    const failed = { type: 'Failed', status: 'True', reason: 'Other', message: '' };
    // The watch is late: what is known of the object is that it waits.
    scene.api.fail('watch', 503, 'ServiceUnavailable');
    put(scene, {}, [APPROVED, failed]);
    scene.api.mend('replace');
    await scene.settle(60_000);
    assert.deepEqual(scene.status('csr-1'), { conditions: [APPROVED, failed] });
  });

  it('lets go at once of what was deleted, as istiod does after a minute', async () => {
    await using scene = running();
    await scene.settle();
    const { sleepers } = scene.parts.clock;
    scene.parts.journal.failing = true;
    put(scene);
    await scene.settle(10_000);
    assert.equal(scene.parts.clock.sleepers, sleepers + 1);
    scene.api.remove({ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' }, { name: 'csr-1' });
    await scene.settle();
    assert.equal(scene.parts.clock.sleepers, sleepers);
    scene.parts.journal.failing = false;
    await scene.settle(60_000);
    assert.equal(scene.parts.journal.records.length, 0);
  });

  for (const [what, status, reason] of [
    ['calls invalid', 422, 'Invalid'],
    ['has no room for', 413, 'RequestEntityTooLarge'],
  ] as const) {
    it(`gives up on what the API server ${what}, and says so`, async () => {
      await using scene = running();
      scene.api.fail('replace', status, reason);
      put(scene);
      await scene.settle(120_000);
      assert.equal(scene.issued, 1);
      assert.match(scene.signer.problem ?? '', new RegExp(`${status} ${reason}`));
    });
  }

  it('ends when it leads no more, and answers nothing after that', async () => {
    const scene = running();
    await scene.settle();
    await scene[Symbol.asyncDispose]();
    put(scene);
    await scene.settle(60_000);
    assert.deepEqual([scene.parts.journal.records.length, scene.api.watches], [0, 0]);
  });
});
