// A server of two processes at a real API server, by the chart's role: each worker follows the cluster for itself, and what is
// done once for all is done once, also when the worker that leads is killed.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { status } from '@grpc/grpc-js';
import { decisionFrom } from '../../../src/adapters/storage/records.ts';
import { JournalQueries } from '../../../src/adapters/storage/sqlite/reading/journal-queries.ts';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { kill9, untilServing, workersOf } from '../../app/support/several-processes.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { AttestedServer, podNamed, podWithToken } from './support/attested-server.ts';
import { ApiRefusal, type ClusterApi, type ClusterObject } from './support/cluster-api.ts';
import { KubernetesCluster } from './support/cluster.ts';
import { admissionObjects, policyCrds, policyObject } from './support/policy-manifests.ts';
import { ISTIOD, requesterRoles, requestSigning, WEB } from './support/relayed-requests.ts';

const SOON = { withinMs: 30_000, everyMs: 100 };
/** A term of the Lease, and then some. */
const FOLLOWED = { withinMs: 90_000, everyMs: 250 };
const SLOTS = [1, 2];
/** As `excludedNamespaces` is by default. */
const WITHOUT_ROOTS = ['kube-node-lease', 'kube-public', 'local-path-storage'];
const REQUESTER = `system:serviceaccount:${ISTIOD.namespace}:${ISTIOD.name}`;
const LEASE = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'capstan', namespace: 'istio-system' },
};

