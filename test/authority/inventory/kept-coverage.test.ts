import assert from 'node:assert/strict';
import { KeptCoverage } from '../../../src/authority/inventory/kept-coverage.ts';
import type { InventoryEntry } from '../../../src/domain/inventory/entry.ts';
import type { Ban } from '../../../src/domain/revocation/ban.ts';
import type { InventoryQuestion } from '../../../src/ports/inventory/inventory.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { FakeWorkloadDirectory } from '../../support/fakes/kubernetes/fake-workload-directory.ts';
import { FakeLease } from '../../support/fakes/lease.ts';

const HOUR_MS = 3_600_000;

describe('The coverage that a server keeps', () => {
  let clock: FakeClock;
  let end: AbortController;
  let workloads: FakeWorkloadDirectory;
  let entries: InventoryEntry[];
  let bans: Ban[];
  let asked: InventoryQuestion[];
  /** What a page of the inventory takes. */
  let tookMs: number;
  let failing: boolean;
  let lease: FakeLease;
  let coverage: KeptCoverage;
  beforeEach(() => {
    [clock, end, workloads] = [new FakeClock(), new AbortController(), new FakeWorkloadDirectory()];
    [entries, bans, asked, tookMs, failing] = [[], [], [], 0, false];
    lease = new FakeLease();
    coverage = new KeptCoverage(
      {
        inventory: { page: async (question) => page(question) },
        bans: { current: () => ({ bans, pending: [] }) },
        clusters: () => [{ id: 'east', workloads }],
        lease,
        clock,
      },
      { cluster: 'east', signal: end.signal },
    );
  });
  afterEach(() => end.abort());

  async function page(question: InventoryQuestion) {
    asked.push(question);
    if (failing) throw new AuthorityError('CAP-S04', { detail: 'the disk is gone' });
    if (tookMs > 0) await clock.advance(tookMs);
    const at =
      question.after === undefined ? 0 : entries.findIndex(({ podUid }) => podUid === question.after?.podUid) + 1;
    const entry = entries[at];
    const more = at + 1 < entries.length;
    const next = { order: 'identity', identity: '', cluster: 'east', podUid: entry?.podUid ?? '' } as const;
    return { entries: entry ? [entry] : [], asOfMs: NOON_MS, ...(more && { next }) };
  }

  function addPod(name: string, holds: boolean): void {
    const { uid } = workloads.addPod({ name });
    workloads.mesh.set(uid, { marks: ['proxy', 'injected'], sinceMs: NOON_MS - HOUR_MS });
    if (!holds) return;
    const times = { issuedMs: NOON_MS - 1, notBeforeMs: NOON_MS - 1, notAfterMs: NOON_MS + HOUR_MS };
    const due = { renewalMs: NOON_MS + HOUR_MS / 2, overdueMs: NOON_MS + HOUR_MS };
    const identity = 'spiffe://cluster.local/ns/shop/sa/web';
    const named = {
      identity,
      cluster: 'east',
      namespace: 'shop',
      podUid: uid,
      podName: name,
      nodeName: `node-of-${name}`,
    };
    const certified = { decisionId: name, proofId: name, serial: `5e-${name}`, issuer: 'fedcba9876543210' };
    entries.push({ ...named, class: 'workload', api: 'csr', ...certified, ...times, ...due });
  }

  async function shown(): Promise<readonly string[]> {
    const { clusters } = await coverage.current();
    return clusters.flatMap((one) =>
      'coverage' in one ? one.coverage.rows.map(({ podName, state }) => `${podName} ${state}`) : [one.unavailable],
    );
  }

  it('goes through every page of the inventory, and takes whom a ban hits for uncovered', async () => {
    for (const name of ['a', 'b', 'c']) addPod(name, true);
    addPod('d', false);
    assert.deepEqual(await shown(), ['d without']);
    // Of none of them is looked up what it acknowledged: nobody is shown it.
    assert.deepEqual(
      asked.map(({ acknowledged }) => acknowledged),
      [false, false, false],
    );
    const by = { timeMs: NOON_MS, actor: 'local', role: 'security', reason: 'a drill' };
    const target = {
      kind: 'serial',
      serial: '5e-b',
      identity: 'spiffe://cluster.local/ns/shop/sa/web',
      proofId: 'b',
    } as const;
    bans.push({ id: 'a'.repeat(16), target, leavesUntilMs: NOON_MS + HOUR_MS, ...by });
    await clock.advance(2_000);
    assert.deepEqual(await shown(), ['b without', 'd without']);
  });

  it('counts once for all who ask meanwhile, and rests fifty times as long as it took', async () => {
    addPod('a', true);
    tookMs = 1_000;
    await Promise.all(Array.from({ length: 100 }, shown));
    assert.equal(asked.length, 1);
    await clock.advance(49_999);
    await shown();
    assert.equal(asked.length, 1);
    await clock.advance(1);
    await shown();
    assert.equal(asked.length, 2);
  });

  it('says why nothing can be said, and asks the inventory of nothing then', async () => {
    workloads.unavailable = 'the pods of the cluster are not read yet';
    assert.deepEqual(await shown(), ['the pods of the cluster are not read yet']);
    assert.equal(asked.length, 0);
  });

  it('has numbers for the metric while it leads, none of a cluster that is not seen, and goes on after a failure', async () => {
    addPod('a', false);
    const numbers = () => coverage.counts;
    assert.equal(numbers(), undefined);
    failing = true;
    const running = coverage.run();
    lease.give();
    await settle();
    assert.equal(numbers(), undefined);
    await assert.rejects(shown(), /the disk is gone/);
    failing = false;
    await clock.advance(15_000);
    await settle();
    assert.equal(numbers()?.without, 1);
    workloads.unavailable = 'the API server is silent';
    await clock.advance(15_000);
    assert.equal(numbers(), undefined);
    end.abort();
    await running;
  });

  it('has them for as long as it rests after a long count, and not much longer than a count that cannot be renewed', async () => {
    addPod('a', false);
    tookMs = 5_000;
    const numbers = () => coverage.counts;
    const running = coverage.run();
    lease.give();
    await coverage.current();
    await settle();
    await clock.advance(200_000);
    assert.equal(numbers()?.without, 1);
    failing = true;
    await clock.advance(50_000);
    assert.equal(numbers()?.without, 1);
    await clock.advance(65_000);
    assert.equal(numbers(), undefined);
    end.abort();
    await running;
  });
});
