import assert from 'node:assert/strict';
import { KubernetesApiError } from '../../../../src/adapters/kubernetes/api/kubernetes-api.ts';
import {
  CLUSTER_ISSUANCE_POLICY,
  CUSTOM_RESOURCE_DEFINITION,
  DISCOVERY_PATH,
  ISSUANCE_POLICY,
} from '../../../../src/adapters/kubernetes/objects/policy-kinds.ts';
import { PolicyObjects } from '../../../../src/adapters/kubernetes/objects/policy-objects.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const BOUNDS = { maxObjects: 3, maxBytes: 1_000 };
const ANNOTATION = 'capstan.dev/schema';
const NEVER = new AbortController().signal;

function policy(namespace: string | undefined, name: string, more: object = {}) {
  const { apiVersion, kind } = namespace === undefined ? CLUSTER_ISSUANCE_POLICY : ISSUANCE_POLICY;
  const metadata = { name, generation: 1, ...(namespace !== undefined && { namespace }), annotations: { a: 'b' } };
  return { apiVersion, kind, metadata, spec: { mode: 'audit' }, ...more };
}

function crd(name: string, schema = 'mine') {
  const { apiVersion, kind } = CUSTOM_RESOURCE_DEFINITION;
  return { apiVersion, kind, metadata: { name: `${name}.capstan.dev`, annotations: { [ANNOTATION]: schema } } };
}

/** Installs the CRDs, or some of them. */
function serve(api: FakeKubernetesApi, names = ['issuancepolicies', 'clusterissuancepolicies'], schema?: string): void {
  api.documents.set(DISCOVERY_PATH, { resources: names.map((name) => ({ name })) });
  for (const name of names) api.put(crd(name, schema));
}

/** Lists of a kind that is not served are 404, as of a real server. */
class Api extends FakeKubernetesApi {
  override async list(...[kind, query, options]: Parameters<FakeKubernetesApi['list']>) {
    const served = this.documents.get(DISCOVERY_PATH) as { resources: { name: string }[] } | undefined;
    if (served?.resources.some(({ name }) => name === kind.plural) !== true) {
      throw new KubernetesApiError({ status: 404, reason: 'NotFound', message: '404 page not found' });
    }
    return super.list(kind, query, options);
  }
}

function started(api: FakeKubernetesApi) {
  const clock = new FakeClock();
  const objects = new PolicyObjects(
    { api, clock, random: new SeededRandom(1), events: recordEvents(), cluster: 'default' },
    {
      bounds: { namespace: BOUNDS, cluster: BOUNDS },
      crds: {
        annotation: ANNOTATION,
        values: new Map(['issuancepolicies', 'clusterissuancepolicies'].map((name) => [`${name}.capstan.dev`, 'mine'])),
      },
    },
  );
  objects.start({ signal: NEVER });
  const changes: (string | undefined)[] = [];
  objects.onChange((namespace) => changes.push(namespace), { signal: NEVER });
  const settle = async (ms = 0): Promise<void> => {
    for (let left = ms; left >= 0; left -= 1_000) {
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(Math.min(1_000, left));
    }
  };
  const names = () => objects.all().map(({ namespace, name }) => [namespace ?? '', name].join('/'));
  return { objects, clock, changes, settle, names };
}

