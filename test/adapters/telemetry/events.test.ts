import assert from 'node:assert/strict';
import { closing } from '../storage/sqlite/records.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { METRICS } from '../../../src/adapters/telemetry/metrics/metric-table.ts';
import { NOISE } from '../../../src/adapters/telemetry/noise.ts';
import { openTelemetry, type Telemetry } from '../../../src/adapters/telemetry/telemetry.ts';
import type { Events } from '../../../src/ports/platform/events.ts';
import { CLAUSE, ISSUED, REFUSED, STREAM, TRACE } from './records.ts';
import { FakeHealth } from '../../support/fakes/fake-health.ts';

interface Case {
  readonly emit: (events: Events) => void;
  /** What the line must carry, among other things. */
  readonly line: Readonly<Record<string, unknown>>;
  /** Every series that moves, with its distance; buckets apart. */
  readonly moves: Readonly<Record<string, number>>;
}

const PROXY = {
  nodeId: 'sidecar~10.0.0.1',
  podName: 'demo-0',
  remoteAddress: '10.0.0.1:40000',
  secrets: [{ name: 'default', version: 'v1', serial: 'a1' }],
};

const ROTATED = { rotation: 'abcd', actor: 'CN:alice', reason: 'a drill' };
const BAN = { id: 'a'.repeat(16), kind: 'node', target: 'node worker-3', actor: 'local', reason: 'a drill' } as const;
const MOVED = { name: 'default', issuer: 'abcd', actor: 'CN:alice', reason: 'a drill' };

