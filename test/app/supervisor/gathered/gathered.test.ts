import assert from 'node:assert/strict';
import type { PolicyTime } from '../../../../src/adapters/http/admin/administer-policy-time.ts';
import type { SdsStatus } from '../../../../src/adapters/http/admin/administer-sds.ts';
import type { PolicyInForce } from '../../../../src/adapters/http/observation/routes.ts';
import { Metrics } from '../../../../src/adapters/telemetry/metrics/metrics.ts';
import {
  gatheredPolicyTime,
  gatherSdsStatus,
} from '../../../../src/app/supervisor/gathered/gathered-administration.ts';
import { gatherHealth } from '../../../../src/app/supervisor/gathered/gathered-health.ts';
import { GatheredMetrics } from '../../../../src/app/supervisor/gathered/gathered-metrics.ts';
import { gatherPolicy } from '../../../../src/app/supervisor/gathered/gathered-policy.ts';
import { answerSupervisor, tellMetricsOnce } from '../../../../src/app/worker/answer-supervisor.ts';
import type { PartHealth } from '../../../../src/ports/platform/health.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { FakeHealth } from '../../../support/fakes/fake-health.ts';
import { linkedPair, type LinkedPair } from '../../../support/fakes/linked-pair.ts';

const NEVER = new AbortController().signal;
const READY: PartHealth = { part: 'journal', state: 'ready' };
const FAILING: PartHealth = { part: 'journal', state: 'not ready', why: 'its disk is full' };
const DEGRADED: PartHealth = { part: 'cluster', state: 'degraded', why: 'a manifest is broken' };

/** A worker that answers as a test says. */
class ScriptedWorker {
  readonly pair: LinkedPair;
  readonly metrics = new Metrics();
  health: readonly PartHealth[] = [READY];
  policy: PolicyInForce | undefined = policyOf('r1');
  sds: SdsStatus = { streams: 0, rejections: [] };
  time: PolicyTime = { timeMs: 0, clockMs: 0 };
  readonly issuers = UNASKED;
  /** How its time was set back. */
  readonly setBack: string[] = [];

  constructor(clock: FakeClock) {
    this.pair = linkedPair(clock);
    const setBack = (how: string) => async (expectedMs: number) => {
      this.setBack.push(`${how} from ${expectedMs}`);
      return { atMs: 0, fromMs: expectedMs };
    };
    answerSupervisor(this.pair.worker, {
      telemetry: this.metrics,
      health: () => this.health,
      policy: () => this.policy,
      sds: { status: () => this.sds },
      policyTime: { read: () => this.time, setBack: setBack('recorded') },
      issuers: this.issuers,
      anchors: { status: unasked, ask: unasked, approve: unasked },
      bans: NO_BANS_ASKED,
      records: { refusals: unasked, operations: unasked },
      audit: { status: unasked, accept: unasked, signEnd: unasked },
      crls: { list: unasked, show: unasked },
      rogues: { found: unasked },
      inventory: { list: unasked, show: unasked, coverage: unasked, ends: unasked },
      recordOperation: unasked,
      followSetBack: setBack('followed'),
    });
  }
}

const unasked = async (): Promise<never> => assert.fail('nobody asks for them');
const BY = { actor: 'local', role: 'security' };
const UNASKED = {
  list: unasked,
  show: unasked,
  ask: unasked,
  pending: unasked,
  approve: unasked,
  keys: unasked,
  removeKey: unasked,
  rotate: unasked,
  rotation: unasked,
};
const NO_BANS_ASKED = { list: unasked, revoke: unasked, lift: unasked, pending: unasked, approve: unasked };

function policyOf(revision: string): PolicyInForce {
  return { revision, bundle: { name: 'corp', sequence: 1, digest: 'aa' }, policies: [] };
}

