import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SECRET } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import { readKubeconfigFolder } from '../../../../src/adapters/kubernetes/clusters/kubeconfig-folder.ts';
import { kubeconfigSecrets, kubeconfigsIn } from '../../../../src/adapters/kubernetes/clusters/kubeconfig-secrets.ts';
import { KnownClusters, type KnownCluster } from '../../../../src/adapters/kubernetes/clusters/known-clusters.ts';
import { RemoteClusters, type GivenKubeconfig } from '../../../../src/adapters/kubernetes/clusters/remote-clusters.ts';
import { FollowedWorkloads, workloadCaches } from '../../../../src/adapters/kubernetes/workloads/followed-workloads.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents, type RecordedEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const kubeconfig = (host: string, user = 'token: t') => `
clusters: [{ name: c, cluster: { server: "https://${host}" } }]
users: [{ name: u, user: { ${user} } }]
contexts: [{ name: x, context: { cluster: c, user: u } }]
current-context: x
`;

describe('The clusters beside the own one', () => {
  let events: RecordedEvents;
  let end: AbortController;
  let clusters: KnownClusters;
  let remotes: RemoteClusters;
  let apis: Map<string, FakeKubernetesApi>;

  const made = (id: string) => {
    const api = new FakeKubernetesApi();
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: `of-${id}` } });
    const caches = workloadCaches({ api, clock: new FakeClock(), random: new SeededRandom(1), events, cluster: id });
    return { api, caches, workloads: new FollowedWorkloads(caches, { staleAfterMs: 60_000 }) };
  };
  beforeEach(() => {
    [events, end] = [recordEvents(), new AbortController()];
    apis = new Map();
    clusters = new KnownClusters({ id: 'own', ...made('own'), signal: end.signal });
    const connect = (id: string, { server }: { readonly server: URL }) => {
      const known = made(id);
      apis.set(`${id} ${server.host}`, known.api);
      return known;
    };
    remotes = new RemoteClusters({ clusters, events, connect });
  });
  afterEach(() => end.abort());

  const give = (given: Readonly<Record<string, string>>, source: 'directory' | 'secrets' = 'directory'): void => {
    const all = Object.entries(given).map(([id, text]): [string, GivenKubeconfig] => [
      id,
      { place: `/remote/${id}`, text },
    ]);
    remotes.update(source, new Map(all), end);
  };

  it('are followed when their kubeconfig is given, and end when it is taken away, while others stay', async () => {
    const added: KnownCluster[] = [];
    clusters.onAdded((cluster) => added.push(cluster), end);
    give({ west: kubeconfig('west') });
    await settle();
    const west = clusters.of('west');
    assert.ok(west);
    assert.equal(west.workloads.namespace('of-west')?.name, 'of-west');
    assert.equal(clusters.of('east'), undefined);
    give({ west: kubeconfig('west'), east: kubeconfig('east') });
    assert.equal(clusters.of('west'), west);
    give({ east: kubeconfig('east') });
    await settle();
    assert.equal(clusters.of('west'), undefined);
    assert.equal(west.signal.aborted, true);
    assert.equal(apis.get('west west')?.watches, 0);
    assert.deepEqual(
      added.map(({ id }) => id),
      ['west', 'east'],
    );
    assert.deepEqual(
      events.of('remoteCluster').map(({ cluster, state }) => `${String(cluster)} ${String(state)}`),
      ['west added', 'east added', 'west removed'],
    );
  });

  it('are followed anew when their kubeconfig is another', async () => {
    give({ west: kubeconfig('west') });
    await settle();
    give({ west: kubeconfig('moved') });
    await settle();
    assert.equal(apis.get('west west')?.watches, 0);
    assert.equal(apis.get('west moved')?.watches, 3);
  });

  it('stay as they were when their kubeconfig breaks, which is said once', async () => {
    give({ west: kubeconfig('west') });
    await settle();
    const before = clusters.of('west');
    for (const broken of ['nonsense', 'nonsense', kubeconfig('west', 'exec: { command: rm }')]) give({ west: broken });
    assert.equal(clusters.of('west'), before);
    assert.deepEqual(
      events.of('remoteClusterFailed').map(({ problem }) => String(problem).replace(/:.*/, '')),
      ['/remote/west is no kubeconfig', '/remote/west has exec, which would run a program'],
    );
    assert.match(remotes.problem ?? '', /has exec/);
    give({ west: kubeconfig('west') });
    assert.equal(remotes.problem, undefined);
  });

  it('are none of the name of the own one, or of a name that is no id', () => {
    give({ own: kubeconfig('attacker'), '../etc': kubeconfig('x') });
    assert.equal(clusters.of('own'), clusters.own);
    assert.equal(clusters.all().length, 1);
    assert.equal(events.of('remoteClusterFailed').length, 2);
  });

  it('come from a folder and from Secrets, of which the folder counts', async () => {
    give({ west: kubeconfig('folder') });
    give({ west: kubeconfig('secret'), east: kubeconfig('east') }, 'secrets');
    await settle();
    assert.equal(apis.has('west secret'), false);
    assert.ok(clusters.of('east'));
    give({});
    await settle();
    assert.equal(apis.get('west secret')?.watches, 3);
  });

  it('are read from the files of a folder, as a Secret is mounted', async () => {
    const root = mkdtempSync(path.join(tmpdir(), 'remote-'));
    try {
      mkdirSync(path.join(root, '..2026'));
      writeFileSync(path.join(root, '..2026/west'), 'text of west');
      symlinkSync('..2026', path.join(root, '..data'));
      symlinkSync('..data/west', path.join(root, 'west'));
      symlinkSync('nowhere', path.join(root, 'east'));
      writeFileSync(path.join(root, 'large'), 'x'.repeat(300_000));
      const found = await readKubeconfigFolder(root);
      const words = [...found].map(([id, one]) => [id, 'text' in one ? one.text : one.problem]);
      assert.deepEqual(words, [
        ['east', 'does not exist'],
        ['large', 'is larger than 262144 bytes'],
        ['west', 'text of west'],
      ]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('are read from Secrets with the label of Istio, and from no others', async () => {
    const api = new FakeKubernetesApi();
    const secret = (name: string, labels: object, data: object) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'istio-system', labels },
      data,
    });
    const encoded = Buffer.from('text of west').toString('base64');
    api.put(secret('istio-remote-secret-west', { 'istio/multiCluster': 'true' }, { west: encoded }));
    api.put(secret('other', {}, { east: encoded }));
    const clock = new FakeClock();
    const parts = { api, clock, random: new SeededRandom(1), events, cluster: 'own' };
    const secrets = kubeconfigSecrets(parts, 'istio-system');
    secrets.start(end);
    await settle();
    const place = 'Secret istio-system/istio-remote-secret-west, key west';
    assert.deepEqual([...kubeconfigsIn(secrets.list())], [['west', { place, text: 'text of west' }]]);
    assert.equal(secrets.kind, SECRET);
  });
});