const CASES: Readonly<Record<keyof Events, readonly Case[]>> = {
  decided: [
    {
      emit: (events) => events.decided(ISSUED, { durationMs: 2 }),
      line: { level: 'info', decisionId: 'd-1', caller: ISSUED.caller, serial: ISSUED.serial, durationMs: 2 },
      moves: {
        'capstan_decisions_total{api="csr",outcome="issued",reason="none"}': 1,
        'capstan_issuer_decisions_total{issuer="none",outcome="issued"}': 1,
        'capstan_decision_duration_seconds_count{api="csr",outcome="issued"}': 1,
        'capstan_decision_duration_seconds_sum{api="csr",outcome="issued"}': 0.002,
      },
    },
    {
      emit: (events) => events.decided(REFUSED, { durationMs: 1 }),
      line: { level: 'warn', decisionId: 'd-2', caller: REFUSED.caller, reason: 'CAP-P01', code: 'policy_denied' },
      moves: {
        'capstan_decisions_total{api="csr",outcome="refused",reason="CAP-P01"}': 1,
        'capstan_issuer_decisions_total{issuer="none",outcome="refused"}': 1,
        'capstan_decision_duration_seconds_count{api="csr",outcome="refused"}': 1,
        'capstan_decision_duration_seconds_sum{api="csr",outcome="refused"}': 0.001,
      },
    },
    {
      emit: (events) => events.decided({ ...REFUSED, policy: TRACE }, { durationMs: 1 }),
      line: { level: 'warn', policy: { class: 'workload', bundle: 'corp@7', failures: [CLAUSE], audits: [CLAUSE] } },
      moves: {
        'capstan_decisions_total{api="csr",outcome="refused",reason="CAP-P01"}': 1,
        'capstan_issuer_decisions_total{issuer="default",outcome="refused"}': 1,
        'capstan_decision_duration_seconds_count{api="csr",outcome="refused"}': 1,
        'capstan_decision_duration_seconds_sum{api="csr",outcome="refused"}': 0.001,
        'capstan_policy_clauses_total{policy="corp",reason="CAP-P04",effect="refused"}': 1,
        'capstan_policy_clauses_total{policy="corp",reason="CAP-P04",effect="audited"}': 1,
      },
    },
  ],
  identityClosed: [
    {
      emit: (events) => events.identityClosed(closing('8a1f', { reason: 'namespace_removed' })),
      line: { level: 'info', podUid: '8a1f', identity: closing('8a1f').identity, liveCertificates: 1 },
      moves: { 'capstan_identities_closed_total{reason="namespace_removed"}': 1 },
    },
  ],
  identityOverdue: [
    {
      emit: (events) =>
        events.identityOverdue({
          ...{ identity: STREAM.caller, cluster: 'east', podName: 'demo-1', nodeName: 'node-1', class: 'workload' },
          ...{ api: 'csr', decisionId: 'd-1', serial: '5e01', issuer: 'abcd' },
          ...{ issuedMs: 0, notBeforeMs: 0, renewalMs: 30, overdueMs: 45, notAfterMs: 60 },
        }),
      line: {
        level: 'warn',
        identity: STREAM.caller,
        cluster: 'east',
        podName: 'demo-1',
        renewalMs: 30,
        notAfterMs: 60,
      },
      moves: {},
    },
  ],
  newIdentityNodePair: [
    {
      emit: (events) =>
        events.newIdentityNodePair({
          ...{ identity: STREAM.caller, cluster: 'east', podName: 'demo-1', podUid: 'uid-1', nodeName: 'node-2' },
          ...{ class: 'workload', api: 'csr', decisionId: 'd-1', serial: '5e01', issuer: 'abcd' },
          ...{ issuedMs: 0, notBeforeMs: 0, renewalMs: 30, overdueMs: 45, notAfterMs: 60 },
        }),
      line: {
        level: 'warn',
        identity: STREAM.caller,
        cluster: 'east',
        nodeName: 'node-2',
        podName: 'demo-1',
        podUid: 'uid-1',
        decisionId: 'd-1',
      },
      moves: { 'capstan_anomalies_total{kind="new_pair"}': 1 },
    },
  ],
  rogueFound: [
    {
      emit: (events) =>
        events.rogueFound({
          ...{ kind: 'self-signed-ca', name: 'CN=Shadow', sha256: 'ab', place: 'Secret shop/ca tls.crt' },
          ...{ privateKey: true, expired: false },
        }),
      line: { level: 'warn', kind: 'self-signed-ca', name: 'CN=Shadow', place: 'Secret shop/ca tls.crt' },
      moves: {},
    },
  ],
  refusalsCounted: [
    {
      emit: (events) => events.refusalsCounted({ ...REFUSED, count: 1_200 }),
      line: { level: 'warn', decisionId: 'd-2', reason: 'CAP-P01', count: 1_200 },
      moves: {},
    },
  ],
  noTurn: [
    {
      emit: (events) => events.noTurn({ cause: 'line_full' }),
      line: { level: 'debug', cause: 'line_full' },
      moves: { 'capstan_turns_missed_total{cause="line_full"}': 1 },
    },
  ],
  socketOpened: [
    {
      emit: (events) => events.socketOpened({ path: '/run/a.sock', identity: STREAM.caller }),
      line: { level: 'info', path: '/run/a.sock', identity: STREAM.caller },
      moves: {},
    },
  ],
  socketClosed: [
    {
      emit: (events) => events.socketClosed({ path: '/run/a.sock', why: 'its path leads elsewhere' }),
      line: { level: 'info', path: '/run/a.sock', why: 'its path leads elsewhere' },
      moves: {},
    },
  ],
  socketUnusable: [
    {
      emit: (events) => events.socketUnusable({ path: '/run/a.sock', problem: 'it is taken' }),
      line: { level: 'error', path: '/run/a.sock', problem: 'it is taken' },
      moves: {},
    },
  ],
  policyInForce: [
    {
      emit: (events) =>
        events.policyInForce({ revision: 'r1', policyBundle: 'corp@7', softExpiryMs: 5_000, hardExpiryMs: 9_000 }),
      line: { level: 'info', revision: 'r1', policyBundle: 'corp@7', hardExpiryMs: 9_000 },
      moves: { capstan_policy_bundle_soft_expiry_seconds: 5, capstan_policy_bundle_hard_expiry_seconds: 9 },
    },
  ],
  policyMissing: [
    {
      emit: (events) =>
        events.policyMissing({ owner: 'namespace shop', problem: 'shop/own.yaml:1:1 is not UTF-8 text' }),
      line: { level: 'error', owner: 'namespace shop', problem: 'shop/own.yaml:1:1 is not UTF-8 text' },
      moves: { 'capstan_reloads_total{source="policy",outcome="failed"}': 1 },
    },
  ],
  policyNotKept: [
    {
      emit: (events) => events.policyNotKept({ owner: 'namespace shop', problem: 'shop.json cannot be written' }),
      line: { level: 'error', owner: 'namespace shop', problem: 'shop.json cannot be written' },
      moves: {},
    },
  ],
  policyDrifted: [
    {
      emit: (events) =>
        events.policyDrifted({
          policy: 'IssuancePolicy shop/web',
          drift: 'different',
          revision: '1',
          gitRevision: 'a1',
        }),
      line: { level: 'warn', policy: 'IssuancePolicy shop/web', drift: 'different', revision: '1', gitRevision: 'a1' },
      moves: {},
    },
  ],
  policyDriftOver: [
    {
      emit: (events) => events.policyDriftOver({ revision: '1', gitRevision: 'a1', gitRevisionInForce: 'a1' }),
      line: { level: 'info', revision: '1', gitRevision: 'a1', gitRevisionInForce: 'a1' },
      moves: {},
    },
  ],
  policyDriftUnknown: [
    {
      emit: (events) => events.policyDriftUnknown({ problem: 'no such folder' }),
      line: { level: 'error', problem: 'no such folder' },
      moves: {},
    },
  ],
  policyTimeSetBack: [
    {
      emit: (events) => events.policyTimeSetBack({ atMs: 5_000, fromMs: 9_000 }),
      line: { level: 'warn', atMs: 5_000, fromMs: 9_000 },
      moves: {},
    },
  ],
  policyBundleExpiring: [
    {
      emit: (events) => events.policyBundleExpiring({ policyBundle: 'corp@7', hardExpiryMs: 9_000 }),
      line: { level: 'warn', policyBundle: 'corp@7', hardExpiryMs: 9_000 },
      moves: {},
    },
  ],
  signIn: [
    {
      emit: (events) =>
        events.signIn({ way: 'oidc', outcome: 'signed_in', source: '192.0.2.7', actor: 'OIDC:7', role: 'viewer' }),
      line: { level: 'info', way: 'oidc', actor: 'OIDC:7', role: 'viewer', source: '192.0.2.7' },
      moves: { 'capstan_console_sign_ins_total{way="oidc",outcome="signed_in"}': 1 },
    },
    {
      emit: (events) =>
        events.signIn({ way: 'link', outcome: 'refused', source: '192.0.2.7', problem: 'it was used already' }),
      line: { level: 'warn', way: 'link', problem: 'it was used already' },
      moves: { 'capstan_console_sign_ins_total{way="link",outcome="refused"}': 1 },
    },
  ],
  trustWarning: [
    {
      emit: (events) => events.trustWarning({ problem: 'anchors.pem: trust anchor CN=Root ended' }),
      line: { level: 'warn', problem: 'anchors.pem: trust anchor CN=Root ended' },
      moves: { capstan_trust_warnings_total: 1 },
    },
  ],
  auditWarning: [
    {
      emit: (events) => events.auditWarning({ problem: 'no head of the journal can be signed' }),
      line: { level: 'warn', problem: 'no head of the journal can be signed' },
      moves: { capstan_audit_warnings_total: 1 },
    },
  ],
  issuerKeyLost: [
    {
      emit: (events) => events.issuerKeyLost({ name: 'default', problem: 'CKR_DEVICE_REMOVED at C_Sign' }),
      line: { level: 'error', name: 'default', problem: 'CKR_DEVICE_REMOVED at C_Sign' },
      moves: { 'capstan_issuer_key_losses_total{issuer="default"}': 1 },
    },
  ],
  issuerKeyBack: [
    {
      emit: (events) => events.issuerKeyBack({ name: 'default' }),
      line: { level: 'info', name: 'default' },
      moves: { 'capstan_issuer_key_available{issuer="default"}': 1 },
    },
  ],
  issuerStranded: [
    {
      emit: (events) => events.issuerStranded({ issuer: 'ab12', subject: 'CN=Issuer', signedBy: 'CN=Old Root' }),
      line: { level: 'error', issuer: 'ab12', subject: 'CN=Issuer', signedBy: 'CN=Old Root' },
      moves: { capstan_stranded_issuers_total: 1 },
    },
  ],
  objectPublished: [
    {
      emit: (events) => events.objectPublished({ object: 'root-config-map', place: 'shop', change: 'created' }),
      line: { level: 'info', object: 'root-config-map', place: 'shop', change: 'created' },
      moves: { 'capstan_publications_total{object="root-config-map",change="created"}': 1 },
    },
  ],
  publicationFailed: [
    {
      emit: (events) => events.publicationFailed({ object: 'root-config-map', place: 'shop', problem: '403' }),
      line: { level: 'error', object: 'root-config-map', place: 'shop', problem: '403' },
      moves: { 'capstan_publication_failures_total{object="root-config-map"}': 1 },
    },
  ],
  publicationContested: [
    {
      emit: (events) =>
        events.publicationContested({
          object: 'root-config-map',
          place: 'shop',
          by: 'pilot-discovery',
          advice: 'stop it',
        }),
      line: { level: 'error', object: 'root-config-map', place: 'shop', by: 'pilot-discovery', advice: 'stop it' },
      moves: { 'capstan_publications_contested_total{object="root-config-map"}': 1 },
    },
  ],
  rootsLate: [
    {
      emit: (events) => events.rootsLate({ digest: 'ab12', lacking: 3, waitedMs: 60_000 }),
      line: { level: 'error', digest: 'ab12', lacking: 3, waitedMs: 60_000 },
      moves: { capstan_roots_late_total: 1 },
    },
  ],
  policyBundleUnsigned: [
    {
      emit: (events) => events.policyBundleUnsigned({ place: 'bundle.yaml' }),
      line: { level: 'warn', place: 'bundle.yaml' },
      moves: {},
    },
  ],
  connectionRefused: [
    {
      emit: (events) => events.connectionRefused({ listener: 'tls', remoteAddress: '192.0.2.1:9', problem: 'no ALPN' }),
      line: { level: 'info', listener: 'tls', remoteAddress: '192.0.2.1:9', problem: 'no ALPN' },
      moves: { 'capstan_connections_refused_total{listener="tls"}': 1 },
    },
  ],
  requestDropped: [
    {
      emit: (events) => events.requestDropped({ listener: 'tls', remoteAddress: '192.0.2.1:9', reason: 'CAP-Q01' }),
      line: { level: 'debug', listener: 'tls', remoteAddress: '192.0.2.1:9', reason: 'CAP-Q01' },
      moves: { 'capstan_requests_dropped_total{listener="tls",reason="CAP-Q01"}': 1 },
    },
  ],
  streamOpened: [
    {
      emit: (events) => events.streamOpened(STREAM),
      line: { level: 'info', ...STREAM },
      moves: { 'capstan_sds_streams{protocol="delta"}': 1 },
    },
  ],
  streamClosed: [
    {
      emit: (events) => events.streamClosed({ ...STREAM, why: 'the client went away' }),
      line: { level: 'info', ...STREAM, why: 'the client went away' },
      moves: { 'capstan_sds_streams{protocol="delta"}': -1 },
    },
  ],
  secretPushed: [
    {
      emit: (events) => events.secretPushed({ ...STREAM, names: ['default', 'ROOTCA'], version: 'v7' }),
      line: { level: 'info', ...STREAM, names: ['default', 'ROOTCA'], count: 2, version: 'v7' },
      moves: { capstan_sds_pushes_total: 1 },
    },
  ],
  secretAcknowledged: [
    {
      emit: (events) => events.secretAcknowledged({ ...STREAM, latencyMs: 8 }),
      line: { level: 'debug', ...STREAM, latencyMs: 8 },
      moves: {
        capstan_sds_acknowledged_total: 1,
        capstan_sds_acknowledge_seconds_count: 1,
        capstan_sds_acknowledge_seconds_sum: 0.008,
      },
    },
  ],
  secretRejected: [
    {
      emit: (events) => events.secretRejected({ ...STREAM, ...PROXY, message: 'bad key' }),
      line: { level: 'warn', ...STREAM, ...PROXY, proxyMessage: 'bad key' },
      moves: { capstan_sds_rejected_total: 1 },
    },
  ],
  secretUnavailable: [
    {
      emit: (events) => events.secretUnavailable({ ...STREAM, name: 'kubernetes://other', why: 'unknown' }),
      line: { level: 'warn', ...STREAM, name: 'kubernetes://other', why: 'unknown' },
      moves: { capstan_sds_unavailable_total: 1 },
    },
  ],
  secretInvalid: [
    {
      emit: (events) => events.secretInvalid({ identity: STREAM.caller, problem: 'the key does not match' }),
      line: { level: 'error', identity: STREAM.caller, problem: 'the key does not match' },
      moves: { capstan_sds_invalid_total: 1 },
    },
  ],
  tokenReviewed: [
    {
      emit: (events) => events.tokenReviewed({ outcome: 'confirmed' }),
      line: { level: 'debug', outcome: 'confirmed' },
      moves: { 'capstan_token_reviews_total{outcome="confirmed"}': 1 },
    },
  ],
  refusalNotReported: [
    {
      emit: (events) => events.refusalNotReported({ why: 'full' }),
      line: { level: 'debug', why: 'full' },
      moves: { 'capstan_kubernetes_events_dropped_total{why="full"}': 1 },
    },
  ],
  requestGivenUp: [
    {
      emit: (events) =>
        events.requestGivenUp({
          kind: 'podcertificaterequests',
          request: 'podcertificaterequests/shop/web-1',
          signer: 'capstan.dev/default',
          certificates: 3,
          problem: '500 etcd is full',
        }),
      line: {
        level: 'error',
        request: 'podcertificaterequests/shop/web-1',
        certificates: 3,
        problem: '500 etcd is full',
      },
      moves: { 'capstan_signing_requests_given_up_total{kind="podcertificaterequests"}': 1 },
    },
  ],
  reloaded: [
    {
      emit: (events) => events.reloaded({ source: 'policy', revision: 'abc' }),
      line: { level: 'info', source: 'policy', revision: 'abc' },
      moves: { 'capstan_reloads_total{source="policy",outcome="applied"}': 1 },
    },
  ],
  reloadFailed: [
    {
      emit: (events) => events.reloadFailed({ source: 'issuer', problem: 'no certificate' }),
      line: { level: 'error', source: 'issuer', problem: 'no certificate' },
      moves: { 'capstan_reloads_total{source="issuer",outcome="failed"}': 1 },
    },
  ],
  issuerInForce: [
    {
      emit: (events) => events.issuerInForce({ name: 'default', issuer: 'abcd', notAfterMs: 1_800_000_000_000 }),
      line: { level: 'info', name: 'default', issuer: 'abcd', notAfterMs: 1_800_000_000_000 },
      moves: {
        'capstan_issuer_key_available{issuer="default"}': 1,
        'capstan_issuer_not_after_seconds{issuer="default"}': 1_800_000_000,
      },
    },
  ],
  issuerMoved: [
    {
      emit: (events) => events.issuerMoved({ ...MOVED, from: 'active', to: 'tainted' }),
      line: { level: 'warn', ...MOVED, from: 'active', to: 'tainted' },
      moves: { 'capstan_issuer_moves_total{issuer="default",state="tainted"}': 1 },
    },
    {
      emit: (events) => events.issuerMoved({ ...MOVED, from: 'suspended', to: 'active' }),
      line: { level: 'info', ...MOVED, from: 'suspended', to: 'active' },
      moves: { 'capstan_issuer_moves_total{issuer="default",state="active"}': 1 },
    },
  ],
  rotationMoved: [
    {
      emit: (events) => events.rotationMoved({ ...ROTATED, from: 'publish', to: 'adopt' }),
      line: { level: 'warn', ...ROTATED, from: 'publish', to: 'adopt' },
      moves: { 'capstan_anchor_rotation_moves_total{phase="adopt"}': 1 },
    },
  ],
  bridgeChanged: [
    {
      emit: (events) => events.bridgeChanged({ ...ROTATED, act: 'bridge', certificate: 'cd01' }),
      line: { level: 'warn', ...ROTATED, act: 'bridge', certificate: 'cd01' },
      moves: {},
    },
    {
      emit: (events) => events.bridgeChanged({ ...ROTATED, act: 'unbridge', certificate: 'cd01' }),
      line: { level: 'warn', ...ROTATED, act: 'unbridge', certificate: 'cd01' },
      moves: {},
    },
  ],
  banChanged: [
    {
      emit: (events) => events.banChanged({ ...BAN, act: 'revoke' }),
      line: { level: 'warn', ...BAN, act: 'revoke' },
      moves: { 'capstan_ban_changes_total{act="revoke",kind="node"}': 1 },
    },
    {
      emit: (events) => events.banChanged({ ...BAN, act: 'lift' }),
      line: { level: 'warn', ...BAN, act: 'lift' },
      moves: { 'capstan_ban_changes_total{act="lift",kind="node"}': 1 },
    },
  ],
  administered: [
    {
      emit: (events) => events.administered({ role: 'viewer', outcome: 'refused' }),
      line: { level: 'debug', role: 'viewer', outcome: 'refused' },
      moves: { 'capstan_administration_requests_total{role="viewer",outcome="refused"}': 1 },
    },
  ],
  observed: [
    {
      emit: (events) => events.observed({ reader: 'token', refused: false, source: '192.0.2.7' }),
      line: { level: 'debug', reader: 'token', source: '192.0.2.7' },
      moves: { 'capstan_observation_requests_total{reader="token",outcome="answered"}': 1 },
    },
    {
      emit: (events) => events.observed({ reader: 'stranger', refused: true, source: '192.0.2.7' }),
      line: { level: 'warn', reader: 'stranger', source: '192.0.2.7' },
      moves: { 'capstan_observation_requests_total{reader="stranger",outcome="refused"}': 1 },
    },
  ],
  bundleInForce: [
    {
      emit: (events) => events.bundleInForce({ digest: 'ef', anchors: 2, notAfterMs: 1_900_000_000_000 }),
      line: { level: 'info', digest: 'ef', anchors: 2 },
      moves: { capstan_trust_anchor_not_after_seconds: 1_900_000_000 },
    },
  ],
  remoteCluster: [
    {
      emit: (events) => events.remoteCluster({ cluster: 'west', state: 'added', server: 'https://west' }),
      line: { level: 'info', cluster: 'west', state: 'added', server: 'https://west' },
      moves: {},
    },
  ],
  remoteClusterFailed: [
    {
      emit: (events) => events.remoteClusterFailed({ cluster: 'west', problem: 'is no kubeconfig' }),
      line: { level: 'error', cluster: 'west', problem: 'is no kubeconfig' },
      moves: {},
    },
  ],
  watchFailing: [
    {
      emit: (events) => events.watchFailing({ cluster: 'one', kind: 'pods', problem: '403 Forbidden' }),
      line: { level: 'warn', cluster: 'one', kind: 'pods', problem: '403 Forbidden' },
      moves: {},
    },
  ],
  watchRecovered: [
    {
      emit: (events) => events.watchRecovered({ cluster: 'one', kind: 'pods' }),
      line: { level: 'info', cluster: 'one', kind: 'pods' },
      moves: {},
    },
  ],
  objectsLeftOut: [
    {
      emit: (events) => events.objectsLeftOut({ cluster: 'one', kind: 'pods', namespace: 'shop' }),
      line: { level: 'warn', cluster: 'one', kind: 'pods', namespace: 'shop' },
      moves: {},
    },
  ],
  watchRestarted: [
    {
      emit: (events) => events.watchRestarted({ cluster: 'one', kind: 'pods', reason: 'expired' }),
      line: { level: 'debug', cluster: 'one', kind: 'pods', reason: 'expired' },
      moves: { 'capstan_cluster_watch_restarts_total{cluster="one",reason="expired"}': 1 },
    },
  ],
  journalFailing: [
    {
      emit: (events) => events.journalFailing({ problem: 'disk full' }),
      line: { level: 'error', problem: 'disk full' },
      moves: { capstan_journal_failing: 1 },
    },
  ],
  journalRecovered: [{ emit: (events) => events.journalRecovered(), line: { level: 'info' }, moves: {} }],
  journalCheck: [
    {
      emit: (events) => events.journalCheck({ state: 'begun', bytes: 4096, elapsedMs: 0 }),
      line: { level: 'info', state: 'begun', bytes: 4096 },
      moves: {},
    },
  ],
  workerServes: [
    {
      emit: (events) => events.workerServes({ slot: 2, pid: 42 }),
      line: { level: 'info', slot: 2, pid: 42 },
      moves: {},
    },
  ],
  workerLost: [
    {
      emit: (events) => events.workerLost({ slot: 2, pid: 42, why: 'it was ended by SIGKILL' }),
      line: { level: 'error', slot: 2, pid: 42, why: 'it was ended by SIGKILL' },
      moves: { capstan_workers_lost_total: 1 },
    },
  ],
  workerFailed: [
    {
      emit: (events) => events.workerFailed({ slot: 2, cause: new Error('no memory') }),
      line: { level: 'error', slot: 2 },
      moves: { capstan_workers_failed_total: 1 },
    },
  ],
  lifecycle: [
    {
      emit: (events) => events.lifecycle({ phase: 'draining', detail: 'SIGTERM' }),
      line: { level: 'info', phase: 'draining', detail: 'SIGTERM' },
      moves: {},
    },
  ],
  unexpected: [
    {
      emit: (events) => events.unexpected({ where: 'csr', cause: new TypeError('x is not a function') }),
      line: { level: 'error', where: 'csr' },
      moves: { 'capstan_unexpected_total{where="csr"}': 1 },
    },
  ],
};

