import assert from 'node:assert/strict';
import { WEBHOOK_CONFIGURATION, WebhookTrust } from '../../../../src/adapters/kubernetes/admission/webhook-trust.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';

const { apiVersion, kind } = WEBHOOK_CONFIGURATION;
const WEBHOOK = { name: 'policies.capstan.dev', clientConfig: { service: { name: 'capstan' } }, timeoutSeconds: 2 };

async function started({ installed = true } = {}) {
  const api = new FakeKubernetesApi();
  if (installed) api.put({ apiVersion, kind, metadata: { name: 'capstan' }, webhooks: [WEBHOOK] });
  const clock = new FakeClock();
  let pem = 'anchors 1';
  const trust = new WebhookTrust({ api, clock, anchors: () => pem }, { name: 'capstan' });
  void trust.keep({ signal: new AbortController().signal });
  const settle = async (ms = 0): Promise<void> => {
    await clock.advance(ms);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  await settle();
  const kept = () => {
    const { webhooks } = api.stored(WEBHOOK_CONFIGURATION, { name: 'capstan' }) as unknown as {
      webhooks: [{ clientConfig: { caBundle?: string; service: object }; timeoutSeconds: number }];
    };
    return webhooks[0];
  };
  const anchor = (next: string): void => {
    pem = next;
    trust.changed();
  };
  const writes = () => api.calls.filter((call) => call.startsWith('replace')).length;
  return { api, trust, settle, kept, anchor, writes };
}

describe('The trust of the API server in our answers', () => {
  it('is in the anchors in force, beside what the installer wrote', async () => {
    const { kept, trust } = await started();
    assert.equal(Buffer.from(kept().clientConfig.caBundle ?? '', 'base64').toString(), 'anchors 1');
    assert.deepEqual([kept().clientConfig.service, kept().timeoutSeconds], [{ name: 'capstan' }, 2]);
    assert.equal(trust.problem, undefined);
  });

  it('follows the anchors at once, and is written only when it is another', async () => {
    const { kept, anchor, settle, writes } = await started();
    anchor('anchors 2');
    await settle();
    assert.equal(Buffer.from(kept().clientConfig.caBundle ?? '', 'base64').toString(), 'anchors 2');
    await settle(600_000);
    assert.equal(writes(), 2);
  });

  it('is mended within a minute where somebody installs it anew', async () => {
    const { api, kept, settle } = await started();
    api.put({ apiVersion, kind, metadata: { name: 'capstan' }, webhooks: [WEBHOOK] });
    await settle(60_000);
    assert.notEqual(kept().clientConfig.caBundle, undefined);
  });

  it('is missed where nobody has installed it, until somebody does', async () => {
    const { api, trust, settle, kept } = await started({ installed: false });
    assert.match(trust.problem ?? '', /ValidatingWebhookConfiguration capstan does not exist/);
    api.put({ apiVersion, kind, metadata: { name: 'capstan' }, webhooks: [WEBHOOK] });
    await settle(10_000);
    assert.notEqual(kept().clientConfig.caBundle, undefined);
    assert.equal(trust.problem, undefined);
  });

  it('leaves an API server alone as long as it asks, also when the anchors change meanwhile', async () => {
    const { api, settle, anchor, kept } = await started();
    api.fail('get', 429, 'TooManyRequests', 30_000);
    anchor('anchors 2');
    await settle();
    api.mend();
    const before = api.calls.length;
    anchor('anchors 3');
    await settle(29_000);
    assert.equal(api.calls.length, before);
    await settle(1_000);
    assert.equal(Buffer.from(kept().clientConfig.caBundle ?? '', 'base64').toString(), 'anchors 3');
  });

  it('waits for rights that it lacks, and says so', async () => {
    const { api, trust, settle, anchor } = await started();
    api.fail('replace', 403, 'Forbidden');
    anchor('anchors 2');
    await settle();
    assert.match(trust.problem ?? '', /cannot be kept in the ValidatingWebhookConfiguration capstan: 403/);
    api.mend();
    await settle(10_000);
    assert.equal(trust.problem, undefined);
  });
});
