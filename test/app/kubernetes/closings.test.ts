// The ends of identities from the watch of an API server into the journal of a server, as the parts of a server are put together.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { KEPT_BOUNDS } from '../../../src/adapters/kubernetes/api/kept-bytes.ts';
import { KnownClusters } from '../../../src/adapters/kubernetes/clusters/known-clusters.ts';
import { FollowedWorkloads, workloadCaches } from '../../../src/adapters/kubernetes/workloads/followed-workloads.ts';
import { SqliteInventory } from '../../../src/adapters/storage/inventory/sqlite-inventory.ts';
import { SqliteIssuanceHistory } from '../../../src/adapters/storage/sqlite/sqlite-issuance-history.ts';
import { SqliteJournal } from '../../../src/adapters/storage/sqlite/sqlite-journal.ts';
import { SqliteJournalReader } from '../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { composeClosings } from '../../../src/app/compose/kubernetes/closings.ts';
import { StartUp } from '../../../src/app/start-up.ts';
import type { ClosingRecord } from '../../../src/ports/storage/closing-journal.ts';
import { issued, NEVER } from '../../adapters/storage/sqlite/records.ts';
import { TEST_TRUST_DOMAIN as trustDomain } from '../../support/certificates.ts';
import { fakePolicies } from '../../support/authority-parts.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeKubernetesApi } from '../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../support/fakes/seeded-random.ts';
import { configOf } from '../support/running-server.ts';

const SETTINGS = {
  'issuer.chainFile': 'chain.pem',
  'issuer.keyFile': 'key.pem',
  'trustAnchors.file': 'anchors.pem',
  'policy.bundle.file': 'bundle.yaml',
  'policy.bundle.keys': ['key.pem'],
  'policy.bundle.stateFile': 'state.json',
  'journal.store': 'journal.db',
  trustDomain,
};
const WAITING = { signal: NEVER };
const MINUTE_MS = 60_000;
const PODS = { apiVersion: 'v1', kind: 'Pod' };
const SOON = { withinMs: 30_000 };

