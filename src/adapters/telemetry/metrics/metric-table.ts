// Every metric of Capstan in one table: docs/metrics.md, the instruments and the tests follow it. It is long because it is a table.
// A label lists the values it can take, so that each series stands at zero from the first scrape;
// an empty list marks a label whose values appear as they happen, from a set that the code bounds.
// Identities are never labels: they are in the log line of the same event.
import { DRIFT_KINDS } from '../../../domain/policy/history/policy-drift.ts';
import { COVERAGE_STATES } from '../../../domain/inventory/coverage.ts';
import { ANOMALY_KINDS } from '../../../domain/inventory/new-pair.ts';
import { BAN_KINDS } from '../../../domain/revocation/ban.ts';
import { LIFECYCLE_STATES } from '../../../domain/trust/issuer-state.ts';
import { ROTATION_PHASES } from '../../../domain/trust/rotation/rotation.ts';
import type {
  ListenerKind,
  NoTurn,
  PublishedKind,
  ReloadedSource,
  StreamFacts,
  WatchEnd,
} from '../../../ports/platform/events.ts';
import type { ClosingReason } from '../../../ports/storage/closing-journal.ts';
import type { Api, DecisionRecord } from '../../../ports/storage/issuance-journal.ts';

interface MetricRow {
  readonly name: string;
  /** `level` goes up and down by steps; `gauge` is set; `observed` kinds are read at each scrape. */
  readonly kind: 'counter' | 'level' | 'gauge' | 'histogram' | 'observed-gauge' | 'observed-counter';
  readonly help: string;
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** Upper bounds of a histogram's buckets, in the metric's unit. */
  readonly buckets?: readonly number[];
}

const APIS = ['csr', 'sds', 'self', 'secret', 'kubernetes-csr', 'pod-certificate'] as const satisfies readonly Api[];
const OUTCOMES = ['issued', 'refused'] as const satisfies readonly DecisionRecord['outcome'][];
const PROTOCOLS = ['sotw', 'delta'] as const satisfies readonly StreamFacts['protocol'][];
const LISTENERS = ['tls', 'plaintext', 'unix'] as const satisfies readonly ListenerKind[];
const SOURCES = [
  'policy',
  'policy-bundle',
  'cluster',
  'issuer',
  'further-issuers',
  'token-keys',
  'federated-bundle',
  'serving-certificate',
  'istiod-tls',
  'crls',
  'upstream',
] as const satisfies readonly ReloadedSource[];
const WATCH_ENDS = ['expired', 'refused', 'throttled', 'unreachable', 'failed'] as const satisfies readonly WatchEnd[];
const CAUSES = ['line_full', 'too_late', 'gone'] as const satisfies readonly NoTurn[];
const PUBLISHED = [
  'root-config-map',
  'cluster-trust-bundle',
  'crl-config-map',
] as const satisfies readonly PublishedKind[];
const CLOSING_REASONS = [
  'pod_deleted',
  'pod_finished',
  'service_account_deleted',
  'service_account_recreated',
  'namespace_removed',
] as const satisfies readonly ClosingReason[];
const STATES = [...LIFECYCLE_STATES, 'unavailable'] as const;
const ROLLOVER_STEPS = ['ask', 'activate'] as const;
const OPEN: readonly string[] = [];