describe('A server of two processes in a Kubernetes cluster', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  let capstan: AttestedServer;
  let istiod: ClusterApi;
  /** How often a policy of `shop` refused, by both. */
  let denied = 0;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    const port = await freePort();
    cluster = ended.use(await KubernetesCluster.start());
    for (const namespace of ['shop', 'data']) await cluster.apply([namespaceNamed(namespace)]);
    await cluster.apply(policyCrds());
    await cluster.apply(admissionObjects().map((object) => reachable(object, port)));
    await cluster.apply([
      namespaceNamed(ISTIOD.namespace),
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: ISTIOD },
      ...requesterRoles(),
    ]);
    istiod = ended.use(await cluster.apiOf(ISTIOD.namespace, ISTIOD.name));
    files = ended.use(await AttestedServer.files([]));
    files.setPolicy([{ namespaces: ['shop', 'data'], bounds: { impersonators: ['istio-system/istiod'] } }]);
    capstan = ended.use(
      await AttestedServer.start(cluster, files, {
        processes: 2,
        // One that it is given by the kernel may be an outgoing connection's before the workers listen.
        'listen.tls.address': `127.0.0.1:${await freePort()}`,
        'policy.directory': undefined,
        'cluster.kubernetes.tokens.keysFile': files.path('token-keys.json'),
        'cluster.kubernetes.policies': true,
        'cluster.kubernetes.events': true,
        'cluster.kubernetes.publish.rootConfigMap.enabled': true,
        'cluster.kubernetes.signers.certificateSigningRequests.requesters': [REQUESTER],
        'cluster.kubernetes.admission.address': `127.0.0.1:${port}`,
        'cluster.kubernetes.admission.configuration': 'capstan',
      }),
    );
  });
  after(async () => ended.disposeAsync());

  /** By the slot of the worker that decided. */
  function decisions(): readonly (DecisionRecord & { readonly slot: number })[] {
    return SLOTS.flatMap((slot) => {
      using reader = new JournalQueries(`${files.path('journal.db')}.${slot}`);
      return reader.list({ limit: 100_000 }).map((row) => ({ ...decisionFrom(row), slot }));
    });
  }

  /** Asks until each worker has decided: the kernel gives each connection to either. @returns the status of each answer. */
  async function askBoth(token: string, concerns: (record: DecisionRecord) => boolean): Promise<readonly status[]> {
    const before = new Set(decisions().map(({ decisionId }) => decisionId));
    const codes: status[] = [];
    for (;;) {
      codes.push((await capstan.ask({ token })).code);
      const since = decisions().filter((record) => !before.has(record.decisionId) && concerns(record));
      if (SLOTS.every((slot) => since.some((record) => record.slot === slot))) return codes;
      assert.ok(codes.length < 200, 'all connections came to one worker');
    }
  }

  const leader = async (): Promise<string> =>
    ((await cluster.api.get(LEASE))?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity ?? '';
  const slotThatLeads = async (): Promise<number> => Number(/-(\d)_[0-9a-f]+$/.exec(await leader())?.[1]);

  async function signedOnce(): Promise<void> {
    const relayed = () => decisions().filter(({ api, identity }) => api === 'kubernetes-csr' && identity === WEB);
    const before = relayed().length;
    const read = await requestSigning(istiod, {});
    await eventually('the certificate', async () => (await read()).status.certificate, FOLLOWED);
    assert.equal(relayed().length, before + 1);
  }

  const writes = async () => cluster.metric('apiserver_request_total', { resource: 'configmaps', verb: 'APPLY' });

  /** Of all that was written before: the API server counts a call after it has answered it. */
  async function settledWrites(): Promise<number> {
    let last = -1;
    const settled = async (): Promise<readonly [number] | undefined> => {
      const former = last;
      last = await writes();
      return former === last ? [last] : undefined;
    };
    const [count] = await eventually('nothing is written any more', settled, FOLLOWED);
    return count;
  }

  /** @returns how often the roots were written for it so far. */
  async function published(namespace: string): Promise<() => Promise<number>> {
    await eventually('every namespace has the roots', hasRootsEverywhere, FOLLOWED);
    const before = await settledWrites();
    await cluster.apply([namespaceNamed(namespace)]);
    const since = async () => (await writes()) - before;
    await eventually('the new one has the roots', hasRootsEverywhere, FOLLOWED);
    await eventually('the API server has counted it', since, SOON);
    return since;
  }

  async function hasRootsEverywhere(): Promise<boolean> {
    const maps = await cluster.api.list('v1', 'ConfigMap');
    const having = maps.filter(({ metadata: { name } }) => name === 'istio-ca-root-cert');
    const there = new Set(having.map(({ metadata: { namespace } }) => namespace));
    const namespaces = await cluster.api.list('v1', 'Namespace');
    return namespaces.every(({ metadata: { name } }) => there.has(name) || WITHOUT_ROOTS.includes(name));
  }

  async function eventsOf(namespace: string, name: string): Promise<readonly ClusterObject[]> {
    const all = await cluster.api.list('v1', 'Event', namespace);
    return all.filter((event) => {
      const involved = event['involvedObject'] as { readonly kind: string; readonly name: string };
      return involved.kind === 'ServiceAccount' && involved.name === name;
    });
  }

  it('attests in each, asks the API server once for each, and keeps its keys once', async () => {
    const { token } = await podWithToken(cluster, 'shop', 'gone');
    await askBoth(token, ({ outcome }) => outcome === 'issued');
    assert.ok(existsSync(files.path('token-keys.json')));
    const reviews = await cluster.metric('apiserver_request_total', { resource: 'tokenreviews', verb: 'POST' });
    assert.ok(reviews >= 1 && reviews <= 2, `${reviews} reviews`);
    using client = capstan.server.sdsClient({ token });
    const stream = client.sotw();
    stream.subscribe('default');
    await stream.accept();
    await cluster.api.delete(podNamed('shop', 'gone'));
    assert.match((await stream.ended).details, /^CAP-A11 /);
    await eventually('each has seen it', async () => (await capstan.ask({ token })).code !== status.OK, SOON);
    await askBoth(token, refusedBy('CAP-A11'));
  });

  it('judges by the same policy objects in each, once its page names one revision', async () => {
    const { token } = await podWithToken(cluster, 'shop', 'denied');
    await capstan.granted({ token });
    await cluster.apply([policyObject('shop', 'closed', { deny: { serviceAccounts: ['denied'] } })]);
    const inForce = async () => {
      const page = (await (await capstan.server.get('/policy')).json()) as PolicyPage;
      const isThere = page.policies.some(({ name }) => name === 'closed');
      return page.workers === undefined && isThere && page.revision;
    };
    const revision = await eventually('one revision', inForce, SOON);
    const codes = await askBoth(token, (record) => record.policyRevision === revision && refusedBy('CAP-P04')(record));
    assert.deepEqual([...new Set(codes)], [status.PERMISSION_DENIED]);
    denied = codes.length;
  });

  it('tells refusals of a kind as one Event, whichever worker refused', async () => {
    const { token } = await podWithToken(cluster, 'elsewhere', 'web');
    await askBoth(token, refusedBy('CAP-P01'));
    // What is told later is written later.
    const later = await podWithToken(cluster, 'elsewhere', 'later');
    await askBoth(later.token, refusedBy('CAP-P01'));
    await eventually('a later Event', async () => (await eventsOf('elsewhere', 'later')).length > 0, SOON);
    const [event, another] = await eventsOf('elsewhere', 'web');
    assert.equal(another, undefined);
    assert.equal((event?.['source'] as { host: string }).host, hostname());
  });

  it('is asked by the API server before it stores a policy', async () => {
    let tries = 0;
    await eventually('Capstan is asked', async () => refusal(cluster, greedy(`try-${(tries += 1)}`)), SOON);
    const said = await refusal(cluster, greedy('again'));
    assert.match(said ?? '', /denied.*spec\.narrow\.ttl\.max is 48h, test@\d+ gives 24h/);
  });

  it('has each end of a pod on record once, whichever worker issued, also when the one that records is killed', async () => {
    const closings = async (name: string) => (await files.closings()).filter(({ podName }) => podName === name);
    const issuedTo = (name: string) => (record: DecisionRecord) =>
      record.outcome === 'issued' && record.podName === name;
    for (const name of ['ends', 'ends-meanwhile']) {
      const { token } = await podWithToken(cluster, 'shop', name);
      await askBoth(token, issuedTo(name));
      const issued = decisions().filter(issuedTo(name)).length;
      if (name === 'ends-meanwhile') await kill9(workersOf(files).find(({ slot }) => slot === 1)!.pid);
      await cluster.api.delete(podNamed('shop', name));
      const [closing] = await eventually('its end', async () => nonEmpty(await closings(name)), FOLLOWED);
      assert.deepEqual([closing.reason, closing.liveCertificates], ['pod_deleted', issued]);
    }
    await untilServing(files, 2);
    for (const name of ['ends', 'ends-meanwhile']) assert.equal((await closings(name)).length, 1, name);
  });

  it('publishes and signs by the one that leads', async () => {
    await eventually('one leads', slotThatLeads, SOON);
    const written = await published('new');
    await signedOnce();
    assert.equal(await written(), 1);
  });

  it('goes on doing all of it once, and counting from what there was, when the worker that leads is killed', async () => {
    const [holder, slot] = [await leader(), await slotThatLeads()];
    await kill9(workersOf(files).find((worker) => worker.slot === slot)!.pid);
    await eventually('another leads', async () => ![holder, ''].includes(await leader()), FOLLOWED);
    await untilServing(files, 2);
    const written = await published('after');
    await signedOnce();
    assert.equal(await written(), 1);
    const counted = async () => {
      const found = (await cluster.api.get(policyObject('shop', 'closed', {})))?.['status'] as PolicyStatus | undefined;
      return found?.lastDay?.refused === denied;
    };
    await eventually('its status counts what both workers refused', counted, FOLLOWED);
    const { token } = await podWithToken(cluster, 'elsewhere', 'web');
    await askBoth(token, refusedBy('CAP-P01'));
    const last = await podWithToken(cluster, 'elsewhere', 'last');
    await askBoth(last.token, refusedBy('CAP-P01'));
    await eventually('a later Event', async () => (await eventsOf('elsewhere', 'last')).length > 0, SOON);
    assert.equal((await eventsOf('elsewhere', 'web')).length, 1);
    assert.notEqual(await refusal(cluster, greedy('after')), undefined);
  });
});

