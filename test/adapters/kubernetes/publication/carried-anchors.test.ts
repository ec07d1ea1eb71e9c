import assert from 'node:assert/strict';
import { KubernetesApiError } from '../../../../src/adapters/kubernetes/api/kubernetes-api.ts';
import {
  carriedAnchors,
  secretCarrier,
  webhookCarrier,
} from '../../../../src/adapters/kubernetes/publication/carried-anchors.ts';
import { testAuthority, TEST_TRUST_DOMAIN } from '../../../support/certificates.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';

const CARRIERS = [secretCarrier('istio-system', 'istiod-tls'), webhookCarrier('capstan-policies')];
const OPTIONS = { signal: new AbortController().signal };

describe('Objects that have the trust anchors beside something else', () => {
  const encoded = (text: string): string => Buffer.from(text).toString('base64');

  it('are told with their versions and what each holds, a webhook that differs from the others too', async () => {
    const [first, second] = [(await testAuthority()).bundle, (await testAuthority()).bundle];
    const both = first.joinedWith(second);
    const api = new FakeKubernetesApi();
    assert.deepEqual(await carriedAnchors(api, CARRIERS, TEST_TRUST_DOMAIN, OPTIONS), []);
    api.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'istio-system', name: 'istiod-tls' },
      data: { 'ca.crt': encoded(both.pem) },
    });
    const webhook = (pem: string) => ({ name: 'one', clientConfig: { caBundle: encoded(pem) } });
    api.put({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'capstan-policies' },
      webhooks: [webhook(both.pem), webhook(first.pem), webhook(both.pem)],
    });
    const places = await carriedAnchors(api, CARRIERS, TEST_TRUST_DOMAIN, OPTIONS);
    const shas = (...bundles: readonly (typeof first)[]) =>
      bundles.flatMap(({ anchors }) => anchors.map((a) => a.sha256));
    assert.deepEqual(
      places?.map(({ kind, name, digest, anchors }) => ({ kind, name, digest, anchors })),
      [
        { kind: 'Secret', name: 'istio-system/istiod-tls', digest: both.digest, anchors: shas(first, second) },
        {
          kind: 'ValidatingWebhookConfiguration',
          name: 'capstan-policies',
          digest: both.digest,
          anchors: shas(first, second),
        },
        {
          kind: 'ValidatingWebhookConfiguration',
          name: 'capstan-policies',
          digest: first.digest,
          anchors: shas(first),
        },
      ],
    );
    for (const { version } of places) assert.match(version ?? '', /./);
  });

  it('are not known while the API server does not answer for one of them', async () => {
    const api = {
      get: async () => Promise.reject(new KubernetesApiError({ status: 403, reason: 'Forbidden', message: 'no' })),
    };
    assert.equal(await carriedAnchors(api, CARRIERS, TEST_TRUST_DOMAIN, OPTIONS), undefined);
  });
});