describe('The policy objects of a cluster', () => {
  it('are the documents that their owners wrote, without what tools add', async () => {
    const api = new Api();
    serve(api);
    api.put(policy('shop', 'web', { status: { conditions: [] } }));
    api.put(policy(undefined, 'platform'));
    const { objects, settle } = started(api);
    await settle();
    assert.deepEqual(
      objects.all().map(({ text }) => JSON.parse(text ?? '') as unknown),
      [
        {
          apiVersion: 'capstan.dev/v1alpha1',
          kind: 'IssuancePolicy',
          metadata: { name: 'web', namespace: 'shop' },
          spec: { mode: 'audit' },
        },
        {
          apiVersion: 'capstan.dev/v1alpha1',
          kind: 'ClusterIssuancePolicy',
          metadata: { name: 'platform' },
          spec: { mode: 'audit' },
        },
      ],
    );
    assert.equal(objects.problem, undefined);
  });

  it('change when somebody writes or deletes one, and not when its status is written', async () => {
    const api = new Api();
    serve(api);
    api.put(policy('shop', 'web'));
    const { changes, settle, objects } = started(api);
    await settle();
    changes.length = 0;
    const seen: unknown[] = [];
    objects.onObject(({ status }) => seen.push(status), { signal: NEVER });
    api.put(policy('shop', 'web', { status: { observedGeneration: 1 } }));
    await settle();
    assert.deepEqual([changes, seen], [[], [{ observedGeneration: 1 }]]);
    const written = policy('shop', 'web', { spec: { mode: 'off' } });
    api.put({ ...written, metadata: { ...written.metadata, generation: 2 } });
    await settle();
    api.remove(ISSUANCE_POLICY, { namespace: 'shop', name: 'web' });
    await settle();
    assert.deepEqual(changes, ['shop', 'shop']);
  });

  it('are not known, rather than none, while the API server cannot be reached', async () => {
    const api = new Api();
    serve(api);
    api.put(policy('shop', 'web'));
    api.goDown();
    const { objects, settle, names } = started(api);
    await settle(60_000);
    assert.throws(() => objects.all(), { reason: 'CAP-S12' });
    assert.match(objects.problem ?? '', /cannot be reached/);
    api.mend();
    await settle(60_000);
    assert.deepEqual(names(), ['shop/web']);
  });

  it('are none where the CRDs are not installed, with the command to run; believed at a second look only', async () => {
    const api = new Api();
    const { objects, settle, names } = started(api);
    await settle();
    assert.throws(() => objects.all(), { reason: 'CAP-S12' });
    await settle(6_000);
    assert.deepEqual(names(), []);
    assert.match(
      objects.problem ?? '',
      /^the CRDs .* are not installed, so that the policy bundle alone decides; run: capstan policy schema --crds/,
    );
    serve(api);
    api.put(policy('shop', 'web'));
    await settle(60_000);
    assert.deepEqual(names(), ['shop/web']);
    assert.equal(objects.problem, undefined);
  });

  it('are those of the kind that is installed, where one is not', async () => {
    const api = new Api();
    serve(api, ['issuancepolicies']);
    api.put(policy('shop', 'web'));
    const { objects, settle, names } = started(api);
    await settle(6_000);
    assert.deepEqual(names(), ['shop/web']);
    assert.match(objects.problem ?? '', /^the CRD clusterissuancepolicies\.capstan\.dev is not installed; run: /);
  });

  it('stay when their kind is not served any more before they were deleted', async () => {
    const api = new Api();
    serve(api);
    api.put(policy('shop', 'web'));
    const { settle, names } = started(api);
    await settle();
    api.documents.delete(DISCOVERY_PATH);
    api.expire();
    await settle(60_000);
    assert.deepEqual(names(), ['shop/web']);
  });

  it('are told apart from those of an older schema, which may drop fields', async () => {
    const api = new Api();
    serve(api, undefined, 'older');
    const { objects, settle } = started(api);
    await settle();
    assert.match(objects.problem ?? '', /have another schema than this server's/);
  });

  it('lose that warning and nothing else where the role does not reach the CRDs', async () => {
    const api = new Api();
    serve(api, undefined, 'older');
    api.put(policy('shop', 'web'));
    api.fail('get', 403, 'Forbidden');
    const { objects, settle, names } = started(api);
    await settle();
    assert.deepEqual([names(), objects.problem], [['shop/web'], undefined]);
  });

  it('hold texts of a namespace up to its bound, and give each further one when it is asked for', async () => {
    const api = new Api();
    serve(api);
    for (const name of ['a', 'b', 'c', 'd']) api.put(policy('flood', name));
    api.put(policy('large', 'web', { spec: { contact: 'x'.repeat(2_000) } }));
    api.put(policy('shop', 'web'));
    const { objects, settle } = started(api);
    await settle();
    const without = objects.all().filter(({ text }) => text === undefined);
    assert.deepEqual(
      without.map(({ namespace, name }) => `${namespace}/${name}`),
      ['flood/d', 'large/web'],
    );
    const [first] = without;
    assert.ok(first);
    assert.match((await objects.read(first, { signal: NEVER })) ?? '', /"name":"d"/);
    api.fail('get', 0, 'Unreachable');
    await assert.rejects(objects.read(first, { signal: NEVER }), { reason: 'CAP-S12' });
    api.mend();
    api.remove(ISSUANCE_POLICY, { namespace: 'flood', name: 'a' });
    api.put(policy('flood', 'e'));
    await settle();
    assert.equal(objects.find('flood', 'e')?.text, undefined);
    api.remove(ISSUANCE_POLICY, { namespace: 'flood', name: 'b' });
    api.remove(ISSUANCE_POLICY, { namespace: 'flood', name: 'c' });
    await settle();
    api.put({ ...policy('flood', 'e'), metadata: { name: 'e', namespace: 'flood', generation: 2 } });
    await settle();
    assert.notEqual(objects.find('flood', 'e')?.text, undefined);
  });
});
