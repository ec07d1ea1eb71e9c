// What a query of Prometheus asks for, held to the table of metrics.
import { METRICS } from '../../../src/adapters/telemetry/metrics/metric-table.ts';

const LABELS = new Map<string, Readonly<Record<string, readonly string[]>>>(
  Object.values(METRICS).map(({ name, labels }) => [name, labels]),
);

export interface AskedFor {
  readonly name: string;
  readonly labels: readonly string[];
  /** What Capstan does not have of it. */
  readonly problem: string | undefined;
}

/** @param added labels that are not Capstan's. */
export function metricsAskedFor(query: string, added: readonly string[] = []): readonly AskedFor[] {
  return [...query.matchAll(/\b((?:capstan|process)_[a-z_]+)(?:\{([^}]*)\})?/g)].map(
    ([, series = '', matchers = '']) => {
      const name = LABELS.has(series) ? series : series.replace(/_(bucket|count|sum)$/, '');
      const labels = LABELS.get(name);
      const problem = labels === undefined ? 'there is no such metric' : problemOf(labels, matchers, added);
      return { name, labels: Object.keys(labels ?? {}), problem };
    },
  );
}

function problemOf(
  labels: Readonly<Record<string, readonly string[]>>,
  matchers: string,
  added: readonly string[],
): string | undefined {
  for (const [, label = '', operator, value = ''] of matchers.matchAll(/(\w+)(=~?)"([^"]*)"/g)) {
    if (added.includes(label)) continue;
    const values: readonly string[] | undefined = labels[label];
    if (values === undefined) return `it has no label ${label}`;
    const asked = operator === '=~' ? value.split('|') : [value];
    const never = values.length === 0 ? undefined : asked.find((one) => !values.includes(one));
    if (never !== undefined) return `its ${label} is never ${never}`;
  }
  return undefined;
}
