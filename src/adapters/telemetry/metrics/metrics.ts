// The numbers of Capstan: OpenTelemetry instruments made from the metric table, read as Prometheus
// text by whoever serves `/metrics`, or as plain data by the process that makes one page of several. It imports much because
// each kind of numbers that is read at a scrape has a file.
import type { Attributes, Counter, Gauge, Histogram, Meter, UpDownCounter } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { knownSeries, METRICS, type LabelsOf, type MetricKey, type MetricOf } from './metric-table.ts';
import { observeClusters, type ObservedCluster } from './cluster-metrics.ts';
import { observeAnchors, observeRotation, type ObservedAnchor, type ObservedLaggards } from './anchor-metrics.ts';
import { observeAudit, type ObservedAudit } from './audit-metrics.ts';
import { observeBans } from './ban-metrics.ts';
import { observeLiveCertificates, observePolicyDrift, type ObservedDrift } from './drift-metrics.ts';
import {
  observeCoverage,
  observeInventory,
  type CountedCoverage,
  type ObservedInventory,
} from './inventory-metrics.ts';
import { observeIssuers, observeRollovers, type ObservedIssuer, type ObservedRollover } from './issuer-metrics.ts';
import type { BanTarget } from '../../../domain/revocation/ban.ts';
import type { Health } from '../../../ports/platform/health.ts';
import { resourceMetricsOf, stateOf, type MetricState } from './metric-state.ts';
import { observeHealth } from './part-metrics.ts';
import { observeProcess, type ObservedProcess } from './process-metrics.ts';
import { observeRogues, type ObservedRogues } from './rogue-metrics.ts';

/** Most label combinations one metric may have; more are counted in one overflow series. */
const MAX_SERIES_PER_METRIC = 500;

type Instruments = ReturnType<typeof makeInstruments>;

