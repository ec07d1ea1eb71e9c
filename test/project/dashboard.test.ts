// The dashboard for Grafana, held to the metrics that there are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { METRICS } from '../../src/adapters/telemetry/metrics/metric-table.ts';
import { metricsAskedFor } from './support/promql.ts';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly id: number;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const file = new URL('../../istio-config/dashboards/capstan.json', import.meta.url);
const { panels } = JSON.parse(readFileSync(file, 'utf8')) as { panels: readonly Panel[] };
const targets = panels.flatMap(({ title, targets: asked = [] }) => asked.map((target) => ({ title, ...target })));
/** What Prometheus itself adds to each series. */
const OF_PROMETHEUS = ['instance', 'le'];

describe('The dashboard for Grafana', () => {
  it('asks only for metrics and labels that Capstan has, and for values that they can take', () => {
    for (const { title, expr } of targets) {
      for (const { name, problem } of metricsAskedFor(expr, OF_PROMETHEUS))
        assert.equal(problem, undefined, `${title}: ${name}`);
    }
  });

  it('groups only by labels that the metric has', () => {
    for (const { title, expr, legendFormat } of targets) {
      const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels]) => labels!.split(', '));
      const known = new Set([
        ...metricsAskedFor(expr, OF_PROMETHEUS).flatMap(({ labels }) => labels),
        ...OF_PROMETHEUS,
        'worker',
      ]);
      for (const label of grouped) assert.ok(known.has(label), `${title}: by ${label}`);
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        assert.ok(grouped.includes(label!), `${title}: ${label}`);
    }
  });

  it('shows every gauge and all that is refused, rejected or lost', () => {
    const shown = new Set(targets.flatMap(({ expr }) => metricsAskedFor(expr, OF_PROMETHEUS).map(({ name }) => name)));
    const missing = Object.values(METRICS)
      .filter(({ name }) => /refused|rejected|failures|budget|stale|failing|not_after/.test(name))
      .map(({ name }) => name)
      .filter((name) => !shown.has(name));
    assert.deepEqual(missing, ['capstan_connections_refused_total', 'capstan_trust_anchor_not_after_seconds']);
  });

  it('has a number and a place of its own for each panel', () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    assert.equal(new Set(cells).size, cells.length);
  });
});
