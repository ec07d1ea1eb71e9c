import assert from 'node:assert/strict';
import { KubernetesLease } from '../../../../src/adapters/kubernetes/lease/kubernetes-lease.ts';
import { LEASE, specOf, type LeaseSpec } from '../../../../src/adapters/kubernetes/lease/lease-object.ts';
import type { KubernetesObject } from '../../../../src/domain/cluster/snapshot.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';

const NEVER = { signal: new AbortController().signal };
const AT = { namespace: 'capstan', name: 'capstan' };

describe('The lease of a Kubernetes cluster', () => {
  let api: FakeKubernetesApi;
  let clock: FakeClock;
  beforeEach(() => {
    api = new FakeKubernetesApi();
    clock = new FakeClock();
  });

  const leaseOf = (holder: string, own = clock): KubernetesLease =>
    new KubernetesLease({ api, clock: own }, { ...AT, holder });
  const stored = (): KubernetesObject => api.stored(LEASE, AT)!;
  const spec = (): LeaseSpec => specOf(stored());
  /** As another program writes it. */
  const put = (written: LeaseSpec): KubernetesObject =>
    api.put({ apiVersion: LEASE.apiVersion, kind: LEASE.kind, metadata: AT, spec: written });
  /** Whether it is held by the time that this says. */
  const within = async (waiting: Promise<unknown>, ms: number): Promise<boolean> => {
    let held = false;
    void waiting.then(() => (held = true));
    await clock.advance(ms);
    return held;
  };

  it('is an object that says who holds it, for how long and since when', async () => {
    const held = await leaseOf('one').acquire(NEVER);
    assert.equal(held.epoch, 1);
    assert.deepEqual(spec(), {
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-06T12:00:00.000000Z',
      renewTime: '2026-01-06T12:00:00.000000Z',
      leaseTransitions: 1,
    });
    await clock.advance(4_000);
    assert.equal(spec().renewTime, '2026-01-06T12:00:04.000000Z');
    assert.equal(spec().acquireTime, '2026-01-06T12:00:00.000000Z');
  });

  it('is held by several parts of one process, under one epoch', async () => {
    const lease = leaseOf('one');
    const [one, other] = await Promise.all([lease.acquire(NEVER), lease.acquire(NEVER)]);
    assert.equal(one.epoch, other.epoch);
    await one.release();
    assert.equal(spec().holderIdentity, 'one');
    await other.release();
    assert.equal(spec().holderIdentity, '');
  });

  it('goes to who waits as soon as it is let go, under a higher epoch', async () => {
    const first = await leaseOf('one').acquire(NEVER);
    const waiting = leaseOf('two').acquire(NEVER);
    assert.equal(await within(waiting, 60_000), false);
    await first.release();
    assert.equal(await within(waiting, 2_000), true);
    assert.equal((await waiting).epoch, 2);
  });

  it('is taken from a holder that died 17 s after it was heard of last, and not before 15', async () => {
    put({ holderIdentity: 'dead', leaseDurationSeconds: 15, leaseTransitions: 6, renewTime: 'once' });
    const waiting = leaseOf('two').acquire(NEVER);
    assert.equal(await within(waiting, 14_999), false);
    assert.equal(await within(waiting, 2_001), true);
    assert.equal((await waiting).epoch, 7);
  });

  it('stays with a holder that renews it, whatever the clocks of both say', async () => {
    const waiting = leaseOf('two').acquire(NEVER);
    await waiting;
    const third = leaseOf('three', clock).acquire(NEVER);
    clock.jumpTo(NOON_MS + 86_400_000);
    assert.equal(await within(third, 120_000), false);
    clock.jumpTo(NOON_MS - 86_400_000);
    assert.equal(await within(third, 120_000), false);
  });

  it('waits for as long as another program says that it holds it', async () => {
    put({ holderIdentity: 'other', leaseDurationSeconds: 60, leaseTransitions: 0, renewTime: 'once' });
    const waiting = leaseOf('two').acquire(NEVER);
    assert.equal(await within(waiting, 59_000), false);
    assert.equal(await within(waiting, 3_000), true);
  });

  it('goes to one of two who find it free at once', async () => {
    put({ holderIdentity: '', leaseTransitions: 3 });
    const release = api.hold();
    const [one, two] = [leaseOf('one').acquire(NEVER), leaseOf('two').acquire(NEVER)];
    release();
    const [first, second] = [await within(one, 0), await within(two, 0)];
    assert.deepEqual([first, second].sort(), [false, true]);
    assert.equal(spec().leaseTransitions, 4);
  });

  it('is lost two seconds before it can pass on when the API server is not to be reached', async () => {
    const lease = leaseOf('one');
    const held = await lease.acquire(NEVER);
    api.goDown();
    await clock.advance(12_999);
    assert.equal(held.lost.aborted, false);
    assert.match(lease.problem ?? '', /cannot be reached/);
    await clock.advance(1);
    assert.equal(held.lost.aborted, true);
  });

  it('is kept over an outage that is shorter than that', async () => {
    const lease = leaseOf('one');
    const held = await lease.acquire(NEVER);
    api.goDown();
    await clock.advance(9_000);
    api.mend();
    await clock.advance(60_000);
    assert.equal(held.lost.aborted, false);
    assert.equal(lease.problem, undefined);
    assert.equal(spec().leaseTransitions, 1);
  });

  it('is lost as soon as another has it, or somebody deletes it', async () => {
    const held = await leaseOf('one').acquire(NEVER);
    put({ ...spec(), holderIdentity: 'two', leaseTransitions: 2 });
    await clock.advance(4_000);
    assert.equal(held.lost.aborted, true);
    assert.equal(spec().holderIdentity, 'two', 'nothing of the other is overwritten');

    put({ holderIdentity: '' });
    const again = await leaseOf('one').acquire(NEVER);
    api.remove(LEASE, AT);
    await clock.advance(4_000);
    assert.equal(again.lost.aborted, true);
  });

  it('is kept when somebody writes a label on it', async () => {
    const held = await leaseOf('one').acquire(NEVER);
    api.put({ ...stored(), metadata: { ...AT, labels: { team: 'mesh' } } });
    await clock.advance(20_000);
    assert.equal(held.lost.aborted, false);
    assert.equal(stored().metadata.labels?.['team'], 'mesh');
  });

  it('rises over a lease that was deleted meanwhile', async () => {
    const lease = leaseOf('one');
    put({ holderIdentity: '', leaseTransitions: 41 });
    await (await lease.acquire(NEVER)).release();
    api.remove(LEASE, AT);
    assert.equal((await lease.acquire(NEVER)).epoch, 43);
  });

  it('waits for an API server that cannot be asked, and says so', async () => {
    api.goDown();
    const lease = leaseOf('one');
    const waiting = lease.acquire(NEVER);
    assert.equal(await within(waiting, 30_000), false);
    assert.match(lease.problem ?? '', /cannot be reached/);
    api.mend();
    assert.equal(await within(waiting, 2_000), true);
  });

  it('is not asked for any more by who gave up', async () => {
    await leaseOf('one').acquire(NEVER);
    const waiting = new AbortController();
    const other = leaseOf('two').acquire(waiting);
    waiting.abort(new Error('the server stops'));
    await assert.rejects(other, /the server stops/);
  });
});