export class Metrics implements AsyncDisposable {
  readonly #reader = new ScrapeReader({
    cardinalitySelector: () => MAX_SERIES_PER_METRIC,
    aggregationTemporalitySelector: temporalityOf,
  });
  readonly #provider = new MeterProvider({ resource: emptyResource(), readers: [this.#reader] });
  readonly #serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  readonly #meter = this.#provider.getMeter('capstan');
  readonly #instruments: Instruments = makeInstruments(this.#meter);
  readonly #process: ObservedProcess = observeProcess(this.#meter);

  constructor() {
    for (const { instrument, series } of this.#instruments.zeroed.values()) {
      for (const labels of series) instrument.add(0, labels);
    }
    this.set('journalFailing', 0);
  }

  /** Adds one to a counter. */
  count<Key extends MetricOf<'counter'>>(metric: Key, labels: LabelsOf<Key>, by = 1): void {
    this.#instruments.zeroed.get(metric)?.instrument.add(by, labels);
  }

  /** Moves a level one step. */
  step<Key extends MetricOf<'level'>>(metric: Key, by: 1 | -1, labels: LabelsOf<Key>): void {
    this.#instruments.zeroed.get(metric)?.instrument.add(by, labels);
  }

  /** @param value in the unit that the metric's name ends with. */
  set(metric: MetricOf<'gauge'>, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.#instruments.gauges.get(metric)?.record(value, labels);
  }

  /** @param value in the unit that the metric's name ends with. */
  observe<Key extends MetricOf<'histogram'>>(metric: Key, value: number, labels: LabelsOf<Key>): void {
    this.#instruments.histograms.get(metric)?.record(value, labels);
  }

  /** @param report is asked at each scrape; called once, when the parts of the server are known. */
  observeHealth(health: Pick<Health, 'parts'>): void {
    observeHealth(this.#meter, health);
  }

  /** @param given is asked at each scrape; called once, when the store of issuers is known. */
  observeAnchors(given: () => readonly ObservedAnchor[]): void {
    observeAnchors(this.#meter, given);
  }

  /** @param counted is asked at each scrape; called once, where they are counted. */
  observeRotation(counted: () => ObservedLaggards | undefined): void {
    observeRotation(this.#meter, counted);
  }

  /** @param seen is asked at each scrape; called once, where rogue CAs are looked for. */
  observeRogues(seen: ObservedRogues): void {
    observeRogues(this.#meter, seen);
  }

  /** @param leftMs is asked at each scrape; called once, where it is measured. */
  observeOutageBudget(leftMs: () => number | undefined): void {
    const { name, help } = METRICS.outageBudget;
    this.#meter.createObservableGauge(name, { description: help }).addCallback((result) => {
      const ms = leftMs();
      if (ms !== undefined) result.observe(ms / 1000);
    });
  }

  /** @param kept is asked at each scrape; called once, where it is kept. */
  observeInventory(kept: ObservedInventory): void {
    observeInventory(this.#meter, kept);
  }

  /** @param refused is asked at each scrape; called once, where they are judged. */
  observeLiveCertificates(refused: Parameters<typeof observeLiveCertificates>[1]): void {
    observeLiveCertificates(this.#meter, refused);
  }

  /** @param seen is asked at each scrape; called once, where something says what should be in force. */
  observePolicyDrift(seen: () => ObservedDrift | undefined): void {
    observePolicyDrift(this.#meter, seen);
  }

  /** @param counted is asked at each scrape; called once, where they are counted. */
  observeCoverage(counted: CountedCoverage): void {
    observeCoverage(this.#meter, counted);
  }

  /** @param seen is asked at each scrape; called once. */
  observeAudit(seen: ObservedAudit): void {
    observeAudit(this.#meter, seen);
  }

  /** @param given is asked at each scrape; called once, when the issuers are known. */
  observeIssuers(given: () => readonly ObservedIssuer[]): void {
    observeIssuers(this.#meter, given);
  }

  /** @param given is asked at each scrape; called once, where issuers have upstreams. */
  observeRollovers(given: () => readonly ObservedRollover[]): void {
    observeRollovers(this.#meter, given);
  }

  /** @param given is asked at each scrape; called once, when bans are known. */
  observeBans(given: () => readonly BanTarget['kind'][]): void {
    observeBans(this.#meter, given);
  }

  /** @param waiting is asked at each scrape; called once, when the lines of the namespaces are known. */
  observeTurns(waiting: () => number): void {
    const { name, help } = METRICS.turnsWaiting;
    this.#meter.createObservableGauge(name, { description: help }).addCallback((result) => result.observe(waiting()));
  }

  /** @param given is asked at each scrape; called once, when the clusters are known. */
  observeClusters(given: () => readonly ObservedCluster[]): void {
    observeClusters(this.#meter, given);
  }

  /** @returns every metric in the Prometheus text format, version 0.0.4. */
  async collect(): Promise<string> {
    const resourceMetrics = await this.#read();
    this.#process.scraped();
    return this.#serializer.serialize(resourceMetrics);
  }

  /**
   * @param options.scraped whether somebody looks, so that what is of the time since the last scrape begins anew.
   * @returns every metric as plain data.
   */
  async state({ scraped }: { readonly scraped: boolean }): Promise<MetricState> {
    const resourceMetrics = await this.#read();
    if (scraped) this.#process.scraped();
    return stateOf(resourceMetrics);
  }

  /** @returns the page of these numbers, which may be of several processes, as `collect` does of one. */
  pageOf(state: MetricState): string {
    return this.#serializer.serialize(resourceMetricsOf(state));
  }

  async #read(): Promise<ResourceMetrics> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    if (errors.length > 0) throw new AggregateError(errors, 'metrics could not be collected');
    return resourceMetrics;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process[Symbol.dispose]();
    await this.#provider.shutdown();
  }
}

/**
 * What is observed at each scrape is all there is: of a cumulative gauge the SDK goes on to show every series that was ever observed,
 * such as a state that an issuer has left.
 */
function temporalityOf(kind: InstrumentType): AggregationTemporality {
  return kind === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
}

/** Hands out the numbers when asked and does nothing by itself. */
class ScrapeReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {
    // Nothing runs between two scrapes.
  }

  protected override async onForceFlush(): Promise<void> {
    // Nothing is kept back.
  }
}

interface Zeroed {
  readonly instrument: Counter | UpDownCounter;
  readonly series: readonly Attributes[];
}

function makeInstruments(meter: Meter) {
  const zeroed = new Map<MetricKey, Zeroed>();
  const gauges = new Map<MetricKey, Gauge>();
  const histograms = new Map<MetricKey, Histogram>();
  for (const key of Object.keys(METRICS) as MetricKey[]) {
    const row = METRICS[key];
    const options = { description: row.help };
    if (row.kind === 'counter') {
      zeroed.set(key, { instrument: meter.createCounter(row.name, options), series: knownSeries(row.labels) });
    } else if (row.kind === 'level') {
      zeroed.set(key, { instrument: meter.createUpDownCounter(row.name, options), series: knownSeries(row.labels) });
    } else if (row.kind === 'gauge') {
      gauges.set(key, meter.createGauge(row.name, options));
    } else if (row.kind === 'histogram') {
      const advice = { explicitBucketBoundaries: [...row.buckets] };
      histograms.set(key, meter.createHistogram(row.name, { ...options, advice }));
    }
  }
  return { zeroed, gauges, histograms };
}
