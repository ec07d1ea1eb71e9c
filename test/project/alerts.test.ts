// The rules for Prometheus, held to the metrics that there are, to their runbooks and to their tests.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { metricsAskedFor } from './support/promql.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const rules = (parse(read('istio-config/alerts/capstan.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const { tests } = parse(read('istio-config/alerts/capstan.test.yaml')) as {
  tests: { name: string; promql_expr_test: { exp_samples: unknown[] }[] }[];
};

describe('The alerts for Prometheus', () => {
  it('are each worth a page or a ticket, and have a name of their own', () => {
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { labels } of rules) assert.match(labels.severity, /^(page|ticket)$/);
  });

  it('have a runbook each, and no runbook is of none', () => {
    const runbooks = [...read('docs/alerts.md').matchAll(/^### (\S+)$/gm)].map(([, name]) => name!);
    assert.deepEqual(runbooks.toSorted(), rules.map(({ alert }) => alert).toSorted());
    for (const { alert, annotations } of rules) {
      assert.equal(annotations['runbook'], `docs/alerts.md#${alert.toLowerCase()}`);
    }
  });

  it('ask only for metrics and labels that Capstan has, and for values that they can take', () => {
    for (const { alert, expr } of rules) {
      for (const { name, problem } of metricsAskedFor(expr)) assert.equal(problem, undefined, `${alert}: ${name}`);
    }
  });

  it('are each quiet, fired and resolved in a test', () => {
    assert.deepEqual(
      tests.map(({ name }) => name),
      rules.map(({ alert }) => alert),
    );
    for (const { name, promql_expr_test: samples } of tests) {
      const counts = samples.map(({ exp_samples }) => exp_samples.length > 0);
      assert.deepEqual(counts, [false, true, false], name);
    }
  });
});
