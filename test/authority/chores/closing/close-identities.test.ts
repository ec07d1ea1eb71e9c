import assert from 'node:assert/strict';
import { closeIdentities } from '../../../../src/authority/chores/closing/close-identities.ts';
import { MAX_GONE_PODS } from '../../../../src/authority/chores/closing/gone-pods.ts';
import { MAX_SERIALS, type ClosingRecord } from '../../../../src/ports/storage/closing-journal.ts';
import { FakeClosingStore } from './closing-store.ts';
import { FakeClock, NOON_MS, settle } from '../../../support/fakes/fake-clock.ts';
import { FakeWorkloadDirectory } from '../../../support/fakes/kubernetes/fake-workload-directory.ts';
import { FakeLease } from '../../../support/fakes/lease.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const WEB = 'spiffe://cluster.local/ns/shop/sa/web';
/** Beyond what a closing waits for, and one round. */
const SOON_MS = 4_000;
/** Until all that was issued before a start has been looked through. */
const LOOKED_BACK_MS = 15_000;

/** One server of a store: its view of the cluster, and its lease. */
class Server {
  readonly lease = new FakeLease();
  readonly workloads = new FakeWorkloadDirectory();
  readonly events = recordEvents();
  readonly clock: FakeClock;
  readonly #end = new AbortController();
  readonly ended: Promise<void>;