describe('Of a server of several processes', () => {
  let clock: FakeClock;
  let workers: [ScriptedWorker, ScriptedWorker];
  let metrics: GatheredMetrics;
  let own: Metrics;
  beforeEach(() => {
    clock = new FakeClock();
    workers = [new ScriptedWorker(clock), new ScriptedWorker(clock)];
    own = new Metrics();
    metrics = new GatheredMetrics({ telemetry: own, workers: serving, clock });
    for (const { slot, link } of serving()) metrics.attach({ slot, link, closed: link.closed });
  });
  afterEach(async () => {
    for (const one of [own, ...workers.map((worker) => worker.metrics)]) await one[Symbol.asyncDispose]();
  });

  const serving = () => workers.map(({ pair }, index) => ({ slot: index + 1, link: pair.supervisor }));

  /** Has a worker answer nothing from now on, as one whose event loop stands still. */
  function stop({ pair }: ScriptedWorker): void {
    pair.supervisor.ask = async (_topic, _body, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  }

  /** Waits as a probe does: the answer is there within a second. */
  async function withinASecond<T>(work: Promise<T>): Promise<T> {
    await settle();
    await clock.advance(1_000);
    return work;
  }

  describe('the health', () => {
    const gathered = async (...parts: readonly PartHealth[]) =>
      gatherHealth({ own: new FakeHealth(...parts), workers: serving, starting: () => [], clock });

    it('is ready while one worker can serve, and what another cannot do is named with it', async () => {
      workers[1].health = [FAILING, DEGRADED];
      const supervisor: PartHealth = { part: 'workers', state: 'ready' };
      assert.deepEqual(await gathered(supervisor), [
        supervisor,
        { ...READY, worker: 1 },
        { part: 'journal', worker: 2, state: 'degraded', why: 'its disk is full' },
        { ...DEGRADED, worker: 2 },
      ]);
    });

    it('is not ready when no worker can serve', async () => {
      workers[0].health = [FAILING];
      workers[1].health = [FAILING];
      assert.deepEqual(await gathered(), [
        { ...FAILING, worker: 1 },
        { ...FAILING, worker: 2 },
      ]);
    });

    it('has what a worker waits for while none serves, and nothing of one that has not read its program yet', async () => {
      workers[0].health = [FAILING];
      stop(workers[1]);
      const down: PartHealth = { part: 'workers', state: 'not ready', why: 'it has not started' };
      const health = gatherHealth({ own: new FakeHealth(down), workers: () => [], starting: serving, clock });
      assert.deepEqual(await withinASecond(health), [down, { ...FAILING, worker: 1 }]);
    });

    it('is known within a second, also of a worker that does not answer', async () => {
      stop(workers[1]);
      assert.deepEqual(await withinASecond(gathered()), [
        { ...READY, worker: 1 },
        { part: 'worker', worker: 2, state: 'degraded', why: 'it does not answer' },
      ]);
    });
  });

  describe('the policies', () => {
    it('are those in force, as of one process while all workers agree', async () => {
      assert.deepEqual(await gatherPolicy(serving, clock), policyOf('r1'));
    });

    it('name who judges by what while a change reaches one worker after the other', async () => {
      workers[1].policy = policyOf('r2');
      assert.deepEqual((await gatherPolicy(serving, clock))?.workers, [
        { worker: 1, revision: 'r1' },
        { worker: 2, revision: 'r2' },
      ]);
    });

    it('are none before the first revision', async () => {
      for (const worker of workers) worker.policy = undefined;
      assert.equal(await gatherPolicy(serving, clock), undefined);
    });
  });

  describe('the metrics', () => {
    const pushes = async (page: Promise<string>) => /^capstan_sds_pushes_total (\d+)$/m.exec(await page)?.[1];

    it('are asked of every worker at each scrape', async () => {
      for (const worker of workers) worker.metrics.count('pushes', {});
      assert.equal(await pushes(metrics.collect()), '2');
      workers[0].metrics.count('pushes', {});
      assert.equal(await pushes(metrics.collect()), '3');
    });

    it('come within a second, with the last known numbers of a worker that does not answer', async () => {
      for (const worker of workers) worker.metrics.count('pushes', {});
      await metrics.collect();
      workers[0].metrics.count('pushes', {});
      stop(workers[1]);
      assert.equal(await pushes(withinASecond(metrics.collect())), '3');
    });

    it('keep what a worker said last when it is gone', async () => {
      workers[0].metrics.count('pushes', {});
      await tellMetricsOnce(workers[0].pair.worker, workers[0].metrics);
      await settle();
      workers[0].pair.cut();
      assert.equal(await pushes(metrics.collect()), '1');
    });

    it('count a worker once that ends while a scrape waits for another, and never fall', async () => {
      workers[0].metrics.count('pushes', {});
      stop(workers[1]);
      const slow = metrics.collect();
      await settle();
      workers[0].metrics.count('pushes', {});
      await tellMetricsOnce(workers[0].pair.worker, workers[0].metrics);
      await settle();
      workers[0].pair.cut();
      await settle();
      assert.equal(await pushes(withinASecond(slow)), '2');
      assert.equal(await pushes(withinASecond(metrics.collect())), '2');
    });
  });

  describe('the operator', () => {
    it('sees the streams and rejections of all', async () => {
      const rejection = (nodeId: string) => ({ nodeId }) as unknown as SdsStatus['rejections'][number];
      workers[0].sds = { streams: 2, rejections: [rejection('a')] };
      workers[1].sds = { streams: 3, rejections: [rejection('b')] };
      const { streams, rejections } = await gatherSdsStatus({ workers: serving, clock });
      assert.deepEqual([streams, rejections.map(({ nodeId }) => nodeId)], [5, ['a', 'b']]);
    });

    it('sees no half of a list: a worker that does not answer is named instead', async () => {
      stop(workers[1]);
      const refused = assert.rejects(gatherSdsStatus({ workers: serving, clock }), {
        reason: 'CAP-S07',
        detail: 'worker 2 does not answer',
      });
      await withinASecond(refused);
    });

    it('sets the policy time back in all of them, with one record, and only from what was shown', async () => {
      workers[0].time = { timeMs: 70, clockMs: 0 };
      workers[1].time = { timeMs: 90, clockMs: 0 };
      const time = gatheredPolicyTime({ workers: serving, clock }, { signal: NEVER });
      assert.equal((await time.read()).timeMs, 90);
      assert.equal(await time.setBack(70, BY), undefined);
      assert.deepEqual(await time.setBack(90, BY), { atMs: 0, fromMs: 90 });
      assert.deepEqual([workers[0].setBack, workers[1].setBack], [['followed from 70'], ['recorded from 90']]);
    });
  });
});
