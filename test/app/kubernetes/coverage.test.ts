// Pods of an API server against what a journal has of them, as operators of a server are told of it and its metric has it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { administerInventory, COVERAGE } from '../../../src/adapters/http/admin/administer-inventory.ts';
import { administrationRoutes } from '../../../src/adapters/http/admin/administration.ts';
import { KnownClusters } from '../../../src/adapters/kubernetes/clusters/known-clusters.ts';
import { FollowedWorkloads, workloadCaches } from '../../../src/adapters/kubernetes/workloads/followed-workloads.ts';
import { SqliteInventory } from '../../../src/adapters/storage/inventory/sqlite-inventory.ts';
import { SqliteJournal } from '../../../src/adapters/storage/sqlite/sqlite-journal.ts';
import { SqliteJournalReader } from '../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { composeCoverage } from '../../../src/app/compose/administration/coverage-administration.ts';
import { StartUp } from '../../../src/app/start-up.ts';
import { LOCAL_OPERATOR, type RoledOperator } from '../../../src/authority/administration/roles.ts';
import type { ExplainedCoverage } from '../../../src/cli/reports/server/coverage.ts';
import type { CoverageCounts } from '../../../src/domain/inventory/coverage.ts';
import type { NewestRecords } from '../../../src/ports/storage/operation-journal.ts';
import { issued, NEVER, refused, traced } from '../../adapters/storage/sqlite/records.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeKubernetesApi } from '../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../support/fakes/seeded-random.ts';

const WAITING = { signal: NEVER };
const MINUTE_MS = 60_000;
const PODS = { apiVersion: 'v1', kind: 'Pod' };
const SOON = { withinMs: 30_000 };
const INJECTED = { 'sidecar.istio.io/status': '{}' };
const isUnread = (why: string | undefined): boolean => why === 'the journal is not read yet';
const TEAM: RoledOperator = { actor: 'team', role: 'viewer', local: false, namespaces: ['bank'] };