  constructor(store: FakeClosingStore, clock: FakeClock, changes: { readonly remoteCluster?: string } = {}) {
    this.clock = clock;
    const { lease, workloads, events } = this;
    const settings = {
      cluster: changes.remoteCluster ?? 'east',
      ...changes,
      trustDomainsOf: (namespace: string) => ['cluster.local', ...(namespace === 'moving' ? ['corp.example'] : [])],
      longestLeafMs: 24 * HOUR_MS,
    };
    const parts = { workloads, issuances: store, journal: store, lease, clock, events };
    this.ended = closeIdentities(parts, settings, this.#end);
  }

  async lead(): Promise<void> {
    this.lease.give();
    await settle();
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.ended;
  }
}

describe('The closing of identities', () => {
  let store: FakeClosingStore;
  let clock: FakeClock;
  let servers: Server[];
  beforeEach(() => {
    [store, clock, servers] = [new FakeClosingStore(), new FakeClock(), []];
  });
  afterEach(async () => Promise.all(servers.map(async (server) => server.stop())));

  function serverOf(changes: { readonly remoteCluster?: string } = {}): Server {
    const server = new Server(store, clock, changes);
    servers.push(server);
    return server;
  }

  /** One that has looked back already. */
  async function leading(): Promise<Server> {
    const server = serverOf();
    await server.lead();
    await clock.advance(LOOKED_BACK_MS);
    return server;
  }

  /** Another start of the only server, of the same cluster. */
  async function restarted({ leftOut }: FakeWorkloadDirectory): Promise<Server> {
    servers.forEach(({ lease }) => lease.lose());
    await settle();
    const server = serverOf();
    server.workloads.leftOut = leftOut;
    server.workloads.addNamespace();
    await server.lead();
    await clock.advance(LOOKED_BACK_MS);
    return server;
  }

  const reasons = (): readonly (readonly [string, string])[] =>
    store.closings.map(({ podName, reason }) => [podName, reason]);

  it('says of a pod that is deleted who it was, when it went, and what it had', async () => {
    const { workloads, events } = await leading();
    workloads.addPod();
    store.issue({ serial: 'old', notAfterMs: NOON_MS + 1 });
    store.issue({ serial: 'last', notAfterMs: NOON_MS + 2 * HOUR_MS });
    store.issue({ serial: 'other', notAfterMs: NOON_MS + HOUR_MS });
    const goneMs = clock.nowMs();
    workloads.removePod('shop', 'web-1');
    await clock.advance(SOON_MS);
    const expected: ClosingRecord = {
      timeMs: goneMs,
      identity: WEB,
      reason: 'pod_deleted',
      cluster: 'east',
      namespace: 'shop',
      podName: 'web-1',
      podUid: 'uid-of-web-1',
      serviceAccountUid: 'uid-of-web',
      nodeName: 'node-1',
      liveCertificates: 2,
      latestEndMs: NOON_MS + 2 * HOUR_MS,
      serials: ['last', 'other'],
    };
    assert.deepEqual(store.closings, [expected]);
    assert.deepEqual(events.of('identityClosed'), [expected]);
    assert.equal(store.epoch, 1, 'under the lease');
  });

  it('names no more than some serials, and counts all certificates', async () => {
    const { workloads } = await leading();
    workloads.addPod();
    for (let n = 0; n < 40; n += 1) store.issue({ notAfterMs: NOON_MS + HOUR_MS + n });
    workloads.removePod('shop', 'web-1');
    await clock.advance(SOON_MS);
    const [record] = store.closings;
    assert.deepEqual([record?.liveCertificates, record?.serials.length], [40, MAX_SERIALS]);
    assert.equal(record?.serials[0], 's39');
  });

  it('closes a pod whose certificates have ended, with none that lives', async () => {
    const { workloads } = await leading();
    workloads.addPod();
    store.issue({ notAfterMs: NOON_MS + 1 });
    workloads.removePod('shop', 'web-1');
    await clock.advance(SOON_MS);
    const [record] = store.closings;
    assert.deepEqual([record?.liveCertificates, record?.latestEndMs, record?.serials], [0, NOON_MS + 1, []]);
  });

  it('has no record of a pod that was never given anything', async () => {
    const { workloads } = await leading();
    workloads.addPod();
    store.issue({ podUid: 'another of its account' });
    workloads.removePod('shop', 'web-1');
    await clock.advance(SOON_MS);
    assert.deepEqual(store.closings, []);
  });

  it('closes a pod that has finished once, though it is deleted later', async () => {
    const { workloads } = await leading();
    workloads.addPod();
    store.issue();
    workloads.addPod({ phase: 'Succeeded' });
    await clock.advance(SOON_MS);
    workloads.removePod('shop', 'web-1');
    await clock.advance(SOON_MS);
    assert.deepEqual(reasons(), [['web-1', 'pod_finished']]);
  });

  it('includes what was being issued when the pod went', async () => {
    const { workloads } = await leading();
    workloads.addPod();
    workloads.removePod('shop', 'web-1');
    await clock.advance(1_000);
    store.issue();
    await clock.advance(SOON_MS);
    assert.deepEqual(reasons(), [['web-1', 'pod_deleted']]);
  });

  it('closes all pods of a service account that was deleted or made anew, for what that account vouched for', async () => {
    const { workloads } = await leading();
    for (const name of ['web-1', 'web-2']) {
      workloads.addPod({ name });
      store.issue({ podName: name });
    }
    workloads.addPod({ name: 'till-1', serviceAccount: 'till' });
    store.issue({ podName: 'till-1', identity: 'spiffe://cluster.local/ns/shop/sa/till', serviceAccountUid: 'till' });
    workloads.removeServiceAccount('shop', 'web');
    await clock.advance(SOON_MS);
    assert.deepEqual(reasons(), [
      ['web-1', 'service_account_deleted'],
      ['web-2', 'service_account_deleted'],
    ]);
  });

  it('closes a pod again when it was given more under the account that was made anew', async () => {
    const { workloads } = await leading();
    workloads.addPod();
    store.issue();
    workloads.removeServiceAccount('shop', 'web');
    workloads.addServiceAccount({ uid: 'anew' });
    await clock.advance(SOON_MS);
    store.issue({ serviceAccountUid: 'anew' });
    workloads.removePod('shop', 'web-1');
    await clock.advance(SOON_MS);
    assert.deepEqual(
      store.closings.map(({ reason, serviceAccountUid }) => [reason, serviceAccountUid]),
      [
        ['service_account_recreated', 'uid-of-web'],
        ['pod_deleted', 'anew'],
      ],
    );
  });

  it('closes all pods of a namespace from the moment at which its removal begins', async () => {
    const { workloads } = await leading();
    for (const name of ['web-1', 'web-2']) {
      workloads.addPod({ name });
      store.issue({ podName: name });
    }
    workloads.removePod('shop', 'web-2');
    workloads.addNamespace({ terminating: true });
    await clock.advance(SOON_MS);
    workloads.removePod('shop', 'web-1');
    workloads.removeNamespace('shop');
    await clock.advance(SOON_MS);
    assert.deepEqual(reasons().toSorted(), [
      ['web-1', 'namespace_removed'],
      ['web-2', 'namespace_removed'],
    ]);
  });

  it('closes each identity of a pod whose namespace has several trust domains', async () => {
    const { workloads } = await leading();
    workloads.addPod({ namespace: 'moving' });
    const identities = ['cluster.local', 'corp.example'].map((domain) => `spiffe://${domain}/ns/moving/sa/web`);
    for (const identity of identities) store.issue({ identity });
    workloads.removePod('moving', 'web-1');
    await clock.advance(SOON_MS);
    assert.deepEqual(
      store.closings.map(({ identity }) => identity),
      identities,
    );
  });

  it('closes 5,000 pods of many identities that go at once in a few commits', async () => {
    const { workloads } = await leading();
    const count = 5_000;
    for (let n = 0; n < count; n += 1) {
      const [name, serviceAccount] = [`web-${n}`, `web-${n % 50}`];
      workloads.addPod({ name, serviceAccount });
      store.issue({ podName: name, identity: `spiffe://cluster.local/ns/shop/sa/${serviceAccount}` });
    }
    const commits = store.asked.commits;
    for (let n = 0; n < count; n += 1) workloads.removePod('shop', `web-${n}`);
    await clock.advance(SOON_MS);
    assert.equal(new Set(store.closings.map(({ podUid }) => podUid)).size, count);
    assert.equal(store.closings.length, count);
    assert.ok(store.asked.commits - commits <= count / 500, `${store.asked.commits - commits} commits`);
  }).timeout(60_000);

  it('finds those that found no place among more that went at once in what was issued', async () => {
    const { workloads } = await leading();
    workloads.addPod({ name: 'last' });
    store.issue({ podName: 'last' });
    for (let n = 0; n <= MAX_GONE_PODS; n += 1) {
      workloads.addPod({ name: 'passing', uid: `passing-${n}` });
    }
    workloads.removePod('shop', 'last');
    await clock.advance(LOOKED_BACK_MS);
    assert.deepEqual(reasons(), [['last', 'pod_deleted']]);
    assert.notEqual(store.closings[0]?.lastSeenMs, undefined, 'as one that nobody saw go');
  }).timeout(60_000);

  it('closes no pod that is left out because its namespace has more than is kept of one, before it is known to be gone', async () => {
    const { workloads } = await leading();
    for (const name of ['stays', 'goes', 'finishes', 'is never heard of']) {
      if (name !== 'is never heard of') workloads.addPod({ name });
      store.issue({ podName: name, timeMs: clock.nowMs() });
    }
    workloads.leftOut = ['shop'];
    workloads.removePod('shop', 'stays');
    workloads.removePod('shop', 'goes');
    workloads.removeServiceAccount('shop', 'web');
    workloads.addPod({ name: 'finishes', phase: 'Succeeded' });
    await clock.advance(2 * MINUTE_MS);
    assert.deepEqual(reasons(), [['finishes', 'pod_finished']]);
    const next = await restarted(workloads);
    assert.deepEqual(reasons(), [['finishes', 'pod_finished']], 'nor by who leads next');
    next.workloads.addPod({ name: 'stays' });
    next.workloads.leftOut = [];
    await clock.advance(LOOKED_BACK_MS);
    assert.deepEqual(reasons().toSorted(), [
      ['finishes', 'pod_finished'],
      ['goes', 'pod_deleted'],
      ['is never heard of', 'pod_deleted'],
    ]);
  });

  it('leaves nothing out while the store cannot be asked: it is recorded once it can', async () => {
    const { workloads, events } = await leading();
    workloads.addPod();
    store.issue();
    store.failing = true;
    workloads.removePod('shop', 'web-1');
    await clock.advance(MINUTE_MS);
    store.failing = false;
    await clock.advance(SOON_MS);
    assert.deepEqual(reasons(), [['web-1', 'pod_deleted']]);
    assert.deepEqual(events.of('unexpected'), [], 'the store says by itself that it fails');
  });

  describe('after a start', () => {
    it('is done for a pod that was deleted while no server ran, with the span in which it ended', async () => {
      store.followed.set('', NOON_MS - 2 * HOUR_MS);
      store.issue({ timeMs: NOON_MS - 3 * HOUR_MS, notAfterMs: NOON_MS - HOUR_MS });
      store.issue({ podName: 'web-2', timeMs: NOON_MS - HOUR_MS });
      const { workloads, lease } = serverOf();
      workloads.addPod({ name: 'web-2' });
      lease.give();
      await clock.advance(SOON_MS);
      const [record, ...more] = store.closings;
      assert.deepEqual(more, []);
      const { podName, reason, lastSeenMs, timeMs, liveCertificates } = record ?? assert.fail();
      assert.deepEqual(
        [podName, reason, lastSeenMs, liveCertificates],
        ['web-1', 'pod_deleted', NOON_MS - 2 * HOUR_MS, 0],
      );
      assert.ok(timeMs >= NOON_MS && timeMs <= NOON_MS + SOON_MS);
    });

    for (const [what, change, reason] of [
      ['whose namespace is gone', (w: FakeWorkloadDirectory) => w.removeNamespace('shop'), 'namespace_removed'],
      ['that has finished', (w: FakeWorkloadDirectory) => void w.addPod({ phase: 'Failed' }), 'pod_finished'],
      ['that has another UID', (w: FakeWorkloadDirectory) => void w.addPod({ uid: 'next' }), 'pod_deleted'],
      [
        'whose account is gone',
        (w: FakeWorkloadDirectory) => w.removeServiceAccount('shop', 'web'),
        'service_account_deleted',
      ],
      [
        'whose account is another',
        (w: FakeWorkloadDirectory) => void w.addServiceAccount({ uid: 'anew' }),
        'service_account_recreated',
      ],
    ] as const) {
      it(`knows a pod ${what} meanwhile`, async () => {
        store.issue({ timeMs: NOON_MS - HOUR_MS });
        const { workloads, lease } = serverOf();
        workloads.addPod();
        change(workloads);
        lease.give();
        await clock.advance(LOOKED_BACK_MS);
        assert.deepEqual(reasons(), [['web-1', reason]]);
      });
    }

    it('does not take a pod for gone that another server knows already and this one not yet', async () => {
      store.issue({ timeMs: NOON_MS - 1 });
      const { workloads, lease } = serverOf();
      lease.give();
      await clock.advance(5_000);
      workloads.addPod();
      await clock.advance(MINUTE_MS);
      assert.deepEqual(store.closings, []);
    });

    it('waits for a cluster that cannot be seen, and closes nobody by what is old', async () => {
      store.issue({ timeMs: NOON_MS - HOUR_MS });
      const { workloads, lease } = serverOf();
      workloads.addPod({ name: 'web-2' });
      workloads.unavailable = 'not read yet';
      lease.give();
      await clock.advance(MINUTE_MS);
      [workloads.unavailable, workloads.stale] = [undefined, 1];
      await clock.advance(MINUTE_MS);
      assert.deepEqual(store.closings, []);
      workloads.stale = 0;
      await clock.advance(LOOKED_BACK_MS);
      assert.deepEqual(reasons(), [['web-1', 'pod_deleted']]);
    });

    it('closes nobody twice: neither at the next start, nor by who leads next', async () => {
      const first = await leading();
      first.workloads.addPod();
      store.issue();
      first.workloads.removePod('shop', 'web-1');
      await clock.advance(2 * MINUTE_MS);
      first.lease.lose();
      await settle();
      const second = await leading();
      second.workloads.addNamespace();
      await clock.advance(2 * MINUTE_MS);
      assert.deepEqual(reasons(), [['web-1', 'pod_deleted']]);
    });
  });

  it('finds a pod that came and went while the watch was broken', async () => {
    const { workloads } = await leading();
    workloads.addPod({ name: 'web-2' });
    await clock.advance(2 * MINUTE_MS);
    workloads.stale = 1;
    await clock.advance(2_000);
    store.issue({ timeMs: clock.nowMs() });
    await clock.advance(2_000);
    workloads.stale = 0;
    await clock.advance(LOOKED_BACK_MS);
    assert.deepEqual(reasons(), [['web-1', 'pod_deleted']]);
  });

  it('is done by who leads alone: of two servers on one store one records it', async () => {
    const [leader, other] = [await leading(), serverOf()];
    for (const { workloads } of [leader, other]) workloads.addPod();
    store.issue();
    for (const { workloads } of [leader, other]) workloads.removePod('shop', 'web-1');
    await clock.advance(MINUTE_MS);
    assert.deepEqual(reasons(), [['web-1', 'pod_deleted']]);
    assert.deepEqual(other.events.log, []);
  });

  it('is done for each cluster by itself: a pod of another one of the same identity stays', async () => {
    const west = serverOf({ remoteCluster: 'west' });
    west.workloads.addPod({ uid: 'west-1' });
    store.issue({ timeMs: NOON_MS - HOUR_MS, remoteCluster: 'west', podUid: 'west-1' });
    store.issue({ timeMs: NOON_MS - HOUR_MS, podUid: 'east-1' });
    await west.lead();
    await clock.advance(LOOKED_BACK_MS);
    assert.deepEqual(store.closings, []);
    west.workloads.removePod('shop', 'web-1');
    await clock.advance(SOON_MS);
    assert.deepEqual(
      store.closings.map(({ podUid, cluster, remoteCluster }) => [podUid, cluster, remoteCluster]),
      [['west-1', 'west', 'west']],
    );
  });

  it('notes each minute until when all ends are on record, and not beyond one that is not yet', async () => {
    const { workloads } = await leading();
    assert.ok((store.followed.get('') ?? 0) >= NOON_MS - 10_000);
    workloads.addPod();
    store.issue();
    await clock.advance(5 * MINUTE_MS);
    assert.ok((store.followed.get('') ?? 0) >= clock.nowMs() - MINUTE_MS - 11_000);
    store.failing = true;
    const goneMs = clock.nowMs();
    workloads.removePod('shop', 'web-1');
    await clock.advance(5 * MINUTE_MS);
    assert.ok((store.followed.get('') ?? 0) < goneMs);
  });
});
