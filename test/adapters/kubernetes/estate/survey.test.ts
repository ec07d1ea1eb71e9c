// The survey of a cluster for CAs, over an API server that lets it read little, and over one that fails in the middle.
import assert from 'node:assert/strict';
import {
  clusterCas,
  EstateSurvey,
  type Surveyed,
  type SurveyEvent,
} from '../../../../src/adapters/kubernetes/estate/survey.ts';
import { KubernetesApiError } from '../../../../src/adapters/kubernetes/api/kubernetes-api.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';

const { signal } = new AbortController();
const TRUST =
  'in all namespaces may not be listed by this account, and neither may namespaces: name some with --namespace';

interface Asked {
  readonly spec: { readonly resourceAttributes: { readonly resource: string; readonly namespace?: string } };
}

/** @param allowed `secrets`, or `secrets/shop` in one namespace. */
function apiThatLets(...allowed: readonly string[]): FakeKubernetesApi {
  const api = new FakeKubernetesApi();
  const resource = (name: string, kind: string, scope = 'Namespaced') => {
    return { resource: name, responseKind: { kind }, scope, verbs: ['list', 'watch'] };
  };
  const core = [resource('secrets', 'Secret'), resource('configmaps', 'ConfigMap'), resource('pods', 'Pod')];
  const hooks = [resource('validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', 'Cluster')];
  const group = (name: string, resources: readonly object[]) => ({
    metadata: { name },
    versions: [{ version: 'v1', resources }],
  });
  const list = (items: readonly object[]) => ({ kind: 'APIGroupDiscoveryList', items });
  api.documents.set('/api', list([group('', core)]));
  api.documents.set('/apis', list([group('admissionregistration.k8s.io', hooks)]));
  api.reviews.set('SelfSubjectAccessReview', (review) => {
    const { resource: asked, namespace } = (review as Asked).spec.resourceAttributes;
    const name = namespace === undefined ? asked : `${asked}/${namespace}`;
    return { status: { allowed: allowed.includes(name) || allowed.includes(asked) } };
  });
  for (const namespace of ['shop', 'bank']) {
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const metadata = { name: 'tls', namespace };
    api.put({ apiVersion: 'v1', kind: 'Secret', metadata, data: { 'tls.crt': Buffer.from('x').toString('base64') } });
  }
  return api;
}

async function survey(api: FakeKubernetesApi, surveyed: Surveyed = {}): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const event of new EstateSurvey({ api, clock: new FakeClock() }, surveyed).events({ signal })) {
    const line = lineOf(event);
    if (line !== undefined) lines.push(line);
  }
  return lines;
}

function lineOf(event: SurveyEvent): string | undefined {
  if (event.type === 'object') return `${event.object.kind} ${event.object.namespace ?? ''}/${event.object.name}`;
  return event.type === 'unlisted' ? `${event.what} ${event.why}` : undefined;
}

describe('A survey of a cluster', () => {
  it('reads a kind everywhere where it may, and says of each other kind that it may not', async () => {
    assert.deepEqual(await survey(apiThatLets('secrets', 'namespaces')), [
      'pods in namespace shop may not be listed by this account',
      'pods in namespace bank may not be listed by this account',
      'validatingwebhookconfigurations.admissionregistration.k8s.io may not be listed by this account',
      'configmaps in namespace shop may not be listed by this account',
      'configmaps in namespace bank may not be listed by this account',
      'Secret shop/tls',
      'Secret bank/tls',
    ]);
  });

  it('reads a kind in each namespace where it may, and names those where it may not', async () => {
    const lines = await survey(apiThatLets('namespaces', 'secrets/bank'));
    assert.deepEqual(lines.slice(-2), [
      'secrets in namespace shop may not be listed by this account',
      'Secret bank/tls',
    ]);
  });

  it('says that it knows no namespaces where it may list neither', async () => {
    assert.deepEqual(
      (await survey(apiThatLets())).filter((line) => line.startsWith('secrets')),
      [`secrets ${TRUST}`],
    );
  });

  it('looks in no namespace but those that are named', async () => {
    const api = apiThatLets('secrets');
    assert.deepEqual(
      (await survey(api, { namespaces: ['bank'] })).filter((line) => line.startsWith('Secret')),
      ['Secret bank/tls'],
    );
    assert.ok(!api.calls.some((call) => call.includes('namespaces')));
  });

  it('leaves out a kind that it shall not look at, asks nothing about it, and says so', async () => {
    const api = apiThatLets('secrets', 'configmaps');
    const lines = await survey(api, { without: ['secrets'] });
    assert.ok(lines.includes('secrets are not looked at: the configuration leaves them out'), lines.join('\n'));
    assert.ok(!lines.some((line) => line.startsWith('Secret ')));
    assert.ok(!api.calls.some((call) => call.includes('secrets')), api.calls.join('\n'));
  });

  it('asks for no namespace by itself where it is not to, however many there are', async () => {
    const api = apiThatLets('namespaces', 'secrets/bank');
    const lines = await survey(api, { eachNamespace: false });
    assert.ok(lines.includes('secrets in all namespaces may not be listed by this account'), lines.join('\n'));
    assert.ok(!api.calls.some((call) => call.includes('namespaces')), api.calls.join('\n'));
  });

  it('asks for no further page once it takes too long, and says of which kinds it saw no end', async () => {
    let nowMs = 0;
    const clock = { monotonicMs: () => (nowMs += 1_000) };
    const lines: (string | undefined)[] = [];
    for await (const event of new EstateSurvey({ api: apiThatLets('secrets'), clock }, { withinMs: 1 }).events({
      signal,
    }))
      lines.push(lineOf(event));
    assert.ok(lines.includes('Secret shop/tls'));
    assert.ok(lines.includes('secrets could not be listed to their end: the look takes too long'), lines.join('\n'));
  });

  it('goes on with the next kind where nobody says whether one may be listed', async () => {
    const api = apiThatLets('secrets', 'configmaps');
    const allowed = api.reviews.get('SelfSubjectAccessReview')!;
    api.reviews.set('SelfSubjectAccessReview', (review) => {
      if ((review as Asked).spec.resourceAttributes.resource !== 'configmaps') return allowed(review);
      throw new KubernetesApiError({ status: 500, reason: 'InternalError', message: 'no roles yet' });
    });
    const lines = await survey(api);
    assert.ok(lines.includes('ConfigMap could not be looked for: no roles yet'), lines.join('\n'));
    assert.ok(lines.includes('Secret bank/tls'));
  });

  it('goes on with the next kind where one cannot be listed to its end', async () => {
    const api = apiThatLets('secrets', 'configmaps', 'namespaces');
    api.refuse('list configmaps', 500, 'InternalError');
    const lines = await survey(api);
    assert.ok(lines.some((line) => line.startsWith('configmaps could not be listed to their end: ')));
    assert.ok(lines.includes('Secret bank/tls'));
  });

  it("finds the cluster's own CAs, or says that it may not read them", async () => {
    const api = apiThatLets();
    const metadata = { name: 'kube-root-ca.crt', namespace: 'kube-system' };
    api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': 'PEM' } });
    api.refuse('extension-apiserver-authentication', 403, 'Forbidden');
    const { pems, unread } = await clusterCas(api, { signal });
    assert.deepEqual(pems, ['PEM']);
    assert.deepEqual(
      unread.map(({ what }) => what),
      ['ConfigMap kube-system/extension-apiserver-authentication'],
    );
  });
});
