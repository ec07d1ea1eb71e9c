import assert from 'node:assert/strict';
import { SECRET } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import { IstiodSecret } from '../../../../src/adapters/kubernetes/publication/istiod-secret.ts';
import type { PlacedCertificate } from '../../../../src/ports/issuing/certificate-place.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';

const NEVER = { signal: new AbortController().signal };
const AT = { namespace: 'istio-system', name: 'istiod-tls' };
const PLACED: PlacedCertificate = { certificateChainPem: 'chain', privateKeyPem: 'key', anchorsPem: 'roots' };
const encoded = (text: string): string => Buffer.from(text).toString('base64');
const DATA = { 'tls.crt': encoded('chain'), 'tls.key': encoded('key'), 'ca.crt': encoded('roots') };

describe('The Secret istiod-tls', () => {
  let api: FakeKubernetesApi;
  let clock: FakeClock;
  let secret: IstiodSecret;
  beforeEach(() => {
    [api, clock] = [new FakeKubernetesApi(), new FakeClock()];
    secret = new IstiodSecret({ api, clock }, { ...AT, mark: { namespace: 'mesh', leaseName: 'capstan' } });
  });

  const stored = () => api.stored(SECRET, AT);
  const put = (data: Readonly<Record<string, string>>, more: object = {}): unknown =>
    api.put({ apiVersion: 'v1', kind: 'Secret', metadata: { ...AT, ...more }, type: 'Opaque', data });

  it('has the names that istiod looks for, in a Secret of the type for TLS', async () => {
    assert.equal(await secret.read(NEVER), undefined);
    await secret.write(PLACED, NEVER);
    assert.deepEqual(stored()?.['data'], DATA);
    assert.equal(stored()?.['type'], 'kubernetes.io/tls');
    assert.deepEqual(await secret.read(NEVER), PLACED);
  });

  it('is asked for by its name and never listed', async () => {
    await secret.read(NEVER);
    await secret.write(PLACED, NEVER);
    assert.deepEqual(api.calls, ['get secrets/istio-system/istiod-tls', 'apply secrets/istio-system/istiod-tls']);
  });

  it('is taken over with the type that it has, for no Secret can change it', async () => {
    put({ 'tls.crt': encoded('other') });
    assert.equal(await secret.read(NEVER), undefined, 'without a key it is not whole');
    await secret.write(PLACED, NEVER);
    assert.equal(stored()?.['type'], 'Opaque');
    assert.deepEqual(await secret.read(NEVER), PLACED);
  });

  it('is neither read nor written before the API server says that it may be', async () => {
    api.fail('get', 429, 'TooManyRequests', 30_000);
    await assert.rejects(secret.read(NEVER), /could not be read: 429/);
    api.mend();
    const both = Promise.all([secret.read(NEVER), secret.write(PLACED, NEVER)]);
    await clock.advance(29_000);
    assert.equal(api.calls.length, 1);
    await clock.advance(1_000);
    await both;
    assert.equal(api.calls.length, 3);
  });

  it('is left to another writer that changed it three times in a minute, who is named', async () => {
    const managedFields = [{ manager: 'cert-manager', fieldsV1: { 'f:data': { 'f:tls.crt': {} } } }];
    for (let round = 0; round < 3; round += 1) {
      await secret.write(PLACED, NEVER);
      put({ ...DATA, 'tls.crt': encoded(`other ${round}`) }, { managedFields });
      await clock.advance(15_000);
      await secret.read(NEVER);
    }
    await assert.rejects(
      secret.write(PLACED, NEVER),
      /^Error: cert-manager writes Secret istio-system\/istiod-tls too/,
    );
    await clock.advance(600_000);
    await secret.write(PLACED, NEVER);
  });

  it('is not contested by who writes a label on it', async () => {
    for (let round = 0; round < 4; round += 1) {
      await secret.write(PLACED, NEVER);
      put(DATA, { labels: { round: String(round) } });
      await secret.read(NEVER);
    }
    await secret.write(PLACED, NEVER);
  });

  it('says what could not be done, and nothing of what is in it', async () => {
    api.fail('get', 403, 'Forbidden');
    await assert.rejects(
      secret.read(NEVER),
      /^Error: Secret istio-system\/istiod-tls could not be read: 403 Forbidden$/,
    );
    api.mend();
    api.fail('apply', 409, 'Conflict');
    await assert.rejects(
      secret.write(PLACED, NEVER),
      /^Error: Secret istio-system\/istiod-tls could not be written: it was written by another meanwhile$/,
    );
  });
});
