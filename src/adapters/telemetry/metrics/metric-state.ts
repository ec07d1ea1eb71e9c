// The numbers of one process as plain data that crosses to another process, and back to what the serializer of the page
// reads. A number that JSON has no spelling for (the expiry of what never expires) crosses as text.
import { ValueType, type Attributes, type HrTime } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { METRICS, type MetricKey } from './metric-table.ts';

/** Buckets as OpenTelemetry has them: one count more than there are bounds, not cumulative. */
export type HistogramState = { readonly sum: number; readonly count: number; readonly counts: readonly number[] };

export type SeriesState = {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | string | HistogramState;
};

/** Every series by the metric's name; a metric without series may be missing. */
export type MetricState = Readonly<Record<string, readonly SeriesState[]>>;

export function stateOf({ scopeMetrics }: ResourceMetrics): MetricState {
  const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
  return Object.fromEntries(metrics.map((metric) => [metric.descriptor.name, seriesOf(metric)]));
}

function seriesOf({ dataPoints }: MetricData): readonly SeriesState[] {
  return (dataPoints as readonly DataPoint<number | Histogram>[]).map(({ attributes, value }) => ({
    labels: labelsOf(attributes),
    value: typeof value === 'number' ? plainNumber(value) : histogramState(value),
  }));
}

function labelsOf(attributes: Attributes): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(attributes).map(([label, value]) => [label, String(value)]));
}

function plainNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function histogramState({ sum = 0, count, buckets }: Histogram): HistogramState {
  return { sum, count, counts: buckets.counts };
}

/** @param state what `stateOf` made, of this process or of several put together. Metrics that have no row are left out. */
export function resourceMetricsOf(state: MetricState): ResourceMetrics {
  const metrics = (Object.keys(METRICS) as MetricKey[]).flatMap((key) => {
    const series = state[METRICS[key].name] ?? [];
    return series.length === 0 ? [] : [metricOf(METRICS[key], series)];
  });
  return { resource: emptyResource(), scopeMetrics: [{ scope: { name: 'capstan' }, metrics }] };
}

/** The page says no times. */
const NO_TIME: HrTime = [0, 0];

function metricOf(row: (typeof METRICS)[MetricKey], series: readonly SeriesState[]): MetricData {
  const { name, help, kind } = row;
  const descriptor = { name, description: help, unit: '', valueType: ValueType.DOUBLE };
  const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  const pointsOf = <T>(read: (value: SeriesState['value']) => T): DataPoint<T>[] =>
    series.map(({ labels, value }) => ({
      startTime: NO_TIME,
      endTime: NO_TIME,
      attributes: labels,
      value: read(value),
    }));
  switch (kind) {
    case 'histogram':
      return {
        ...common,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: pointsOf((value) => histogramOf(row, value)),
      };
    case 'counter':
    case 'observed-counter':
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: pointsOf(Number) };
    case 'level':
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: false, dataPoints: pointsOf(Number) };
    case 'gauge':
    case 'observed-gauge':
      return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: pointsOf(Number) };
  }
}

function histogramOf({ buckets }: { readonly buckets: readonly number[] }, value: SeriesState['value']): Histogram {
  if (typeof value !== 'object') throw new TypeError('the state of a histogram is a number');
  const { sum, count, counts } = value;
  return { sum, count, buckets: { boundaries: [...buckets], counts: [...counts] } };
}
