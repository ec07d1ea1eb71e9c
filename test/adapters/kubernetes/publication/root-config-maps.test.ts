import assert from 'node:assert/strict';
import { CONFIG_MAP, NAMESPACE } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import { followObjects } from '../../../../src/adapters/kubernetes/api/object-cache.ts';
import { ObjectKeeper } from '../../../../src/adapters/kubernetes/publication/object-keeper.ts';
import { ROOT_FIELD, RootConfigMaps } from '../../../../src/adapters/kubernetes/publication/root-config-maps.ts';
import { SeenNamespaces } from '../../../../src/adapters/kubernetes/publication/seen-namespaces.ts';
import { parseLabelSelector } from '../../../../src/domain/cluster/label-selector.ts';
import type { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import { good, testAuthority } from '../../../support/certificates.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi, type GivenObject } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const NAME = 'istio-ca-root-cert';
const OURS = {
  'app.kubernetes.io/managed-by': 'capstan',
  'capstan.dev/lease-namespace': 'mesh',
  'capstan.dev/lease': 'capstan',
};
const LABELS = { 'istio.io/config': 'true', ...OURS };
const MINUTE_MS = 60_000;

describe('The root ConfigMaps', () => {
  let first: TrustBundle;
  let second: TrustBundle;
  before(async () => {
    [first, second] = [(await testAuthority()).material.bundle, (await testAuthority()).material.bundle];
  });

  let stop: AbortController;
  afterEach(() => stop.abort());

  function scene({
    selector = '',
    excluded = [] as readonly string[],
    namespaces = ['kube-system', 'shop'],
    leading = new AbortController(),
  } = {}) {
    stop = new AbortController();
    const [api, clock, events, random] = [new FakeKubernetesApi(), new FakeClock(), recordEvents(), new SeededRandom()];
    const make = (name: string, labels: object = {}, more: object = {}): unknown =>
      api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, ...more } });
    for (const name of namespaces) make(name);
    const parts = { api, clock, random, events, cluster: 'own' };
    const all = followObjects(parts, NAMESPACE);
    const seen = new SeenNamespaces(parts, all, { name: NAME, field: ROOT_FIELD });
    const plan = new RootConfigMaps(seen, {
      name: NAME,
      selector: good(parseLabelSelector(selector)),
      excluded,
      mark: { namespace: 'mesh', leaseName: 'capstan' },
    });
    const keeper = new ObjectKeeper({ api, plan, clock, events });
    const wanted = { bundle: first };
    const lead = (signal = AbortSignal.any([stop.signal, leading.signal])): Promise<void> =>
      keeper.keep(() => wanted.bundle, { signal });
    const startNamespaces = (): void => all.start(stop);
    const startConfigMaps = (): void => seen.start(stop);
    const start = async (): Promise<void> => {
      startNamespaces();
      startConfigMaps();
      void lead();
      await clock.advance(100);
    };
    const stored = (namespace: string) => api.stored(CONFIG_MAP, { namespace, name: NAME });
    const textIn = (namespace: string): unknown =>
      (stored(namespace)?.['data'] as Record<string, string> | undefined)?.[ROOT_FIELD[1]];
    const writes = (): readonly string[] => api.calls.filter((call) => /^(apply|delete) configmaps/.test(call));
    /** As istiod does it: its client names itself by its program. */
    const putByOther = (namespace: string, text: string, manager = 'pilot-discovery'): void => {
      const managedFields = [
        { manager: 'capstan', time: '2026-01-06T12:00:00Z', fieldsV1: { 'f:data': { 'f:root-cert.pem': {} } } },
        { manager, time: '2026-01-06T12:00:01Z', fieldsV1: { 'f:data': { 'f:root-cert.pem': {} } } },
      ];
      const before = stored(namespace) ?? { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace } };
      api.put({
        ...before,
        metadata: { ...before.metadata, managedFields },
        data: { 'root-cert.pem': text },
      });
    };
    const publish = (bundle: TrustBundle): void => {
      wanted.bundle = bundle;
      keeper.wantedChanged();
    };
    return {
      startNamespaces,
      startConfigMaps,
      api,
      clock,
      events,
      keeper,
      plan,
      make,
      start,
      lead,
      stored,
      textIn,
      writes,
      putByOther,
      publish,
    };
  }

  it('have the bundle, and the label of Istio, in every namespace, kube-system included', async () => {
    const { start, stored, textIn } = scene();
    await start();
    for (const namespace of ['kube-system', 'shop']) {
      assert.equal(textIn(namespace), first.pem);
      assert.deepEqual(stored(namespace)?.metadata.labels, LABELS);
    }
  });

  it('are written once: nothing is written again while nothing changes', async () => {
    const { start, writes, clock } = scene();
    await start();
    await clock.advance(60 * MINUTE_MS);
    assert.deepEqual(writes(), [`apply configmaps/kube-system/${NAME}`, `apply configmaps/shop/${NAME}`]);
  });

  it('are not written where they are as they should be, by whoever', async () => {
    const { start, writes, api } = scene({ namespaces: ['shop'] });
    api.put({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: NAME, namespace: 'shop', labels: LABELS },
      data: { 'root-cert.pem': first.pem },
    });
    await start();
    assert.deepEqual(writes(), []);
  });

  it('are handed over by one installation to another without an argument, and without a gap', async () => {
    const { start, writes, api, clock, textIn, stored } = scene({ namespaces: ['shop'] });
    const theirs = { ...LABELS, 'capstan.dev/lease': 'the former' };
    api.put({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: NAME, namespace: 'shop', labels: theirs },
      data: { 'root-cert.pem': first.pem },
    });
    await start();
    assert.deepEqual(writes(), []);
    api.remove(CONFIG_MAP, { namespace: 'shop', name: NAME });
    await clock.advance(10);
    assert.equal(textIn('shop'), first.pem);
    assert.deepEqual(stored('shop')?.metadata.labels, LABELS);
  });

  it('are written once while the watch is interrupted, and no change by others is made of that', async () => {
    const { start, api, clock, publish, writes, textIn, events } = scene({ namespaces: ['shop'] });
    await start();
    api.fail('watch', 0, 'Unreachable');
    publish(second);
    await clock.advance(1_000);
    publish(second);
    await clock.advance(1_000);
    assert.equal(writes().length, 2, 'its effect is waited for');
    for (const bundle of [second, first, second]) {
      publish(bundle);
      await clock.advance(10_000);
    }
    await clock.advance(MINUTE_MS);
    assert.ok(writes().length < 20, `${writes().length} tries`);
    api.mend();
    await clock.advance(2 * MINUTE_MS);
    assert.equal(textIn('shop'), second.pem);
    const settled = writes().length;
    await clock.advance(10 * MINUTE_MS);
    assert.equal(writes().length, settled);
    assert.deepEqual(events.of('publicationContested'), []);
  });

  it('are not written before it is seen what is there', async () => {
    const { startNamespaces, startConfigMaps, lead, writes, clock, textIn } = scene({ namespaces: ['shop'] });
    startNamespaces();
    void lead();
    await clock.advance(MINUTE_MS);
    assert.deepEqual(writes(), []);
    startConfigMaps();
    await clock.advance(100);
    assert.equal(textIn('shop'), first.pem);
  });

  it('come within a second to a namespace that is made, also while thousands wait for another bundle', async () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `n${index}`);
    const { start, make, textIn, clock, publish, writes } = scene({ namespaces: names });
    await start();
    await clock.advance(30_000);
    assert.equal(writes().length, 2_000);
    publish(second);
    await clock.advance(1_000);
    make('new');
    await clock.advance(1_000);
    assert.equal(textIn('new'), second.pem);
    assert.ok(writes().length <= 2_000 + 201, 'a hundred in a second, no more');
    await clock.advance(20_000);
    assert.ok(names.every((name) => textIn(name) === second.pem));
    assert.equal(writes().length, 4_001);
  });

  it('keep what else is in them, and are taken over from istiod as it left them', async () => {
    const { start, api, stored, putByOther, textIn, events } = scene({ namespaces: ['shop'] });
    putByOther('shop', second.pem);
    api.put({ ...(stored('shop') as unknown as GivenObject), data: { other: 'text', 'root-cert.pem': second.pem } });
    await start();
    assert.equal(textIn('shop'), first.pem);
    assert.equal((stored('shop')?.['data'] as Record<string, string>)['other'], 'text');
    assert.deepEqual(events.of('publicationContested'), []);
  });

  it('are put back at once when somebody changes or deletes one', async () => {
    const { start, api, clock, textIn, putByOther } = scene({ namespaces: ['shop'] });
    await start();
    putByOther('shop', 'nonsense', 'kubectl-edit');
    await clock.advance(100);
    assert.equal(textIn('shop'), first.pem);
    await clock.advance(MINUTE_MS);
    api.remove(CONFIG_MAP, { namespace: 'shop', name: NAME });
    await clock.advance(100);
    assert.equal(textIn('shop'), first.pem);
  });

  it('are left to another writer that does not stop, who is named with what to do', async () => {
    const { start, clock, textIn, putByOther, events, keeper, writes } = scene({ namespaces: ['shop', 'pay'] });
    await start();
    for (let round = 0; round < 5; round += 1) {
      putByOther('shop', second.pem);
      await clock.advance(1_000);
    }
    assert.equal(textIn('shop'), second.pem);
    assert.equal(textIn('pay'), first.pem);
    assert.equal(writes().filter((call) => call.includes('shop')).length, 3);
    assert.deepEqual(
      events.of('publicationContested').map(({ place, by }) => [place, by]),
      [['shop', 'pilot-discovery']],
    );
    assert.match(keeper.problem() ?? '', /pilot-discovery writes it too, in 1 place \(shop\): .*ENABLE_CA_SERVER/);
  });

  it('are not fought over in each namespace by a writer that is known for it from two', async () => {
    const { start, clock, textIn, putByOther, events, writes } = scene({ namespaces: ['a', 'b', 'c'] });
    await start();
    for (const namespace of ['a', 'b']) {
      putByOther(namespace, second.pem, 'kubectl-edit');
      await clock.advance(1_000);
      assert.equal(textIn(namespace), first.pem, 'one edit is corrected');
      for (let round = 0; round < 3; round += 1) {
        putByOther(namespace, second.pem);
        await clock.advance(1_000);
      }
    }
    const before = writes().length;
    putByOther('c', second.pem);
    await clock.advance(1_000);
    assert.equal(textIn('c'), second.pem);
    assert.equal(writes().length, before);
    assert.equal(events.of('publicationContested').length, 2);
  });

  it('are put back elsewhere, whatever is done in one namespace over and over', async () => {
    const { start, api, clock, textIn } = scene({ namespaces: ['shop', 'pay'] });
    await start();
    for (let round = 0; round < 4; round += 1) {
      if (textIn('shop') !== undefined) api.remove(CONFIG_MAP, { namespace: 'shop', name: NAME });
      await clock.advance(1_000);
    }
    assert.equal(textIn('shop'), undefined);
    api.remove(CONFIG_MAP, { namespace: 'pay', name: NAME });
    await clock.advance(1_000);
    assert.equal(textIn('pay'), first.pem);
  });

  it('are tried again ten minutes later, and are ours when the other has stopped', async () => {
    const { start, clock, textIn, putByOther, keeper } = scene({ namespaces: ['shop'] });
    await start();
    for (let round = 0; round < 3; round += 1) {
      putByOther('shop', second.pem);
      await clock.advance(1_000);
    }
    await clock.advance(9 * MINUTE_MS);
    assert.equal(textIn('shop'), second.pem);
    await clock.advance(2 * MINUTE_MS);
    assert.equal(textIn('shop'), first.pem);
    assert.equal(keeper.problem(), undefined);
  });

  it('are not fought over three changes in an hour', async () => {
    const { start, clock, textIn, putByOther, events } = scene({ namespaces: ['shop'] });
    await start();
    for (let round = 0; round < 5; round += 1) {
      putByOther('shop', second.pem);
      await clock.advance(21 * 1_000 + MINUTE_MS);
      assert.equal(textIn('shop'), first.pem);
    }
    assert.deepEqual(events.of('publicationContested'), []);
  });

  it('are only in namespaces that are selected, and leave those that are not any more', async () => {
    const { start, make, clock, stored } = scene({ selector: 'mesh=on,!legacy', excluded: ['kube-public'] });
    make('mine', { mesh: 'on' });
    make('kube-public', { mesh: 'on' });
    make('old', { mesh: 'on', legacy: '' });
    await start();
    assert.deepEqual(
      ['kube-system', 'mine', 'kube-public', 'old'].map((name) => stored(name) !== undefined),
      [false, true, false, false],
    );
    make('mine', { mesh: 'off' });
    await clock.advance(100);
    assert.equal(stored('mine'), undefined);
  });

  it('remain where another wrote them, when their namespace is not selected', async () => {
    const { start, putByOther, textIn, writes } = scene({ selector: 'mesh=on' });
    putByOther('shop', second.pem);
    await start();
    assert.equal(textIn('shop'), second.pem);
    assert.deepEqual(writes(), []);
  });

  it('are not made in a namespace that is being deleted, nor is anything tried there', async () => {
    const { start, api, make, clock, writes } = scene({ namespaces: ['shop'] });
    await start();
    make('shop', {}, { deletionTimestamp: '2026-01-06T12:00:00Z' });
    api.remove(CONFIG_MAP, { namespace: 'shop', name: NAME });
    await clock.advance(100);
    api.remove(NAMESPACE, { name: 'shop' });
    await clock.advance(MINUTE_MS);
    assert.equal(writes().length, 1);
    make('shop');
    await clock.advance(100);
    assert.equal(writes().length, 2, 'made anew, it is a namespace like any other');
  });

  it('are tried again, more and more slowly, where they cannot be written, and the reason is said once', async () => {
    const { start, api, clock, events, keeper, textIn, writes } = scene({ namespaces: ['shop'] });
    api.fail('apply', 403, 'Forbidden');
    await start();
    await clock.advance(10 * MINUTE_MS);
    assert.ok(writes().length < 20, `${writes().length} tries`);
    assert.deepEqual(
      events.of('publicationFailed').map(({ place, problem }) => [place, problem]),
      [['shop', '403 Forbidden']],
    );
    assert.match(keeper.problem() ?? '', /cannot be written in 1 place \(shop\): 403 Forbidden/);
    api.mend();
    await clock.advance(MINUTE_MS);
    assert.equal(textIn('shop'), first.pem);
    assert.equal(keeper.problem(), undefined);
  });

  it('are not tried again before a busy API server says that they may be', async () => {
    const { start, api, clock, textIn, writes } = scene({ namespaces: ['shop'] });
    api.fail('apply', 429, 'TooManyRequests', 40_000);
    await start();
    await clock.advance(39_000);
    assert.equal(writes().length, 1);
    api.mend();
    await clock.advance(2_000);
    assert.equal(textIn('shop'), first.pem);
  });

  it('are written for a change that was seen only when the watch began anew', async () => {
    const { start, api, clock, textIn, putByOther } = scene({ namespaces: ['shop'] });
    await start();
    api.fail('watch', 410, 'Expired');
    putByOther('shop', second.pem);
    api.expire();
    api.mend();
    await clock.advance(MINUTE_MS);
    assert.equal(textIn('shop'), first.pem);
  });

  it('are written by nobody who does not lead, and by who leads next', async () => {
    const leading = new AbortController();
    const { start, clock, lead, textIn, keeper, putByOther } = scene({ namespaces: ['shop'], leading });
    await start();
    leading.abort();
    putByOther('shop', second.pem);
    await clock.advance(MINUTE_MS);
    assert.equal(textIn('shop'), second.pem);
    assert.equal(keeper.problem(), undefined);
    void lead(stop.signal);
    await clock.advance(100);
    assert.equal(textIn('shop'), first.pem);
  });

  it('tell whether they have an anchor in every place, whoever wrote it', async () => {
    const { start, plan, clock, publish, make, stored } = scene({ namespaces: ['shop', 'kube-system'] });
    const { trustDomain } = first;
    assert.equal(plan.lacking(first), undefined);
    assert.equal(plan.places(trustDomain), undefined);
    await start();
    assert.equal(plan.lacking(first), 0);
    assert.equal(plan.lacking(second), 2);
    publish(first.joinedWith(second));
    await clock.advance(100);
    assert.equal(plan.lacking(second), 0);
    assert.equal(plan.lacking(first), 0);
    make('going', {}, { deletionTimestamp: '2026-01-06T12:00:00Z' });
    assert.equal(plan.lacking(second), 0);
    const { digest, anchors } = first.joinedWith(second);
    const held = { digest, anchors: anchors.map(({ sha256 }) => sha256) };
    const placeIn = (namespace: string) => {
      const version = stored(namespace)?.metadata.resourceVersion;
      return { kind: 'ConfigMap', name: `${namespace}/${NAME}`, version, ...held };
    };
    assert.deepEqual(plan.places(trustDomain), [placeIn('shop'), placeIn('kube-system')]);
  });
});