describe('The events of the CA', () => {
  let lines: Record<string, unknown>[];
  let telemetry: Telemetry;

  beforeEach(() => {
    lines = [];
    const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    telemetry = openTelemetry({ log: { level: 'debug', destination: { write } } });
  });
  afterEach(() => telemetry[Symbol.asyncDispose]());

  for (const [event, cases] of Object.entries(CASES)) {
    for (const [index, { emit, line, moves }] of cases.entries()) {
      it(`write one line and move exactly their metrics: ${event} (${index + 1})`, async () => {
        const before = await series(telemetry);
        emit(telemetry.events);
        const after = await series(telemetry);

        assert.equal(lines.length, 1);
        const written = lines[0]!;
        assert.equal(written['event'], event);
        assert.deepEqual(Object.fromEntries(Object.keys(line).map((key) => [key, written[key]])), line);
        assert.deepEqual(distances(before, after), moves);
      });
    }
  }

  it('say that the journal works again with line and gauge', async () => {
    telemetry.events.journalFailing({ problem: 'disk full' });
    telemetry.events.journalRecovered();
    assert.equal((await series(telemetry)).get('capstan_journal_failing'), 0);
  });

  it('move every metric of the table that is not observed', async () => {
    telemetry.observeHealth(new FakeHealth({ part: 'issuer', state: 'ready' }));
    telemetry.observeClusters(() => [{ cluster: 'one', staleMs: 2_000 }]);
    telemetry.observeAnchors(() => [{ sha256: 'ab'.repeat(32), subject: 'CN=Root', notAfterMs: 1, distributed: true }]);
    telemetry.observeRotation(() => ({ phase: 'adopt', count: 2 }));
    telemetry.observeOutageBudget(() => 1);
    telemetry.observeRogues({ counts: { 'foreign-ca': 1 }, ageMs: 1_000 });
    telemetry.observeInventory({ overdue: 2, ageMs: 1_000 });
    telemetry.observeLiveCertificates(() => ({ 'CAP-P02': 1 }));
    telemetry.observePolicyDrift(() => ({ drifts: [{ drift: 'missing' }] }));
    telemetry.observeCoverage(() => ({ covered: 1, starting: 0, without: 2, not_joined: 0, outside: 0, gone: 0 }));
    telemetry.observeAudit({ unsignedMs: () => 1, unwitnessed: () => 0 });
    telemetry.observeTurns(() => 3);
    telemetry.observeIssuers(() => [{ name: 'default', state: 'suspended' }]);
    telemetry.observeRollovers(() => [{ name: 'default', due: { step: 'ask', atMs: 1_000 }, failingMs: 0 }]);
    telemetry.observeBans(() => ['node', 'node']);
    for (const { emit } of Object.values(CASES).flat()) emit(telemetry.events);
    const text = await telemetry.collect();
    for (const { name } of Object.values(METRICS)) assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'));
  });

  it('name an identity in the log and never in a label', async () => {
    for (const { emit } of Object.values(CASES).flat()) emit(telemetry.events);
    assert.ok(lines.some(({ caller }) => caller === STREAM.caller));
    assert.doesNotMatch(await telemetry.collect(), /spiffe:|192\.0\.2\.|d-1/);
  });

  it('count a refusal that stands in the record of many, without a line of its own', async () => {
    const before = await series(telemetry);
    telemetry.events.decided(REFUSED, { durationMs: 1, counted: true });
    assert.deepEqual(lines, []);
    const moved = distances(before, await series(telemetry));
    assert.equal(moved['capstan_decisions_total{api="csr",outcome="refused",reason="CAP-P01"}'], 1);
  });

  it('count what one namespace causes without end, and tell of the others and of certificates all the same', async () => {
    for (let i = 0; i < 10_000; i += 1) {
      telemetry.events.secretUnavailable({ ...STREAM, name: `kubernetes://other-${i}`, why: 'unknown' });
      telemetry.events.streamOpened(STREAM);
    }
    const quiet = { ...STREAM, caller: 'spiffe://cluster.local/ns/quiet/sa/demo' };
    telemetry.events.streamOpened(quiet);
    for (let i = 0; i < 500; i += 1) telemetry.events.decided(ISSUED, { durationMs: 2 });
    await telemetry[Symbol.asyncDispose]();

    const of = (event: string) => lines.filter((line) => line['event'] === event);
    assert.equal(of('decided').length, 500);
    assert.equal(of('streamOpened').filter(({ caller }) => caller === quiet.caller).length, 1);
    assert.equal(of('secretUnavailable').length, NOISE.each + 1);
    assert.deepEqual(of('secretUnavailable').at(-1)?.['count'], 10_000 - NOISE.each);
    assert.equal(of('streamOpened').length, NOISE.each + 1 + 1);
  });

  it('count what strangers cause without end', async () => {
    for (let i = 0; i < 10_000; i += 1) {
      const remoteAddress = `10.0.${i >> 8}.${i & 255}:${i}`;
      telemetry.events.connectionRefused({ listener: 'tls', remoteAddress, problem: 'no ALPN' });
      telemetry.events.requestDropped({ listener: 'tls', remoteAddress, reason: 'CAP-Q01' });
    }
    await telemetry[Symbol.asyncDispose]();
    assert.ok(lines.length <= NOISE.alone + NOISE.kinds + 2, String(lines.length));
    const counted = lines.reduce((sum, line) => sum + Number(line['count'] ?? 1), 0);
    assert.equal(counted, 20_000);
  });

  it('count a fault that comes again and again', async () => {
    for (let i = 0; i < 1_000; i += 1) telemetry.events.unexpected({ where: 'csr', cause: new Error('a bug') });
    await telemetry[Symbol.asyncDispose]();
    assert.equal(lines.length, NOISE.each + 1);
  });

  it('log the private cause and the violations of a refusal, once', () => {
    const violations = [{ path: 'csr.subject', actual: 'CN=x', allowed: 'an empty subject' }];
    const cause = new Error('connect ECONNREFUSED', { cause: new Error('socket') });
    telemetry.events.decided(REFUSED, {
      durationMs: 1,
      cause: new AuthorityError(REFUSED.reason, { violations, cause }),
    });
    const written = lines[0]!;
    assert.deepEqual(written['violations'], violations);
    assert.equal((written['cause'] as { message: string }).message, 'connect ECONNREFUSED');
    assert.equal((written['cause'] as { cause: { message: string } }).cause.message, 'socket');
    assert.equal(JSON.stringify(written).split('connect ECONNREFUSED').length - 1, 2, 'message and head of the stack');
  });

  it('never serialise a thrown object that may hold a request', () => {
    telemetry.events.unexpected({ where: 'csr', cause: { body: 'a CSR' } });
    telemetry.events.unexpected({ where: 'csr', cause: Object.assign(new Error('bad'), { request: 'a CSR' }) });
    assert.doesNotMatch(JSON.stringify(lines), /a CSR/);
  });

  it('call for the operator when the CA itself could not do its work', () => {
    telemetry.events.decided({ ...REFUSED, reason: 'CAP-S04' }, { durationMs: 1 });
    assert.equal(lines[0]?.['level'], 'error');
  });
});

/** Series and values of a scrape, without buckets and without what the process itself costs. */
async function series(telemetry: Telemetry): Promise<Map<string, number>> {
  const lines = (await telemetry.collect()).split('\n');
  const samples = lines.filter((line) => line !== '' && !/^#|^process_|_event_loop_lag_|_bucket\{/.test(line));
  return new Map(samples.map((line) => [line.replace(/ [^ ]*$/, ''), Number(line.replace(/^.* /, ''))]));
}

function distances(before: Map<string, number>, after: Map<string, number>): Record<string, number> {
  const moved = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(moved.filter(([, distance]) => distance !== 0));
}
