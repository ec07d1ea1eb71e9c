import assert from 'node:assert/strict';
import { apiNodePods } from '../../../../src/adapters/kubernetes/workloads/api-node-pods.ts';
import { NEVER, refusalOf } from '../../../support/authority-parts.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';

const WEB_ON_1 = { node: 'node-1', namespace: 'shop', serviceAccount: 'web' };

function pod(name: string, nodeName: string, serviceAccountName: string, namespace = 'shop') {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { nodeName, serviceAccountName },
    status: { phase: 'Running' },
  };
}

describe('The pods of a node, asked of the API server', () => {
  let api: FakeKubernetesApi;
  beforeEach(() => {
    api = new FakeKubernetesApi();
    for (const one of [
      pod('web-1', 'node-1', 'web'),
      pod('web-2', 'node-2', 'web'),
      pod('api-1', 'node-1', 'api'),
      pod('web-1', 'node-1', 'web', 'bank'),
    ]) {
      api.put(one);
    }
  });

  it('are those of one account on one node, by one list', async () => {
    const found = await apiNodePods(api).podsOn(WEB_ON_1, { signal: NEVER });
    assert.deepEqual(
      found.map(({ namespace, name }) => `${namespace}/${name}`),
      ['shop/web-1'],
    );
    assert.deepEqual(api.calls, ['list pods']);
  });

  it('are no others, whatever a server makes of the selectors', async () => {
    const careless = {
      list: async () =>
        api.list({ apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true }, {}, { signal: NEVER }),
    };
    assert.equal((await apiNodePods(careless).podsOn(WEB_ON_1, { signal: NEVER })).length, 1);
  });

  it('are not told while the server cannot be asked, and when to come again is', async () => {
    api.fail('list', 429, 'TooManyRequests', 3_000);
    const refusal = await refusalOf(apiNodePods(api).podsOn(WEB_ON_1, { signal: NEVER }));
    assert.deepEqual([refusal.reason, refusal.retryAfterMs], ['CAP-S13', 3_000]);
  });
});
