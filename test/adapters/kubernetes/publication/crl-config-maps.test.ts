import assert from 'node:assert/strict';
import { CONFIG_MAP, NAMESPACE } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import { followObjects } from '../../../../src/adapters/kubernetes/api/object-cache.ts';
import { CRL_FIELD, CrlConfigMaps } from '../../../../src/adapters/kubernetes/publication/crl-config-maps.ts';
import { ObjectKeeper } from '../../../../src/adapters/kubernetes/publication/object-keeper.ts';
import { RemovedObjects } from '../../../../src/adapters/kubernetes/publication/removed-objects.ts';
import { SeenNamespaces } from '../../../../src/adapters/kubernetes/publication/seen-namespaces.ts';
import { parseLabelSelector } from '../../../../src/domain/cluster/label-selector.ts';
import { good } from '../../../support/certificates.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const NAME = 'istio-ca-crl';
const MARK = { namespace: 'mesh', leaseName: 'capstan' };
const LABELS = {
  'istio.io/config': 'true',
  'app.kubernetes.io/managed-by': 'capstan',
  'capstan.dev/lease-namespace': 'mesh',
  'capstan.dev/lease': 'capstan',
};

describe('The ConfigMaps of revocation lists', () => {
  let stop: AbortController;
  afterEach(() => stop.abort());

  function scene() {
    stop = new AbortController();
    const [api, clock, events, random] = [new FakeKubernetesApi(), new FakeClock(), recordEvents(), new SeededRandom()];
    const make = (name: string, labels: object = {}): unknown =>
      api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    const put = (namespace: string, text: string, labels: object = LABELS): unknown =>
      api.put({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: NAME, namespace, labels },
        data: { 'ca-crl.pem': text },
      });
    const stored = (namespace: string) => api.stored(CONFIG_MAP, { namespace, name: NAME });
    const textIn = (namespace: string): unknown =>
      (stored(namespace)?.['data'] as Record<string, string> | undefined)?.['ca-crl.pem'];
    const wanted = { pem: 'lists' };
    const parts = { api, clock, random, events, cluster: 'own' };
    const all = followObjects(parts, NAMESPACE);
    const seen = new SeenNamespaces(parts, all, { name: NAME, field: CRL_FIELD });
    const settings = { name: NAME, selector: good(parseLabelSelector('mesh!=off')), excluded: [], mark: MARK };
    const keeper = new ObjectKeeper({ api, plan: new CrlConfigMaps(seen, settings), clock, events });
    const start = async (): Promise<void> => {
      all.start(stop);
      seen.start(stop);
      void keeper.keep(() => wanted, { signal: stop.signal });
      await clock.advance(100);
    };
    const publish = async (pem: string): Promise<void> => {
      wanted.pem = pem;
      keeper.wantedChanged();
      await clock.advance(10_000);
    };
    const switchedOff = async (): Promise<void> => {
      const what = { object: 'crl-config-map', kind: CONFIG_MAP, field: CRL_FIELD, name: NAME, emptied: true } as const;
      const keeping = new RemovedObjects({ api, clock, events }, what, MARK).keep(undefined, { signal: stop.signal });
      await clock.advance(1_000);
      await keeping;
    };
    return { api, make, put, stored, textIn, start, publish, switchedOff };
  }

  it('have the lists, and the label of Istio, in every namespace that is selected', async () => {
    const { make, start, stored, textIn } = scene();
    make('shop');
    make('elsewhere', { mesh: 'off' });
    await start();
    assert.equal(textIn('shop'), 'lists');
    assert.deepEqual(stored('shop')?.metadata.labels, LABELS);
    assert.equal(stored('elsewhere'), undefined);
  });

  it('are emptied, never deleted, while the lists are withdrawn: readers of a file that vanishes go on with the old one', async () => {
    const { make, start, publish, textIn, api } = scene();
    make('shop');
    await start();
    await publish('');
    assert.equal(textIn('shop'), '');
    await publish('next');
    assert.equal(textIn('shop'), 'next');
    assert.deepEqual(
      api.calls.filter((call) => call.startsWith('delete')),
      [],
    );
  });

  it('are there before the first list: an agent looks for the file once', async () => {
    const { make, start, publish, textIn } = scene();
    make('shop');
    await publish('');
    await start();
    assert.equal(textIn('shop'), '');
  });

  it('are emptied in a namespace that is not selected any more, where they are ours', async () => {
    const { make, put, start, publish, textIn } = scene();
    make('shop');
    make('theirs', { mesh: 'off' });
    put('theirs', 'of another', {});
    await start();
    make('shop', { mesh: 'off' });
    await publish('lists');
    assert.equal(textIn('shop'), '');
    assert.equal(textIn('theirs'), 'of another');
  });

  it('are emptied once when they are switched off, and those of others are left', async () => {
    const { put, switchedOff, textIn, stored, api } = scene();
    put('shop', 'old');
    put('theirs', 'of another', { 'istio.io/config': 'true' });
    await switchedOff();
    await switchedOff();
    assert.equal(textIn('shop'), '');
    assert.deepEqual(stored('shop')?.metadata.labels, LABELS);
    assert.equal(textIn('theirs'), 'of another');
    assert.deepEqual(
      api.calls.filter((call) => call.startsWith('apply')),
      [`apply configmaps/shop/${NAME}`],
    );
  });
});
