import assert from 'node:assert/strict';
import { CONFIG_MAP } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import {
  CLUSTER_TRUST_BUNDLE,
  ClusterTrustBundles,
  type TrustBundleName,
} from '../../../../src/adapters/kubernetes/publication/cluster-trust-bundles.ts';
import { ObjectKeeper } from '../../../../src/adapters/kubernetes/publication/object-keeper.ts';
import { RemovedObjects } from '../../../../src/adapters/kubernetes/publication/removed-objects.ts';
import { ROOT_FIELD } from '../../../../src/adapters/kubernetes/publication/root-config-maps.ts';
import type { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import { testAuthority } from '../../../support/certificates.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const MARK = { namespace: 'mesh', leaseName: 'capstan' };
const LABELS = {
  'app.kubernetes.io/managed-by': 'capstan',
  'capstan.dev/lease-namespace': 'mesh',
  'capstan.dev/lease': 'capstan',
};
const OWN = { signerName: 'capstan.dev/mesh', name: 'roots' };
const ISTIO = { signerName: 'istio.io/istiod-ca', name: 'root-cert' };

let stop: AbortController;
function scene(...bundles: readonly TrustBundleName[]) {
  stop = new AbortController();
  const [api, clock, events, random] = [new FakeKubernetesApi(), new FakeClock(), recordEvents(), new SeededRandom()];
  const plan = new ClusterTrustBundles({ api, clock, random, events, cluster: 'own' }, { bundles, mark: MARK });
  const keeper = new ObjectKeeper({ api, plan, clock, events });
  const start = async (wanted: TrustBundle): Promise<void> => {
    plan.start(stop);
    void keeper.keep(() => wanted, stop);
    await clock.advance(100);
  };
  const specOf = (name: string): unknown => api.stored(CLUSTER_TRUST_BUNDLE, { name })?.['spec'];
  const put = (name: string, labels: object, more: object = {}): unknown =>
    api.put({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'ClusterTrustBundle',
      metadata: { name, labels, ...more },
      spec: { trustBundle: 'other' },
    });
  return { api, clock, events, start, specOf, put };
}

describe('ClusterTrustBundles', () => {
  let bundle: TrustBundle;
  before(async () => {
    ({ bundle } = await testAuthority());
  });
  afterEach(() => stop.abort());

  it('are named after their signer, as the API server demands, and have the trust anchors', async () => {
    const { start, specOf } = scene(OWN, ISTIO);
    await start(bundle);
    assert.deepEqual(specOf('capstan.dev:mesh:roots'), { signerName: OWN.signerName, trustBundle: bundle.pem });
    assert.deepEqual(specOf('istio.io:istiod-ca:root-cert'), { signerName: ISTIO.signerName, trustBundle: bundle.pem });
  });

  it('are put back when somebody changes or deletes one', async () => {
    const { api, clock, start, specOf, put } = scene(OWN);
    await start(bundle);
    const whole = specOf('capstan.dev:mesh:roots');
    put('capstan.dev:mesh:roots', LABELS);
    await clock.advance(100);
    assert.deepEqual((specOf('capstan.dev:mesh:roots') as { trustBundle: string }).trustBundle, bundle.pem);
    api.remove(CLUSTER_TRUST_BUNDLE, { name: 'capstan.dev:mesh:roots' });
    await clock.advance(100);
    assert.deepEqual(specOf('capstan.dev:mesh:roots'), whole);
  });

  it('go when they are not named any more, if this installation wrote them and nobody else since', async () => {
    const { start, specOf, put } = scene(OWN);
    put('capstan.dev:mesh:former', LABELS);
    put('capstan.dev:mesh:other', { ...LABELS, 'capstan.dev/lease': 'another' });
    put('example.test:ca:theirs', {});
    const managedFields = [{ manager: 'other', fieldsV1: { 'f:spec': { 'f:trustBundle': {} } } }];
    put('capstan.dev:mesh:taken', LABELS, { managedFields });
    await start(bundle);
    assert.equal(specOf('capstan.dev:mesh:former'), undefined);
    for (const name of ['capstan.dev:mesh:other', 'example.test:ca:theirs', 'capstan.dev:mesh:taken']) {
      assert.notEqual(specOf(name), undefined, name);
    }
  });
});

describe('What is published no more', () => {
  const put = (api: FakeKubernetesApi, namespace: string, labels: object, more: object = {}): unknown =>
    api.put({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio-ca-root-cert', namespace, labels, ...more },
      data: { 'root-cert.pem': 'roots' },
    });

  function removal() {
    stop = new AbortController();
    const [api, clock, events] = [new FakeKubernetesApi(), new FakeClock(), recordEvents()];
    const what = {
      object: 'root-config-map',
      kind: CONFIG_MAP,
      field: ROOT_FIELD,
      name: 'istio-ca-root-cert',
    } as const;
    const removed = new RemovedObjects({ api, clock, events }, what, MARK);
    const keeping = removed.keep(undefined, stop);
    const left = (): readonly string[] =>
      ['a', 'b', 'c', 'd'].filter((namespace) => api.stored(CONFIG_MAP, { namespace, name: 'istio-ca-root-cert' }));
    return { api, clock, events, keeping, left };
  }
  afterEach(() => stop.abort());

  it('is removed where this installation wrote it, and left to who took it over', async () => {
    const { api, clock, left, keeping, events } = removal();
    put(api, 'a', LABELS);
    put(api, 'b', { ...LABELS, 'capstan.dev/lease-namespace': 'other' });
    put(api, 'c', { 'istio.io/config': 'true' });
    const managedFields = [{ manager: 'pilot-discovery', fieldsV1: { 'f:data': { 'f:root-cert.pem': {} } } }];
    put(api, 'd', LABELS, { managedFields });
    await clock.advance(1_000);
    await keeping;
    assert.deepEqual(left(), ['b', 'c', 'd']);
    assert.deepEqual(
      events.of('objectPublished').map(({ place, change }) => [place, change]),
      [['a', 'removed']],
    );
  });

  it('is looked for again each minute while the API server is away, which is said once', async () => {
    const { api, clock, left, events } = removal();
    put(api, 'a', LABELS);
    api.goDown();
    await clock.advance(180_000);
    assert.equal(events.of('publicationFailed').length, 1);
    api.mend();
    await clock.advance(60_000);
    assert.deepEqual(left(), []);
  });

  it('is not looked for by a role that may not see it', async () => {
    const { api, clock, keeping, events } = removal();
    api.fail('list', 403, 'Forbidden');
    await clock.advance(1_000);
    await keeping;
    assert.deepEqual(events.of('publicationFailed'), []);
  });
});
