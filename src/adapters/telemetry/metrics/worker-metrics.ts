// One page of metrics over a supervisor and its workers. What is counted, and what goes up and down by steps, is summed;
// a gauge keeps the process it is of in the label `worker`. What a worker had counted stays counted when it is gone, so
// that the sums never fall: a scraper would take a fall for a restart.
import type { MetricState, SeriesState } from './metric-state.ts';
import { METRICS, type MetricKey } from './metric-table.ts';

/** How a metric of several processes stands on the page, by its kind: `docs/metrics.md` says it of each. */
export const ACROSS_PROCESSES = {
  counter: 'sum',
  level: 'sum',
  histogram: 'sum',
  gauge: 'worker',
  'observed-gauge': 'worker',
  // Of the process itself, as its start time is: a replaced worker begins at zero, as Prometheus expects of one.
  'observed-counter': 'worker',
} as const;

/** Value of the label `worker` for the process that is none. */
const SUPERVISOR = 'supervisor';
/** Series of one metric that are kept of workers that are gone; what more there were count in one. */
const MAX_RETIRED_SERIES = 500;
/** As OpenTelemetry calls the series of what exceeds its own bound. */
const OVERFLOW = { 'otel.metric.overflow': 'true' } as const;

export interface WorkerState {
  readonly slot: number;
  readonly state: MetricState;
}

export class WorkerMetrics {
  /** One entry for each worker that runs, by whatever the caller knows it by. */
  readonly #running = new Map<object, WorkerState>();
  /** Sums of workers that are gone, by metric and labels. */
  readonly #retired = new Map<string, Map<string, SeriesState>>();

  /** The last known state of a worker; a later one replaces it. */
  take(worker: object, state: WorkerState): void {
    this.#running.set(worker, state);
  }

  /** The worker is gone: what it counted is kept, what was true of it is not. */
  retire(worker: object): void {
    const known = this.#running.get(worker);
    this.#running.delete(worker);
    if (known === undefined) return;
    for (const key of summed('counter', 'histogram')) {
      const { name } = METRICS[key];
      const kept = this.#retired.get(name) ?? new Map<string, SeriesState>();
      this.#retired.set(name, kept);
      for (const series of known.state[name] ?? []) addTo(kept, bounded(kept, series));
    }
  }

  /** @param own the state of the supervisor. */
  page(own: MetricState): MetricState {
    const states = [{ worker: SUPERVISOR, state: own }, ...this.#labelled()];
    return Object.fromEntries(
      (Object.keys(METRICS) as MetricKey[]).map((key) => {
        const { name, kind } = METRICS[key];
        if (ACROSS_PROCESSES[kind] === 'sum') return [name, this.#sum(name, states)];
        return [name, states.flatMap(({ worker, state }) => (state[name] ?? []).map((one) => ofWorker(one, worker)))];
      }),
    );
  }

  #labelled(): readonly { readonly worker: string; readonly state: MetricState }[] {
    const bySlot = [...this.#running.values()].sort((a, b) => a.slot - b.slot);
    return bySlot.map(({ slot, state }) => ({ worker: String(slot), state }));
  }

  #sum(name: string, states: readonly { readonly state: MetricState }[]): readonly SeriesState[] {
    const sums = new Map(this.#retired.get(name));
    for (const { state } of states) for (const series of state[name] ?? []) addTo(sums, series);
    return [...sums.values()];
  }
}

function summed(...kinds: readonly (keyof typeof ACROSS_PROCESSES)[]): readonly MetricKey[] {
  return (Object.keys(METRICS) as MetricKey[]).filter((key) => kinds.includes(METRICS[key].kind));
}

function ofWorker({ labels, value }: SeriesState, worker: string): SeriesState {
  return { labels: { ...labels, worker }, value };
}

function bounded(kept: ReadonlyMap<string, SeriesState>, series: SeriesState): SeriesState {
  const room = kept.size < MAX_RETIRED_SERIES - 1 || kept.has(keyOf(series));
  return room ? series : { labels: OVERFLOW, value: series.value };
}

function addTo(sums: Map<string, SeriesState>, { labels, value }: SeriesState): void {
  const key = keyOf({ labels });
  const before = sums.get(key);
  sums.set(key, { labels, value: before === undefined ? value : sumOf(before.value, value) });
}

/** Two processes may name the labels of one series in another order. */
function keyOf({ labels }: Pick<SeriesState, 'labels'>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sumOf(a: SeriesState['value'], b: SeriesState['value']): SeriesState['value'] {
  if (typeof a !== 'object' || typeof b !== 'object') return Number(a) + Number(b);
  const counts = a.counts.map((count, bucket) => count + (b.counts[bucket] ?? 0));
  return { sum: a.sum + b.sum, count: a.count + b.count, counts };
}
