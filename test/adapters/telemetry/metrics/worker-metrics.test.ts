import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Metrics } from '../../../../src/adapters/telemetry/metrics/metrics.ts';
import { WorkerMetrics } from '../../../../src/adapters/telemetry/metrics/worker-metrics.ts';
import { FakeHealth } from '../../../support/fakes/fake-health.ts';
import { peerOrSkip } from '../../../peers/support/presence.ts';
import { findPromtool } from '../promtool.ts';

describe('One page of metrics over several processes', () => {
  const closing = new AsyncDisposableStack();
  let supervisor: Metrics;
  let first: Metrics;
  let second: Metrics;
  let workers: WorkerMetrics;
  beforeEach(() => {
    [supervisor, first, second] = [0, 1, 2].map(() => closing.use(new Metrics())) as [Metrics, Metrics, Metrics];
    workers = new WorkerMetrics();
  });
  after(async () => closing.disposeAsync());

  /** As it crosses between processes. */
  async function tell(worker: Metrics, slot: number, by: object = worker): Promise<void> {
    const state = await worker.state({ scraped: true });
    workers.take(by, { slot, state: JSON.parse(JSON.stringify(state)) as typeof state });
  }

  async function page(): Promise<string> {
    return supervisor.pageOf(workers.page(await supervisor.state({ scraped: true })));
  }

  it('sums what is counted, and the open streams', async () => {
    supervisor.count('unexpected', { where: 'http' });
    first.count('unexpected', { where: 'http' });
    first.count('pushes', {});
    second.count('pushes', {});
    first.step('streams', 1, { protocol: 'delta' });
    second.step('streams', 1, { protocol: 'delta' });
    await tell(first, 1);
    await tell(second, 2);
    const text = await page();
    assert.match(text, /^capstan_unexpected_total\{where="http"\} 2$/m);
    assert.match(text, /^capstan_sds_pushes_total 2$/m);
    assert.match(text, /^capstan_sds_streams\{protocol="delta"\} 2$/m);
    assert.match(text, /^capstan_sds_streams\{protocol="sotw"\} 0$/m);
  });

  it('adds histograms up bucket by bucket', async () => {
    const labels = { api: 'csr', outcome: 'issued' } as const;
    first.observe('decisionDuration', 0.003, labels);
    second.observe('decisionDuration', 0.003, labels);
    second.observe('decisionDuration', 7, labels);
    await tell(first, 1);
    await tell(second, 2);
    const text = await page();
    assert.match(text, /_bucket\{api="csr",outcome="issued",le="0.0025"\} 0$/m);
    assert.match(text, /_bucket\{api="csr",outcome="issued",le="0.005"\} 2$/m);
    assert.match(text, /_bucket\{api="csr",outcome="issued",le="5"\} 2$/m);
    assert.match(text, /_bucket\{api="csr",outcome="issued",le="\+Inf"\} 3$/m);
    assert.match(text, /_count\{api="csr",outcome="issued"\} 3$/m);
    assert.match(text, /_sum\{api="csr",outcome="issued"\} 7.006$/m);
  });

  it('keeps whose a gauge is', async () => {
    first.observeHealth(new FakeHealth({ part: 'journal', state: 'not ready', why: 'its disk is full' }));
    second.observeHealth(new FakeHealth({ part: 'journal', state: 'ready' }));
    second.set('policyBundleHardExpiry', Infinity);
    await tell(first, 1);
    await tell(second, 2);
    const text = await page();
    assert.match(text, /^capstan_part_ready\{part="journal",worker="1"\} 0$/m);
    assert.match(text, /^capstan_part_ready\{part="journal",worker="2"\} 1$/m);
    assert.match(text, /^capstan_policy_bundle_hard_expiry_seconds\{worker="2"\} \+Inf$/m);
    for (const worker of ['supervisor', '1', '2']) {
      assert.match(text, new RegExp(`^process_resident_memory_bytes\\{worker="${worker}"\\} \\d`, 'm'));
      assert.match(text, new RegExp(`^process_cpu_seconds_total\\{worker="${worker}"\\} \\d`, 'm'));
    }
  });

  it('goes on counting where a worker ended that is replaced', async () => {
    const labels = { api: 'csr', outcome: 'issued' } as const;
    first.count('decisions', { ...labels, reason: 'none' });
    first.observe('decisionDuration', 0.003, labels);
    first.step('streams', 1, { protocol: 'sotw' });
    await tell(first, 1);
    workers.retire(first);
    const between = await page();
    assert.match(between, /^capstan_decisions_total\{api="csr",outcome="issued",reason="none"\} 1$/m);
    assert.match(between, /_count\{api="csr",outcome="issued"\} 1$/m);
    assert.match(between, /^capstan_sds_streams\{protocol="sotw"\} 0$/m);
    assert.doesNotMatch(between, /worker="1"/);
    second.count('decisions', { ...labels, reason: 'none' });
    await tell(second, 1);
    assert.match(await page(), /^capstan_decisions_total\{api="csr",outcome="issued",reason="none"\} 2$/m);
  });

  it('counts the last known state of a worker that does not answer once, however often it is asked', async () => {
    first.count('pushes', {});
    await tell(first, 1);
    await tell(first, 1);
    await page();
    assert.match(await page(), /^capstan_sds_pushes_total 1$/m);
  });

  it('bounds what is kept of workers that are gone, and loses no count', async () => {
    for (let life = 0; life < 3; life += 1) {
      const worker = closing.use(new Metrics());
      for (let place = 0; place < 400; place += 1) worker.count('unexpected', { where: `place-${life}-${place}` });
      await tell(worker, 1);
      workers.retire(worker);
    }
    const lines = (await page()).split('\n').filter((line) => line.startsWith('capstan_unexpected_total'));
    assert.ok(lines.length <= 500, `${lines.length} series`);
    const sum = lines.map((line) => Number(line.split(' ').at(-1))).reduce((all, one) => all + one, 0);
    assert.equal(sum, 1200);
  });

  it('is text that Prometheus reads without complaint', async function () {
    const promtool = peerOrSkip(this, findPromtool(), 'promtool');
    for (const worker of [first, second]) {
      worker.count('decisions', { api: 'csr', outcome: 'refused', reason: 'CAP-P01' });
      worker.observe('decisionDuration', 0.003, { api: 'csr', outcome: 'refused' });
      worker.set('issuerNotAfter', 1_800_000_000, { issuer: 'default' });
      worker.observeHealth(new FakeHealth({ part: 'journal', state: 'ready' }));
    }
    await tell(first, 1);
    await tell(second, 2);
    const judged = spawnSync(promtool, ['check', 'metrics'], { input: await page(), encoding: 'utf8' });
    assert.equal(judged.status, 0, judged.stdout + judged.stderr);
  });
});
