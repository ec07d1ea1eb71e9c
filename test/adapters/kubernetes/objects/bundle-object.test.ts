import assert from 'node:assert/strict';
import { CONFIG_MAP, SECRET } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import { BundleObject, type BundleObjectSettings } from '../../../../src/adapters/kubernetes/objects/bundle-object.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const running = new AbortController().signal;

function made(kind: BundleObjectSettings['kind'] = 'ConfigMap') {
  const api = new FakeKubernetesApi();
  const parts = { api, clock: new FakeClock(), random: new SeededRandom(1), events: recordEvents(), cluster: 'one' };
  const object = new BundleObject({ ...parts, running }, { kind, namespace: 'istio-system', name: 'bundle' });
  const put = (data: object): void => {
    const { apiVersion, kind: named } = kind === 'Secret' ? SECRET : CONFIG_MAP;
    api.put({ apiVersion, kind: named, metadata: { name: 'bundle', namespace: 'istio-system' }, data });
  };
  return { api, object, put };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('A policy bundle in an object of the cluster', () => {
  it('is the two keys of a ConfigMap', async () => {
    const { object, put } = made();
    put({ 'bundle.yaml': 'bundle', 'bundle.yaml.sig': 'signature', other: 'x' });
    assert.deepEqual(
      [...(await object.read())],
      [
        ['bundle.yaml', 'bundle'],
        ['bundle.yaml.sig', 'signature'],
      ],
    );
    assert.equal(object.placeOf('bundle.yaml'), 'configmaps/istio-system/bundle/bundle.yaml');
  });

  it('is the two keys of a Secret, decoded', async () => {
    const { object, put } = made('Secret');
    put({ 'bundle.yaml': Buffer.from('bündle').toString('base64') });
    assert.deepEqual([...(await object.read())], [['bundle.yaml', 'bündle']]);
  });

  it('is an error that names it while it is not there, has no bundle, or cannot be asked for', async () => {
    const { api, object, put } = made();
    await assert.rejects(object.read(), {
      reason: 'CAP-X03',
      message: /configmaps\/istio-system\/bundle does not exist/,
    });
    put({ 'policy.yaml': 'x' });
    await assert.rejects(object.read(), { message: /has no key bundle\.yaml/ });
    api.goDown();
    await assert.rejects(object.read(), {
      reason: 'CAP-X03',
      message: /cannot be read: the API server cannot be reached/,
    });
  });

  it('is followed by its name alone, and looks never overlap', async () => {
    const { api, object, put } = made();
    put({ 'bundle.yaml': '1' });
    let [looks, atOnce, most] = [0, 0, 0];
    object.onChange(
      async () => {
        looks += 1;
        most = Math.max(most, (atOnce += 1));
        await new Promise((resolve) => setImmediate(resolve));
        atOnce -= 1;
      },
      { signal: running },
    );
    await turns();
    const before = looks;
    for (let index = 2; index < 12; index += 1) put({ 'bundle.yaml': String(index) });
    await turns();
    assert.ok(looks > before && looks <= before + 10);
    assert.equal(most, 1);
    api.put({ ...CONFIG_MAP, metadata: { name: 'another', namespace: 'istio-system' } });
    const after = looks;
    await turns();
    assert.equal(looks, after);
  });
});