interface PolicyPage {
  readonly revision: string;
  readonly policies: readonly { readonly name: string }[];
  readonly workers?: readonly object[];
}

interface PolicyStatus {
  readonly lastDay?: { readonly issued: number; readonly refused: number };
}

const nonEmpty = <T>([first, ...more]: readonly T[]): readonly [T, ...T[]] | undefined =>
  first === undefined ? undefined : [first, ...more];
const refusedBy = (reason: string) => (record: DecisionRecord) =>
  record.outcome === 'refused' && record.reason === reason;
const namespaceNamed = (name: string): ClusterObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const greedy = (name: string) => policyObject('data', name, { narrow: { ttl: { max: '48h' } }, contact: '#data' });

/** There are no Services here: the API server is told the address itself. */
function reachable(object: ClusterObject, port: number): ClusterObject {
  if (object.kind !== 'ValidatingWebhookConfiguration') return object;
  const clientConfig = { url: `https://127.0.0.1:${port}/admission` };
  return { ...object, webhooks: (object['webhooks'] as readonly object[]).map((one) => ({ ...one, clientConfig })) };
}

async function refusal(cluster: KubernetesCluster, object: ClusterObject): Promise<string | undefined> {
  try {
    await cluster.apply([object]);
    return undefined;
  } catch (error) {
    if (error instanceof ApiRefusal) return error.message;
    throw error;
  }
}