describe('The coverage of a running server', function () {
  this.timeout(60_000);
  let directory: string;
  let end: AbortController;
  let parts: AsyncDisposableStack;
  let offsetMs: number;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-coverage-'));
    [end, parts, offsetMs] = [new AbortController(), new AsyncDisposableStack(), 0];
  });
  afterEach(async () => {
    end.abort();
    await parts.disposeAsync();
    rmSync(directory, { recursive: true });
  });
  const clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });

  function clusterOf(id: string) {
    const api = new FakeKubernetesApi();
    api.put({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'istio-injection': 'enabled' } },
    });
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bank' } });
    const [events, random] = [recordEvents(), new SeededRandom()];
    const caches = workloadCaches({ api, clock, events, random, cluster: id });
    const workloads = new FollowedWorkloads(caches, { staleAfterMs: 15 * MINUTE_MS });
    return { id, api, caches, workloads, signal: end.signal };
  }

  function addPod(api: FakeKubernetesApi, namespace: string, name: string, annotations = INJECTED as object): string {
    return api.put({
      ...PODS,
      metadata: { namespace, name, annotations, creationTimestamp: new Date(Date.now() - 5 * MINUTE_MS).toISOString() },
      spec: { serviceAccountName: name, nodeName: 'node-1', containers: [{ name: 'app' }] },
      status: { phase: 'Running' },
    }).metadata.uid;
  }

  async function server(clusters: KnownClusters | undefined, newest?: Pick<NewestRecords, 'list'>) {
    const file = path.join(directory, 'journal.db');
    const [events, startUp] = [recordEvents(), new StartUp()];
    const journal = parts.use(new SqliteJournal({ clock, events }, { file }));
    await journal.start(WAITING);
    const settings = { file, cluster: 'east', sdsRenewAt: 0.5, retentionMs: 60 * MINUTE_MS };
    const inventory = parts.use(new SqliteInventory({ clock }, settings));
    const reader = parts.use(await SqliteJournalReader.open(file, WAITING));
    let counted: () => CoverageCounts | undefined = () => undefined;
    const telemetry = { observeCoverage: (counts: typeof counted) => (counted = counts) };
    const foundation = { clock, events, telemetry, startUp, running: end.signal } as unknown as Parameters<
      typeof composeCoverage
    >[1];
    const records = newest ?? { list: async (...asked: Parameters<NewestRecords['list']>) => reader.list(...asked) };
    const storage = { inventory, lease: journal, newest: records as NewestRecords };
    const ledgers = { bans: { current: () => ({ bans: [], pending: [] }) } as never };
    const kubernetes = clusters && { clusters };
    const coverage = composeCoverage({ cluster: { id: 'east' } as never }, foundation, {
      storage,
      ledgers,
      kubernetes,
    });
    await startUp.start(WAITING);
    const unasked = async (): Promise<never> => assert.fail('nobody asks for them');
    const routes = (operator: RoledOperator) =>
      administrationRoutes([administerInventory({ list: unasked, show: unasked, ends: unasked, coverage })], {
        events,
        operatorOf: () => operator,
      });
    return {
      counts: () => counted(),
      issue: async (namespace: string, name: string, podUid: string, changes: Parameters<typeof issued>[1] = {}) => {
        const identity = `spiffe://cluster.local/ns/${namespace}/sa/${name}`;
        const pod = { podName: name, podUid, timeMs: Date.now(), notAfterMs: Date.now() + 10 * MINUTE_MS };
        await journal.append(issued(`${name} ${podUid}`, { ...pod, identity, caller: identity, ...changes }), WAITING);
      },
      refuse: async (...given: Parameters<typeof refused>) => journal.append(refused(...given), WAITING),
      /** What is on record is in the inventory then, and counted. */
      follow: async () => {
        await inventory.follow({ nowMs: clock.nowMs() }, WAITING);
        const isCounted = async () =>
          (await coverage({ limit: 1 })).clusters.every(({ unavailable }) => !isUnread(unavailable));
        await eventually('it is counted', isCounted, SOON);
      },
      ask: async (
        query = '',
        operator = LOCAL_OPERATOR,
      ): Promise<{ status: number; body: ExplainedCoverage & { error?: string } }> => {
        const answer = await routes(operator).request(`${COVERAGE}${query}`);
        return { status: answer.status, body: (await answer.json()) as ExplainedCoverage };
      },
    };
  }

  async function following(...clusters: readonly ReturnType<typeof clusterOf>[]): Promise<KnownClusters> {
    for (const { workloads } of clusters) {
      workloads.start(end);
      await workloads.whenSynced(WAITING);
    }
    const [own, ...others] = clusters;
    const known = new KnownClusters(own ?? assert.fail());
    for (const other of others) known.add(other);
    return known;
  }

  const named = ({ rows }: ExplainedCoverage) =>
    rows.map(({ cluster, podName, state }) => `${cluster} ${podName} ${state}`);

  it('names the pods of each cluster without an identity, with the newest refusal about each and what would pass', async () => {
    const [east, west] = [clusterOf('east'), clusterOf('west')];
    const web = addPod(east.api, 'shop', 'web');
    const denied = addPod(east.api, 'shop', 'denied');
    addPod(east.api, 'shop', 'legacy', {});
    addPod(west.api, 'bank', 'vault');
    const { issue, refuse, follow, ask, counts } = await server(await following(east, west));
    await issue('shop', 'web', web);
    const policy = traced({ failures: [{ ...FAILED, contact: 'security@corp.example' }] });
    await refuse('first', { podUid: denied, cluster: 'east', timeMs: Date.now() - MINUTE_MS });
    await refuse('newest', { podUid: denied, cluster: 'east', timeMs: Date.now(), reason: 'CAP-P12', policy });
    await refuse('elsewhere', { podUid: denied, cluster: 'west', timeMs: Date.now() });
    await follow();
    const { status, body } = await ask();
    assert.equal(status, 200);
    assert.deepEqual(named(body), ['east denied without', 'west vault without', 'east legacy not_joined']);
    const [row] = body.rows;
    assert.equal(row?.refusal?.decisionId, 'newest');
    assert.deepEqual(row.refusal.toPass, ['lay an Ingress; ask security@corp.example']);
    assert.deepEqual([body.total.covered, body.total.without, body.total.not_joined], [1, 2, 1]);
    assert.deepEqual(
      body.namespaces.map(({ cluster, namespace, counts }) => [cluster, namespace, counts.without + counts.not_joined]),
      [
        ['east', 'shop', 2],
        ['west', 'bank', 1],
      ],
    );
    assert.equal(counts()?.without, 2);
  });

  const FAILED = {
    reason: 'CAP-P12',
    layer: 'namespace',
    policy: 'shop/denied',
    field: 'spec.conditions.has-ingress',
    change: 'lay an Ingress',
  } as never as NonNullable<NonNullable<ReturnType<typeof traced>['failures']>[number]>;

  it('is narrowed by cluster, namespace and state, and shows a team its namespaces alone', async () => {
    const [east, west] = [clusterOf('east'), clusterOf('west')];
    for (const name of ['web', 'api']) addPod(east.api, 'shop', name);
    for (const { api } of [east, west]) addPod(api, 'bank', 'vault');
    const { issue, follow, ask } = await server(await following(east, west));
    await issue('shop', 'former', 'uid-of-nobody');
    await follow();
    const table: readonly (readonly [string, readonly string[], number])[] = [
      ['?namespace=bank', ['east vault without', 'west vault without'], 0],
      ['?cluster=west', ['west vault without'], 0],
      ['?state=gone', ['east former gone'], 0],
      ['?gap=true&limit=1', ['east vault without'], 3],
      ['?namespace=nowhere', [], 0],
    ];
    for (const [query, rows, more] of table) {
      const { body } = await ask(query);
      assert.deepEqual(named(body), rows, query);
      assert.equal(body.more, more, query);
    }
    const seen = (await ask('', TEAM)).body;
    assert.deepEqual(named(seen), ['east vault without', 'west vault without']);
    assert.equal(seen.total.gone + seen.namespaces.filter(({ namespace }) => namespace !== 'bank').length, 0);
    assert.deepEqual(
      [(await ask('?namespace=shop', TEAM)).status, (await ask('?namespace=bank', TEAM)).status],
      [403, 200],
    );
  });

  it('says what it cannot tell: another cluster, a malformed question, a view that is not there, a journal that is not read', async () => {
    const [east, west] = [clusterOf('east'), clusterOf('west')];
    addPod(east.api, 'shop', 'web');
    const known = await following(east);
    known.add(west);
    const { ask, follow, counts } = await server(known);
    assert.match((await ask()).body.clusters[0]?.unavailable ?? '', /the journal is not read yet/);
    assert.equal(counts(), undefined);
    await follow();
    const { clusters, total } = (await ask()).body;
    assert.equal(total.without, 1);
    assert.deepEqual(
      clusters.map(({ cluster, unavailable }) => [cluster, unavailable?.slice(0, 27)]),
      [
        ['east', undefined],
        ['west', 'the namespaces of the clust'],
      ],
    );
    for (const [query, detail] of [
      ['?cluster=north', /not known here, but those of east, west/],
      ['?state=lost', /at state/],
      ['?gap=yes', /at gap/],
      ['?limit=100000', /at limit/],
      ['?x=1', /there is no parameter "x"/],
    ] as const) {
      const { status, body } = await ask(query);
      assert.equal(status, 400, query);
      assert.match(body.error ?? '', detail);
    }
  });

  it('tells a team of no cluster in which nothing is of it, whether it exists or not', async () => {
    const [east, west] = [clusterOf('east'), clusterOf('west')];
    addPod(east.api, 'bank', 'vault');
    addPod(west.api, 'shop', 'web');
    const { follow, ask } = await server(await following(east, west));
    await follow();
    assert.deepEqual((await ask('', TEAM)).body.clusters, [{ cluster: 'east' }]);
    assert.equal((await ask('?cluster=west')).status, 200);
    const [there, nowhere] = [await ask('?cluster=west', TEAM), await ask('?cluster=north', TEAM)];
    assert.deepEqual(there, nowhere);
    assert.equal(there.status, 400);
    assert.match(there.body.error ?? '', /not known here, but those of east$/);
    const nobody = await ask('', { ...TEAM, namespaces: ['nowhere'] });
    assert.deepEqual([nobody.status, nobody.body.clusters, nobody.body.rows], [200, [], []]);
  });

  it('has no metric while the inventory lags so far behind that a gap might be its own', async function () {
    // A count is given again for fifty times of what it took, which is long where the machine was busy.
    this.timeout(180_000);
    const east = clusterOf('east');
    addPod(east.api, 'shop', 'web');
    const { follow, counts, ask } = await server(await following(east));
    await follow();
    assert.equal(counts()?.without, 1);
    offsetMs = 2 * MINUTE_MS;
    const isGone = async () => (await ask()).status === 200 && counts() === undefined;
    await eventually('no metric', isGone, { withinMs: 150_000 });
    assert.equal((await ask()).body.total.without, 1, 'the answer says as of when it is');
  });

  it('of a server that follows no API server is an answer that says what to configure', async () => {
    const { ask } = await server(undefined);
    const { status, body } = await ask();
    assert.equal(status, 400);
    assert.match(body.error ?? '', /set cluster\.kubernetes\.from/);
  });
});