/** A decision takes about a millisecond; beyond the default deadline of 5 s nothing is delivered. */
const DECISION_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** A proxy answers at once unless it is busy or warming a listener. */
const ACKNOWLEDGE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const METRICS = {
  decisions: {
    name: 'capstan_decisions_total',
    kind: 'counter',
    help: 'Decisions recorded in the issuance journal. The reason is "none" for an issued certificate.',
    labels: { api: APIS, outcome: OUTCOMES, reason: OPEN },
  },
  decisionDuration: {
    name: 'capstan_decision_duration_seconds',
    kind: 'histogram',
    help: 'Time from request to durable decision.',
    labels: { api: APIS, outcome: OUTCOMES },
    buckets: DECISION_SECONDS,
  },
  connectionsRefused: {
    name: 'capstan_connections_refused_total',
    kind: 'counter',
    help: 'Connections refused, or closed because no caller was authenticated on them in time.',
    labels: { listener: LISTENERS },
  },
  requestsDropped: {
    name: 'capstan_requests_dropped_total',
    kind: 'counter',
    help: 'Requests dropped without a decision: too many in flight, not answered in time, or shutting down.',
    labels: { listener: LISTENERS, reason: OPEN },
  },
  turnsWaiting: {
    name: 'capstan_turns_waiting',
    kind: 'observed-gauge',
    help: 'Requests that wait for the turn of their namespace to be decided.',
    labels: {},
  },
  noTurn: {
    name: 'capstan_turns_missed_total',
    kind: 'counter',
    help: 'Requests that waited for the turn of their namespace in vain: its line was full, the turn came too late, or the caller was gone.',
    labels: { cause: CAUSES },
  },
  streams: {
    name: 'capstan_sds_streams',
    kind: 'level',
    help: 'SDS streams that are open now.',
    labels: { protocol: PROTOCOLS },
  },
  pushes: {
    name: 'capstan_sds_pushes_total',
    kind: 'counter',
    help: 'SDS responses that carried secrets.',
    labels: {},
  },
  acknowledged: {
    name: 'capstan_sds_acknowledged_total',
    kind: 'counter',
    help: 'SDS responses that the proxy accepted.',
    labels: {},
  },
  acknowledgeDuration: {
    name: 'capstan_sds_acknowledge_seconds',
    kind: 'histogram',
    help: 'Time from an SDS response to its acknowledgement.',
    labels: {},
    buckets: ACKNOWLEDGE_SECONDS,
  },
  rejected: {
    name: 'capstan_sds_rejected_total',
    kind: 'counter',
    help: 'SDS responses that the proxy rejected.',
    labels: {},
  },
  unavailable: {
    name: 'capstan_sds_unavailable_total',
    kind: 'counter',
    help: 'Secrets asked for by a caller that may not have them, or that do not exist.',
    labels: {},
  },
  invalid: {
    name: 'capstan_sds_invalid_total',
    kind: 'counter',
    help: 'Secrets that our own check stopped before they were sent.',
    labels: {},
  },
  reloads: {
    name: 'capstan_reloads_total',
    kind: 'counter',
    help: 'Reloads of files and remote documents; after a failed one the last good version, if there was any, stays in force.',
    labels: { source: SOURCES, outcome: ['applied', 'failed'] },
  },
  tokenReviews: {
    name: 'capstan_token_reviews_total',
    kind: 'counter',
    help:
      'Service account tokens that the API server was to confirm. Of those that it did not answer (unavailable), or was ' +
      'not asked about because too many were to be or it was away (skipped), the keys decided.',
    labels: { outcome: ['confirmed', 'refused', 'unavailable', 'skipped'] },
  },
  policyClauses: {
    name: 'capstan_policy_clauses_total',
    kind: 'counter',
    help: 'Policy clauses that did not hold, by the policy they stand in: they refused, or were only audited.',
    labels: { policy: OPEN, reason: OPEN, effect: ['refused', 'audited'] },
  },
  refusalsNotReported: {
    name: 'capstan_kubernetes_events_dropped_total',
    kind: 'counter',
    help: 'Refusals that were not reported as Events of Kubernetes: there was no room for more kinds of them, or the API server did not take one.',
    labels: { why: ['full', 'refused'] },
  },
  requestsGivenUp: {
    name: 'capstan_signing_requests_given_up_total',
    kind: 'counter',
    help: 'Signing requests of Kubernetes that are left unanswered because the API server takes no answer to them.',
    labels: { kind: ['certificatesigningrequests', 'podcertificaterequests'] },
  },
  policyBundleSoftExpiry: {
    name: 'capstan_policy_bundle_soft_expiry_seconds',
    kind: 'gauge',
    help: 'From when the policy bundle in force should be replaced, in seconds since the epoch; +Inf is never.',
    labels: {},
  },
  policyBundleHardExpiry: {
    name: 'capstan_policy_bundle_hard_expiry_seconds',
    kind: 'gauge',
    help: 'From when the policy bundle in force gives no new identity, in seconds since the epoch; +Inf is never.',
    labels: {},
  },
  issuerNotAfter: {
    name: 'capstan_issuer_not_after_seconds',
    kind: 'gauge',
    help: 'When each issuer in force expires, in seconds since the epoch; the issuer is its name in the configuration.',
    labels: { issuer: OPEN },
  },
  issuerState: {
    name: 'capstan_issuer_state',
    kind: 'observed-gauge',
    help: 'Which state each issuer is in: 1 for that state. The issuer is its name in the configuration; unavailable is one without a certificate in force.',
    labels: { issuer: OPEN, state: STATES },
  },
  issuerRolloverDue: {
    name: 'capstan_issuer_rollover_due_seconds',
    kind: 'observed-gauge',
    help: 'When the next step of the rollover of an issuer with an upstream is due, in seconds since the epoch: its next certificate is asked for, or comes in force.',
    labels: { issuer: OPEN, step: ROLLOVER_STEPS },
  },
  upstreamFailing: {
    name: 'capstan_issuer_upstream_failing_seconds',
    kind: 'observed-gauge',
    help: 'For how long the next certificate of an issuer with an upstream could not be had, since it was asked for first; 0 while all is well.',
    labels: { issuer: OPEN },
  },
  issuerDecisions: {
    name: 'capstan_issuer_decisions_total',
    kind: 'counter',
    help: 'Decisions recorded in the issuance journal by the issuer that was chosen; those that were refused before one was chosen are of none.',
    labels: { issuer: OPEN, outcome: OUTCOMES },
  },
  issuerMoves: {
    name: 'capstan_issuer_moves_total',
    kind: 'counter',
    help: 'Changes of the state of an issuer by operators.',
    labels: { issuer: OPEN, state: STATES },
  },
  rotationMoves: {
    name: 'capstan_anchor_rotation_moves_total',
    kind: 'counter',
    help: 'Phases that rotations of trust anchors came into.',
    labels: { phase: ROTATION_PHASES },
  },
  bans: {
    name: 'capstan_bans',
    kind: 'observed-gauge',
    help: 'What is revoked, by what it is: bans in force, and those of which certificates may live.',
    labels: { kind: BAN_KINDS },
  },
  banChanges: {
    name: 'capstan_ban_changes_total',
    kind: 'counter',
    help: 'What operators revoked, and took back.',
    labels: { act: ['revoke', 'lift'], kind: BAN_KINDS },
  },
  administration: {
    name: 'capstan_administration_requests_total',
    kind: 'counter',
    help: 'Requests of operators, by the role of who asked.',
    labels: { role: ['none', 'viewer', 'operator', 'security'], outcome: ['answered', 'refused'] },
  },
  observation: {
    name: 'capstan_observation_requests_total',
    kind: 'counter',
    help: 'Requests for the metrics and the policies in force, by what who asked was known by.',
    labels: { reader: ['local', 'token', 'certificate', 'stranger'], outcome: ['answered', 'refused'] },
  },
  signIns: {
    name: 'capstan_console_sign_ins_total',
    kind: 'counter',
    help: 'Attempts to sign in to the console, by the way and by what came of them.',
    labels: { way: ['link', 'certificate', 'oidc'], outcome: ['signed_in', 'refused', 'failed'] },
  },
  trustAnchorNotAfter: {
    name: 'capstan_trust_anchor_not_after_seconds',
    kind: 'gauge',
    help: 'When the first of the trust anchors in force expires, in seconds since the epoch.',
    labels: {},
  },
  trustAnchorEnd: {
    name: 'capstan_trust_anchor_end_seconds',
    kind: 'observed-gauge',
    help:
      'When each trust anchor that was given ends, in seconds since the epoch; the anchor is the first 16 digits of its SHA-256. ' +
      'One that has ended, or waits for the one of the same key, is not distributed.',
    labels: { anchor: OPEN, subject: OPEN, distributed: OPEN },
  },
  rotationLaggards: {
    name: 'capstan_anchor_rotation_laggards',
    kind: 'observed-gauge',
    help:
      'Live workloads that stand in the way of the next step of the rotation of trust anchors that is under way, by its phase; ' +
      'capstan anchor status names them. Counted every 15 seconds by one process for all that share a store.',
    labels: { phase: OPEN },
  },
  policyDrift: {
    name: 'capstan_policy_drift',
    kind: 'observed-gauge',
    help:
      'Policies in force that are not as `policy.expected` says: `missing` there, `extra` there and not in force, or `different`; `unread` is 1 while what it says cannot be read. ' +
      'No series without it.',
    labels: { kind: [...DRIFT_KINDS, 'unread'] },
  },
  rogueCas: {
    name: 'capstan_rogue_cas',
    kind: 'observed-gauge',
    help:
      'CAs and certificates that do not lead to the trust anchors, and issuers of cert-manager that sign whatever signs itself, by kind, as the ' +
      'last look of this server through its cluster and files found them (rogue.cluster, rogue.paths); absent before the first look. What has expired is not counted.',
    labels: { kind: OPEN },
  },
  rogueLookAge: {
    name: 'capstan_rogue_look_age_seconds',
    kind: 'observed-gauge',
    help: 'How long ago the last look for rogue CAs came to its end; absent before the first.',
    labels: {},
  },
  liveCertificatesRefused: {
    name: 'capstan_live_certificates_refused',
    kind: 'observed-gauge',
    help:
      'Live certificates that the policies in force would refuse today to somebody who holds none, by the first reason; some are renewed for now all the same. ' +
      'Judged again after each change of the policies and every five minutes, by one process for all that share a store.',
    labels: { reason: OPEN },
  },
  outageBudget: {
    name: 'capstan_outage_budget_seconds',
    kind: 'observed-gauge',
    help:
      'How long until the first live workload has no valid certificate if nothing more is issued; 0 while one has none because nothing could be. ' +
      'Ended workloads are left out, and those that could renew and are overdue by half of what was left when it was due. ' +
      'One process measures it for all that share a store.',
    labels: {},
  },
  overdueIdentities: {
    name: 'capstan_overdue_identities',
    kind: 'observed-gauge',
    help:
      'Identities whose certificate lives and should have been renewed before: late by half of what was left then, beside time in which ' +
      'it could not be. The log names each once. One process counts them for all that share a store.',
    labels: {},
  },
  inventoryAge: {
    name: 'capstan_inventory_age_seconds',
    kind: 'observed-gauge',
    help: 'How old what the inventory knows is; a second or two, unless it is made again or cannot be kept. As of the overdue.',
    labels: {},
  },
  anomalies: {
    name: 'capstan_anomalies_total',
    kind: 'counter',
    help:
      'What deviates from how the mesh has been, by kind: new_pair is a known identity on a known node where it never was. ' +
      'The log has a line for each. One process looks for all that share a store.',
    labels: { kind: ANOMALY_KINDS },
  },
  coveragePods: {
    name: 'capstan_coverage_pods',
    kind: 'observed-gauge',
    help:
      'Pods of the clusters that are followed: covered by a live identity, starting, in the mesh without one, not_joined though their labels ' +
      'say that they should be in the mesh, outside the mesh with an identity, and gone though their identity lives; capstan inventory coverage names them. ' +
      'Counted every 15 seconds by one process for all that share a store; no series while it is not known.',
    labels: { state: COVERAGE_STATES },
  },
  trustWarnings: {
    name: 'capstan_trust_warnings_total',
    kind: 'counter',
    help: 'Warnings of trust material that works and should not be as it is; the log line names it.',
    labels: {},
  },
  auditUnsigned: {
    name: 'capstan_audit_unsigned_seconds',
    kind: 'observed-gauge',
    help:
      'For how long records of the journal have waited for a signed head; 0 while all are in one, and without a key for heads (`audit`) since the start. ' +
      'One process makes heads for all that share a store.',
    labels: {},
  },
  auditUnwitnessed: {
    name: 'capstan_audit_unwitnessed_heads',
    kind: 'observed-gauge',
    help: 'How many signed heads of the journal wait for a witness (`audit.witness`) that does not keep them.',
    labels: {},
  },
  auditWarnings: {
    name: 'capstan_audit_warnings_total',
    kind: 'counter',
    help: 'Warnings that a head of the journal was not signed, or not kept by a witness; the log line says why.',
    labels: {},
  },
  issuerKeyAvailable: {
    name: 'capstan_issuer_key_available',
    kind: 'gauge',
    help: 'Whether the signing key of an issuer answers: 0 while a token is away.',
    labels: { issuer: OPEN },
  },
  issuerKeyLosses: {
    name: 'capstan_issuer_key_losses_total',
    kind: 'counter',
    help: 'How often the signing key of an issuer stopped answering; the log line issuerKeyLost says why.',
    labels: { issuer: OPEN },
  },
  strandedIssuers: {
    name: 'capstan_stranded_issuers_total',
    kind: 'counter',
    help:
      'Issuers whose trust anchor left the file while their leaves may live. ' +
      'capstan_part_degraded{part="trust anchors"} is 1 until those are over or the anchor is back.',
    labels: {},
  },
  clusterStale: {
    name: 'capstan_cluster_stale_seconds',
    kind: 'observed-gauge',
    help:
      'How long ago the API server of a cluster last confirmed what is known of it, while it cannot be followed; 0 while it is. ' +
      'Beyond cluster.kubernetes.staleAfter, what depends on the cluster is answered with UNAVAILABLE.',
    labels: { cluster: OPEN },
  },
  watchRestarts: {
    name: 'capstan_cluster_watch_restarts_total',
    kind: 'counter',
    help: 'Watches of a Kubernetes API that ended otherwise than in order and were opened again, by why they ended.',
    labels: { cluster: OPEN, reason: WATCH_ENDS },
  },
  publications: {
    name: 'capstan_publications_total',
    kind: 'counter',
    help: 'Objects of Kubernetes with trust anchors or revocation lists that were written or removed, by the process that leads.',
    labels: { object: PUBLISHED, change: ['created', 'updated', 'removed'] },
  },
  publicationFailures: {
    name: 'capstan_publication_failures_total',
    kind: 'counter',
    help: 'Objects with trust anchors or revocation lists that could not be written, each counted once for each problem; they are tried again.',
    labels: { object: PUBLISHED },
  },
  publicationsContested: {
    name: 'capstan_publications_contested_total',
    kind: 'counter',
    help:
      'Other writers that kept changing an object with trust anchors or revocation lists, so that we stopped. ' +
      'capstan_part_degraded{part="published roots"} is 1 until they stop.',
    labels: { object: PUBLISHED },
  },
  rootsLate: {
    name: 'capstan_roots_late_total',
    kind: 'counter',
    help: 'Times that trust anchors came in force before they were published everywhere, because the wait for it was over.',
    labels: {},
  },
  identitiesClosed: {
    name: 'capstan_identities_closed_total',
    kind: 'counter',
    help: 'Identities of pods that ended and are on record as closed in the journal, by why, by the process that leads.',
    labels: { reason: CLOSING_REASONS },
  },
  journalFailing: {
    name: 'capstan_journal_failing',
    kind: 'gauge',
    help: '1 while decisions cannot be recorded and nothing is issued, otherwise 0.',
    labels: {},
  },
  partReady: {
    name: 'capstan_part_ready',
    kind: 'observed-gauge',
    help: '0 while a part of the server is not ready, as /readyz says with the reason; otherwise 1.',
    labels: { part: OPEN },
  },
  partDegraded: {
    name: 'capstan_part_degraded',
    kind: 'observed-gauge',
    help: '1 while a part of the server works less than it should, as /readyz says with the reason; otherwise 0.',
    labels: { part: OPEN },
  },
  workersLost: {
    name: 'capstan_workers_lost_total',
    kind: 'counter',
    help: 'Workers of a server with several processes that ended unasked or stood still, each with its connections; others took their places.',
    labels: {},
  },
  workersFailed: {
    name: 'capstan_workers_failed_total',
    kind: 'counter',
    help: 'Workers that were to take the place of another and could not start. capstan_part_degraded{part="workers"} is 1 until one does.',
    labels: {},
  },
  unexpected: {
    name: 'capstan_unexpected_total',
    kind: 'counter',
    help: 'Faults of Capstan itself, by the place that caught them. Any increase deserves a look at the log.',
    labels: { where: OPEN },
  },
  logLinesDropped: {
    name: 'capstan_log_lines_dropped_total',
    kind: 'counter',
    help: 'Log lines lost because the reader of the log is too slow or gone.',
    labels: {},
  },
  recordsNotSent: {
    name: 'capstan_log_records_dropped_total',
    kind: 'counter',
    help: 'Records of the journal that the collector of logs (`telemetry.logs`) did not take: it was away, too slow, or rejected them. The journal has them.',
    labels: {},
  },
  eventLoopLag: {
    name: 'capstan_event_loop_lag_seconds',
    kind: 'observed-gauge',
    help: '99th percentile of the event loop delay since the last scrape.',
    labels: {},
  },
  residentMemory: {
    name: 'process_resident_memory_bytes',
    kind: 'observed-gauge',
    help: 'Resident memory of the process.',
    labels: {},
  },
  cpuSeconds: {
    name: 'process_cpu_seconds_total',
    kind: 'observed-counter',
    help: 'User and system CPU time spent.',
    labels: {},
  },
  startTime: {
    name: 'process_start_time_seconds',
    kind: 'observed-gauge',
    help: 'When the process started, in seconds since the epoch.',
    labels: {},
  },
} as const satisfies Record<string, MetricRow>;

export type MetricKey = keyof typeof METRICS;
export type MetricOf<Kind extends MetricRow['kind']> = {
  [Key in MetricKey]: (typeof METRICS)[Key]['kind'] extends Kind ? Key : never;
}[MetricKey];
export type LabelsOf<Key extends MetricKey> = { readonly [Label in keyof (typeof METRICS)[Key]['labels']]: string };

/** Every combination of the values that the labels of a metric list; none when a label is open. */
export function knownSeries(labels: MetricRow['labels']): readonly Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (series, [label, values]) => series.flatMap((one) => values.map((value) => ({ ...one, [label]: value }))),
    [{}],
  );
}
