import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { METRICS } from '../../../../src/adapters/telemetry/metrics/metric-table.ts';
import { Metrics } from '../../../../src/adapters/telemetry/metrics/metrics.ts';
import { ACROSS_PROCESSES } from '../../../../src/adapters/telemetry/metrics/worker-metrics.ts';
import { peerOrSkip } from '../../../peers/support/presence.ts';
import { findPromtool } from '../promtool.ts';
import { FakeHealth } from '../../../support/fakes/fake-health.ts';

const PAGE = path.resolve(import.meta.dirname, '../../../../docs/metrics.md');

/** One row of the table in docs/metrics.md. */
function pageRow({ name, kind, help, labels }: (typeof METRICS)[keyof typeof METRICS]): string {
  const shown = Object.entries<readonly string[]>(labels).map(([label, values]) =>
    values.length === 0 ? `\`${label}\`` : `\`${label}\` (${values.map((value) => `\`${value}\``).join(', ')})`,
  );
  const type = kind === 'level' ? 'gauge' : kind.replace('observed-', '');
  const several = ACROSS_PROCESSES[kind] === 'sum' ? 'sum' : '`worker`';
  return `| \`${name}\` | ${type} | ${shown.join('; ') || 'none'} | ${several} | ${help} |`;
}

describe('The metrics', () => {
  let metrics: Metrics;
  beforeEach(() => {
    metrics = new Metrics();
  });
  afterEach(() => metrics[Symbol.asyncDispose]());

  it('are the ones that docs/metrics.md lists', () => {
    const page = readFileSync(PAGE, 'utf8').replaceAll(/ +\|/g, ' |').replaceAll(/\| +/g, '| ');
    const listed = page.split('\n').filter((line) => line.startsWith('| `'));
    assert.deepEqual(listed, Object.values(METRICS).map(pageRow));
  });

  it('stand at zero from the first scrape, so that a rate sees the first event', async () => {
    const text = await metrics.collect();
    assert.match(text, /^capstan_sds_pushes_total 0$/m);
    assert.match(text, /^capstan_connections_refused_total\{listener="unix"\} 0$/m);
    assert.match(text, /^capstan_reloads_total\{source="policy",outcome="failed"\} 0$/m);
    assert.match(text, /^capstan_journal_failing 0$/m);
  });

  it('have nothing of what was so at an earlier scrape: a state that was left, a step that is done, an anchor that went', async () => {
    const anchor = { sha256: 'ab'.repeat(32), subject: 'CN=Old', notAfterMs: 1_000, distributed: true };
    let [anchors, state, step] = [[anchor], 'suspended' as 'suspended' | 'active', 'ask' as 'ask' | 'activate'];
    metrics.observeAnchors(() => anchors);
    metrics.observeIssuers(() => [{ name: 'default', state }]);
    metrics.observeRollovers(() => [{ name: 'default', due: { step, atMs: 5_000 }, failingMs: 90_000 }]);
    assert.match(await metrics.collect(), /^capstan_issuer_state\{issuer="default",state="suspended"\} 1$/m);
    [anchors, state, step] = [[], 'active', 'activate'];
    for (const page of [await metrics.collect(), metrics.pageOf(await metrics.state({ scraped: true }))]) {
      assert.match(page, /^capstan_issuer_state\{issuer="default",state="active"\} 1$/m);
      assert.match(page, /^capstan_issuer_upstream_failing_seconds\{issuer="default"\} 90$/m);
      assert.match(page, /^capstan_issuer_rollover_due_seconds\{issuer="default",step="activate"\} 5$/m);
      assert.doesNotMatch(page, /state="suspended"|step="ask"|CN=Old/);
    }
  });

  it('count the same after many scrapes by several scrapers', async () => {
    metrics.count('pushes', {});
    await Promise.all([metrics.collect(), metrics.collect()]);
    metrics.count('pushes', {});
    assert.match(await metrics.collect(), /^capstan_sds_pushes_total 2$/m);
  });

  it('put a decision of 3 ms into the bucket up to 5 ms and not below', async () => {
    metrics.observe('decisionDuration', 0.003, { api: 'csr', outcome: 'issued' });
    const text = await metrics.collect();
    assert.match(text, /_bucket\{api="csr",outcome="issued",le="0.0025"\} 0$/m);
    assert.match(text, /_bucket\{api="csr",outcome="issued",le="0.005"\} 1$/m);
  });

  it('bound the series of a label that is open', async () => {
    for (let index = 0; index < 2000; index += 1) metrics.count('unexpected', { where: `place-${index}` });
    const lines = (await metrics.collect()).split('\n').filter((line) => line.startsWith('capstan_unexpected_total'));
    assert.ok(lines.length <= 500, `${lines.length} series`);
    assert.match(lines.join('\n'), /otel_metric_overflow="true"/);
  });

  it('tell the state of every part, read anew at each scrape', async () => {
    const sockets = { part: 'sockets', state: 'degraded', why: 'one path is taken' } as const;
    const health = new FakeHealth({ part: 'issuer', state: 'not ready', why: 'it has expired' }, sockets);
    metrics.observeHealth(health);
    const before = await metrics.collect();
    assert.match(before, /^capstan_part_ready\{part="issuer"\} 0$/m);
    assert.match(before, /^capstan_part_degraded\{part="issuer"\} 0$/m);
    assert.match(before, /^capstan_part_ready\{part="sockets"\} 1$/m);
    assert.match(before, /^capstan_part_degraded\{part="sockets"\} 1$/m);
    health.now = [{ part: 'issuer', state: 'ready' }, sockets];
    const after = await metrics.collect();
    assert.match(after, /^capstan_part_ready\{part="issuer"\} 1$/m);
    assert.match(after, /^capstan_part_degraded\{part="issuer"\} 0$/m);
  });

  it('tell what the process costs', async () => {
    const text = await metrics.collect();
    assert.ok(Number(/^process_resident_memory_bytes (.*)$/m.exec(text)?.[1]) > 1e6);
    assert.ok(Number(/^process_cpu_seconds_total (.*)$/m.exec(text)?.[1]) > 0);
    assert.ok(Number(/^process_start_time_seconds (.*)$/m.exec(text)?.[1]) > 1.7e9);
    assert.match(text, /^capstan_event_loop_lag_seconds \d/m);
  });

  it('are text that Prometheus reads without complaint', async function () {
    const promtool = peerOrSkip(this, findPromtool(), 'promtool');
    metrics.count('decisions', { api: 'csr', outcome: 'refused', reason: 'CAP-P01' });
    metrics.observe('decisionDuration', 0.003, { api: 'csr', outcome: 'refused' });
    metrics.observe('acknowledgeDuration', 0.003, {});
    metrics.set('issuerNotAfter', 1_800_000_000);
    const judged = spawnSync(promtool, ['check', 'metrics'], { input: await metrics.collect(), encoding: 'utf8' });
    assert.equal(judged.status, 0, judged.stdout + judged.stderr);
  });
});