describe('The ends of identities', function () {
  this.timeout(60_000);
  let directory: string;
  let api: FakeKubernetesApi;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-closings-'));
    api = new FakeKubernetesApi();
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    api.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'shop', name: 'web' } });
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const file = (): string => path.join(directory, 'journal.db');

  /** What of a server concerns them, on the journal of the server before it. */
  async function server(): Promise<AsyncDisposable & { readonly issue: (pod: string) => Promise<void> }> {
    await using parts = new AsyncDisposableStack();
    const [clock, events, end, startUp] = [new SystemClock(), recordEvents(), new AbortController(), new StartUp()];
    const journal = parts.use(new SqliteJournal({ clock, events }, { file: file() }));
    await journal.start(WAITING);
    const history = parts.use(new SqliteIssuanceHistory({ clock }, file()));
    parts.defer(() => end.abort());
    const caches = workloadCaches({ api, clock, events, random: new SeededRandom(), cluster: 'east' });
    const workloads = new FollowedWorkloads(caches, { staleAfterMs: 15 * MINUTE_MS });
    workloads.start(end);
    await workloads.whenSynced(WAITING);
    const clusters = new KnownClusters({ id: 'east', api, caches, workloads, signal: end.signal });
    const storage = { closings: { journal, issuances: history }, lease: journal };
    composeClosings(
      configOf(SETTINGS),
      { clock, events, startUp, running: end.signal },
      { kubernetes: { clusters }, storage, policies: fakePolicies() },
    );
    await startUp.start(WAITING);
    const running = parts.move();
    return {
      [Symbol.asyncDispose]: async () => running.disposeAsync(),
      async issue(name) {
        const podUid = api.stored(PODS, { namespace: 'shop', name })?.metadata.uid ?? assert.fail(name);
        const nowMs = clock.nowMs();
        const pod = { podName: name, podUid, attestation: { serviceAccountUid: uidOfAccount() } };
        const identity = `spiffe://${trustDomain}/ns/shop/sa/web`;
        // A minute ago, as far as the journal knows: one that was issued just now may be of a pod that is not seen yet.
        const at = { timeMs: nowMs - MINUTE_MS, notAfterMs: nowMs + 10 * MINUTE_MS };
        await journal.append(issued(`${name} ${nowMs}`, { ...pod, ...at, identity, caller: identity }), WAITING);
      },
    };
  }

  const uidOfAccount = (): string =>
    api.stored({ apiVersion: 'v1', kind: 'ServiceAccount' }, { namespace: 'shop', name: 'web' })?.metadata.uid ?? '';

  function addPod(name: string): void {
    api.put({
      ...PODS,
      metadata: { namespace: 'shop', name },
      spec: { serviceAccountName: 'web', nodeName: 'node-1' },
      status: { phase: 'Running' },
    });
  }

  async function recorded(): Promise<readonly ClosingRecord[]> {
    using reader = await SqliteJournalReader.open(file(), WAITING);
    return await reader.closings({ limit: 100_000 }, WAITING);
  }

  it('are in the journal once for each pod that was given something, over two starts and what happened between', async () => {
    addPod('seen');
    addPod('between');
    addPod('never given anything');
    {
      await using first = await server();
      for (const pod of ['seen', 'between']) await first.issue(pod);
      api.remove(PODS, { namespace: 'shop', name: 'seen' });
      api.remove(PODS, { namespace: 'shop', name: 'never given anything' });
      await eventually('the end that was seen', async () => (await recorded()).length > 0, SOON);
    }
    api.remove(PODS, { namespace: 'shop', name: 'between' });
    addPod('last');
    {
      await using second = await server();
      await eventually('the end that nobody saw', async () => (await recorded()).length > 1, SOON);
      await second.issue('last');
      api.remove(PODS, { namespace: 'shop', name: 'last' });
      await eventually('a later end', async () => (await recorded()).length > 2, SOON);
    }
    assert.deepEqual(
      (await recorded()).map(({ podName, reason, lastSeenMs }) => [podName, reason, lastSeenMs !== undefined]),
      [
        ['last', 'pod_deleted', false],
        ['between', 'pod_deleted', true],
        ['seen', 'pod_deleted', false],
      ],
    );
  });

  it('are in the inventory: a pod that lives for a moment appears in it, and ends', async () => {
    const settings = { file: file(), cluster: 'east', sdsRenewAt: 0.5, retentionMs: 60 * MINUTE_MS };
    await using running = await server();
    await using inventory = new SqliteInventory({ clock: new SystemClock() }, settings);
    const shown = async (): Promise<readonly string[]> => {
      const nowMs = Date.now();
      await inventory.follow({ nowMs }, WAITING);
      const { entries } = await inventory.page(
        { conditions: { podName: 'short' }, limit: 10, nowMs, excused: [] },
        WAITING,
      );
      return entries.map(({ podName, end }) => `${podName ?? ''} ${end?.reason ?? 'lives'}`);
    };
    addPod('short');
    await running.issue('short');
    assert.deepEqual(await shown(), ['short lives']);
    api.remove(PODS, { namespace: 'shop', name: 'short' });
    await eventually('its end', async () => (await shown())[0] === 'short pod_deleted', SOON);
  });

  it('are not of a pod that is left out because its namespace has more than is kept of one, before it is deleted', async () => {
    for (const pod of ['grown', 'other', 'last']) addPod(pod);
    await using running = await server();
    for (const pod of ['grown', 'other', 'last']) await running.issue(pod);
    const grown = api.stored(PODS, { namespace: 'shop', name: 'grown' }) ?? assert.fail();
    const tooLarge = { note: 'x'.repeat(KEPT_BOUNDS.share) };
    api.put({ ...grown, metadata: { ...grown.metadata, labels: tooLarge } });
    api.put({ ...grown, metadata: { ...grown.metadata, labels: {} } });
    api.remove(PODS, { namespace: 'shop', name: 'other' });
    await eventually('the end of the other', async () => (await recorded()).length > 0, SOON);
    api.put({ ...grown, metadata: { ...grown.metadata, labels: tooLarge } });
    api.remove(PODS, { namespace: 'shop', name: 'last' });
    api.remove(PODS, { namespace: 'shop', name: 'grown' });
    await eventually('all ends', async () => (await recorded()).length > 2, SOON);
    assert.deepEqual(
      (await recorded()).map(({ podName, lastSeenMs }) => [podName, lastSeenMs !== undefined]).toSorted(),
      [
        ['grown', true],
        ['last', true],
        ['other', false],
      ],
    );
  });

  it('of a thousand pods that go at once are each in it once', async () => {
    const names = Array.from({ length: 1_000 }, (_, n) => `web-${n}`);
    names.forEach(addPod);
    await using running = await server();
    await Promise.all(names.map(running.issue));
    for (const name of names) api.remove(PODS, { namespace: 'shop', name });
    await eventually('all ends', async () => (await recorded()).length >= names.length, SOON);
    const found = (await recorded()).map(({ podName }) => podName);
    assert.deepEqual(found.toSorted(), names.toSorted());
  });
});
