// The telemetry of one process: events, tracer and the text of `/metrics`, opened together and
// flushed together. It imports much because each kind of numbers that is read at a scrape has a type of its own.
import type { Readable } from 'node:stream';
import type { BanTarget } from '../../domain/revocation/ban.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { Health } from '../../ports/platform/health.ts';
import type { RecordLog } from '../../ports/platform/record-log.ts';
import type { Tracer } from '../../ports/platform/tracer.ts';
import { telemetryEvents } from './events.ts';
import { openLog, type LogSettings } from './logger.ts';
import type { ObservedAudit } from './metrics/audit-metrics.ts';
import type { ObservedCluster } from './metrics/cluster-metrics.ts';
import type { ObservedDrift } from './metrics/drift-metrics.ts';
import type { CountedCoverage, ObservedInventory } from './metrics/inventory-metrics.ts';
import type { ObservedIssuer, ObservedRollover } from './metrics/issuer-metrics.ts';
import type { ObservedAnchor, ObservedLaggards } from './metrics/anchor-metrics.ts';
import type { MetricState } from './metrics/metric-state.ts';
import { Metrics } from './metrics/metrics.ts';
import type { ObservedRogues } from './metrics/rogue-metrics.ts';
import { Noise } from './noise.ts';
import { OtlpRecordLog, untold, type RecordLogSettings } from './record-logs.ts';
import { OtlpTracer, untraced, type TraceSettings } from './traces.ts';

export interface TelemetrySettings {
  readonly log: LogSettings;
  /** Absent: no spans are made. */
  readonly traces?: TraceSettings;
  /** Absent: no records are told. */
  readonly logs?: RecordLogSettings;
}

export interface Telemetry extends AsyncDisposable {
  readonly events: Events;
  readonly tracer: Tracer;
  readonly recordLog: RecordLog;
  /** @returns every metric in the Prometheus text format. */
  readonly collect: () => Promise<string>;
  /** As Metrics.state. */
  readonly state: (options: { readonly scraped: boolean }) => Promise<MetricState>;
  /** As Metrics.pageOf. */
  readonly pageOf: (state: MetricState) => string;
  /** As Log.relay. */
  readonly relayLog: (from: Readable) => Promise<void>;
  /** @param health is read at each scrape; called once. */
  readonly observeHealth: (health: Pick<Health, 'parts'>) => void;
  /** @param given is asked at each scrape; called once, when the store of issuers is known. */
  readonly observeAnchors: (given: () => readonly ObservedAnchor[]) => void;
  /** @param counted is asked at each scrape; called once, where they are counted. */
  readonly observeRotation: (counted: () => ObservedLaggards | undefined) => void;
  /** @param seen is asked at each scrape; called once, where rogue CAs are looked for. */
  readonly observeRogues: (seen: ObservedRogues) => void;
  /** @param leftMs is asked at each scrape; called once, where it is measured. */
  readonly observeOutageBudget: (leftMs: () => number | undefined) => void;
  /** @param kept is asked at each scrape; called once, where it is kept. */
  readonly observeInventory: (kept: ObservedInventory) => void;
  /** @param refused how many by reason, asked at each scrape; called once, where they are judged. */
  readonly observeLiveCertificates: (refused: () => Readonly<Partial<Record<Reason, number>>> | undefined) => void;
  /** @param seen is asked at each scrape; called once, where something says what should be in force. */
  readonly observePolicyDrift: (seen: () => ObservedDrift | undefined) => void;
  /** @param counted is asked at each scrape; called once, where they are counted. */
  readonly observeCoverage: (counted: CountedCoverage) => void;
  /** @param seen is asked at each scrape; called once. */
  readonly observeAudit: (seen: ObservedAudit) => void;
  /** @param given is asked at each scrape; called once, when the issuers are known. */
  readonly observeIssuers: (given: () => readonly ObservedIssuer[]) => void;
  /** @param given is asked at each scrape; called once, where issuers have upstreams. */
  readonly observeRollovers: (given: () => readonly ObservedRollover[]) => void;
  /** @param given is asked at each scrape; called once, when bans are known. */
  readonly observeBans: (given: () => readonly BanTarget['kind'][]) => void;
  /** @param given is asked at each scrape; called once, when the clusters are known. */
  readonly observeClusters: (given: () => readonly ObservedCluster[]) => void;
  /** @param waiting is asked at each scrape; called once. */
  readonly observeTurns: (waiting: () => number) => void;
}

/** Disposing sends the waiting spans, then the waiting log lines, each within its own bound. */
export function openTelemetry(settings: TelemetrySettings): Telemetry {
  const closing = new AsyncDisposableStack();
  const metrics = closing.use(new Metrics());
  const log = closing.use(openLog(settings.log, () => metrics.count('logLinesDropped', {})));
  const noise = closing.use(new Noise(log.noise));
  const faults = closing.use(new Noise(log.logger));
  const events = telemetryEvents({ logger: log.logger, noise, faults, metrics });
  const onFailure = (cause: unknown): void => events.unexpected({ where: 'trace-export', cause });
  const tracer = settings.traces === undefined ? untraced : closing.use(new OtlpTracer(settings.traces, onFailure));
  const recordLog = settings.logs === undefined ? untold : closing.use(openRecordLog(settings.logs, events, metrics));
  return {
    events,
    tracer,
    recordLog,
    collect: () => metrics.collect(),
    state: (options) => metrics.state(options),
    pageOf: (state) => metrics.pageOf(state),
    relayLog: log.relay,
    observeHealth: (health) => metrics.observeHealth(health),
    observeAnchors: (given) => metrics.observeAnchors(given),
    observeRotation: (counted) => metrics.observeRotation(counted),
    observeRogues: (seen) => metrics.observeRogues(seen),
    observeOutageBudget: (leftMs) => metrics.observeOutageBudget(leftMs),
    observeInventory: (kept) => metrics.observeInventory(kept),
    observeLiveCertificates: (refused) => metrics.observeLiveCertificates(refused),
    observePolicyDrift: (seen) => metrics.observePolicyDrift(seen),
    observeCoverage: (counted) => metrics.observeCoverage(counted),
    observeAudit: (seen) => metrics.observeAudit(seen),
    observeIssuers: (given) => metrics.observeIssuers(given),
    observeRollovers: (given) => metrics.observeRollovers(given),
    observeBans: (given) => metrics.observeBans(given),
    observeTurns: (waiting) => metrics.observeTurns(waiting),
    observeClusters: (given) => metrics.observeClusters(given),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function openRecordLog(settings: RecordLogSettings, events: Events, metrics: Metrics): OtlpRecordLog {
  return new OtlpRecordLog(settings, {
    onFailure: (cause) => events.unexpected({ where: 'log-export', cause }),
    onDropped: (count) => metrics.count('recordsNotSent', {}, count),
  });
}
