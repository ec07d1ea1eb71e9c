// What the CA reports: each business event writes one log line and moves its metrics, here
// and nowhere else, so that the two cannot disagree. A line's `event` is the function's name.
// What clients can cause in any number goes through `Noise`. It is long because it has one entry for each event.
import type { Logger } from 'pino';
import type { FailedClause } from '../../domain/policy/policy-decision.ts';
import { sourceOf } from '../../domain/identity/source.ts';
import type { Events, StreamFacts } from '../../ports/platform/events.ts';
import { decisionLevel, decisionLine } from './decision-line.ts';
import { cut, describeCause } from './describe-cause.ts';
import type { LogLevel } from './logger.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Noise } from './noise.ts';

/** Most secret names one line lists; `count` says how many there were. */
const MAX_NAMES = 20;

interface Parts {
  readonly logger: Logger;
  readonly noise: Pick<Noise, 'write'>;
  readonly faults: Pick<Noise, 'write'>;
  readonly metrics: Metrics;
}

export function telemetryEvents({ logger, noise, faults, metrics }: Parts): Events {
  /** Lines of streams are sampled by caller, within the bounds of the caller's namespace. */
  const ofStream = (
    level: LogLevel,
    event: string,
    facts: StreamFacts & Readonly<Record<string, unknown>>,
    message: string,
  ): void =>
    noise.write({ level, message, facts: { event, ...facts }, group: namespaceOf(facts.caller), kind: facts.caller });

  return {
    decided(record, { durationMs, cause, counted }) {
      const { api, outcome } = record;
      const reason = record.outcome === 'issued' ? 'none' : record.reason;
      metrics.count('decisions', { api, outcome, reason });
      const issuer = record.outcome === 'issued' ? record.issuerName : record.policy?.issuer;
      metrics.count('issuerDecisions', { issuer: issuer ?? 'none', outcome });
      metrics.observe('decisionDuration', durationMs / 1000, { api, outcome });
      countClauses(metrics, record.policy?.failures, 'refused');
      countClauses(metrics, record.policy?.audits, 'audited');
      if (counted === true) return;
      const message = record.outcome === 'issued' ? 'certificate issued' : 'request refused';
      logger[decisionLevel(record)](decisionLine(record, durationMs, cause), message);
    },
    refusalsCounted(record) {
      logger[decisionLevel(record)]({ event: 'refusalsCounted', ...record }, 'requests refused');
    },
    identityOverdue({ identity, cluster, podName, nodeName, serial, issuedMs, renewalMs, notAfterMs }) {
      const pod = { ...(podName !== undefined && { podName }), ...(nodeName !== undefined && { nodeName }) };
      const times = { issuedMs, renewalMs, notAfterMs };
      const facts = { event: 'identityOverdue', identity, cluster, ...pod, serial, ...times };
      noise.write({ level: 'warn', message: 'renewal overdue', facts, group: namespaceOf(identity), kind: identity });
    },
    newIdentityNodePair({ identity, cluster, podName, podUid, nodeName, relay, serial, issuedMs, decisionId }) {
      metrics.count('anomalies', { kind: 'new_pair' });
      const relayed = relay !== undefined && { relay };
      const facts = { event: 'newIdentityNodePair', identity, cluster, nodeName, podName, podUid, ...relayed };
      noise.write({
        level: 'warn',
        message: 'identity on a node where it never was',
        facts: { ...facts, serial, issuedMs, decisionId },
        group: namespaceOf(identity),
        kind: identity,
      });
    },
    rogueFound({ name, place, ...rogue }) {
      const facts = { event: 'rogueFound', ...rogue, name: cut(name), place: cut(place) };
      // Whoever may make Secrets plants any number of them.
      noise.write({ level: 'warn', message: 'rogue CA found', facts, group: ROGUES, kind: rogue.kind });
    },
    connectionRefused({ listener, remoteAddress, problem }) {
      metrics.count('connectionsRefused', { listener });
      const facts = { event: 'connectionRefused', listener, remoteAddress, problem: cut(problem) };
      const kind = `${listener} ${sourceOf(remoteAddress)} ${facts.problem}`;
      noise.write({ level: 'info', message: 'connection refused', facts, group: STRANGERS, kind });
    },
    requestDropped({ listener, remoteAddress, reason }) {
      metrics.count('requestsDropped', { listener, reason });
      // Below the usual level: under overload a line for each would be more of it. The metric counts them.
      const facts = { event: 'requestDropped', listener, remoteAddress, reason };
      const kind = `${listener} ${sourceOf(remoteAddress)} ${reason}`;
      noise.write({ level: 'debug', message: 'request dropped', facts, group: STRANGERS, kind });
    },
    noTurn({ cause }) {
      metrics.count('noTurn', { cause });
      // As for what is dropped; whom it was for, the decision says.
      const facts = { event: 'noTurn', cause };
      noise.write({ level: 'debug', message: 'no turn', facts, group: 'turns', kind: cause });
    },
    socketOpened({ path, identity }) {
      logger.info({ event: 'socketOpened', path, identity }, 'SDS socket opened');
    },
    socketClosed({ path, why }) {
      logger.info({ event: 'socketClosed', path, why: cut(why) }, 'SDS socket closed');
    },
    socketUnusable({ path, problem }) {
      logger.error({ event: 'socketUnusable', path, problem: cut(problem) }, 'SDS socket cannot be used');
    },
    streamOpened({ streamId, caller, protocol }) {
      metrics.step('streams', 1, { protocol });
      ofStream('info', 'streamOpened', { streamId, caller, protocol }, 'SDS stream opened');
    },
    streamClosed({ streamId, caller, protocol, why }) {
      metrics.step('streams', -1, { protocol });
      ofStream('info', 'streamClosed', { streamId, caller, protocol, why: cut(why) }, 'SDS stream closed');
    },
    secretPushed({ streamId, caller, protocol, names, version }) {
      metrics.count('pushes', {});
      const listed = { names: names.slice(0, MAX_NAMES).map((name) => cut(name)), count: names.length };
      ofStream('info', 'secretPushed', { streamId, caller, protocol, ...listed, version }, 'secrets pushed');
    },
    secretAcknowledged({ streamId, caller, protocol, latencyMs }) {
      metrics.count('acknowledged', {});
      metrics.observe('acknowledgeDuration', latencyMs / 1000, {});
      ofStream('debug', 'secretAcknowledged', { streamId, caller, protocol, latencyMs }, 'secrets acknowledged');
    },
    secretRejected({ streamId, caller, protocol, nodeId, podName, remoteAddress, secrets, message }) {
      metrics.count('rejected', {});
      const proxy = { nodeId: cut(nodeId), ...(podName !== undefined && { podName }), remoteAddress };
      const rejected = secrets.slice(0, MAX_NAMES).map((secret) => ({ ...secret, name: cut(secret.name) }));
      const facts = { streamId, caller, protocol, ...proxy, secrets: rejected, proxyMessage: cut(message) };
      ofStream('warn', 'secretRejected', facts, 'secrets rejected by the proxy');
    },
    secretUnavailable({ streamId, caller, protocol, name, why }) {
      metrics.count('unavailable', {});
      const facts = { streamId, caller, protocol, name: cut(name), why: cut(why) };
      ofStream('warn', 'secretUnavailable', facts, 'secret unavailable');
    },
    secretInvalid({ identity, problem }) {
      metrics.count('invalid', {});
      logger.error(
        { event: 'secretInvalid', identity, problem: cut(problem) },
        'invalid secret stopped before sending',
      );
    },
    tokenReviewed({ outcome }) {
      metrics.count('tokenReviews', { outcome });
      logger.debug({ event: 'tokenReviewed', outcome }, 'token reviewed');
    },
    refusalNotReported({ why }) {
      metrics.count('refusalsNotReported', { why });
      // The refusal itself has its line, and under a flood one more for each would be more of it.
      logger.debug({ event: 'refusalNotReported', why }, 'refusal not reported as an Event');
    },
    requestGivenUp({ kind, request, signer, certificates, problem }) {
      metrics.count('requestsGivenUp', { kind });
      // Whoever makes such requests can make many.
      const facts = { event: 'requestGivenUp', request, signer, certificates, problem: cut(problem) };
      const group = `${kind} ${request.split('/').slice(0, -1).join('/')}`;
      noise.write({ level: 'error', message: 'signing request given up', facts, group, kind: request });
    },
    reloaded({ source, revision }) {
      metrics.count('reloads', { source, outcome: 'applied' });
      logger.info({ event: 'reloaded', source, revision }, 'reloaded');
    },
    reloadFailed({ source, problem, kept = true }) {
      metrics.count('reloads', { source, outcome: 'failed' });
      logger.error(
        { event: 'reloadFailed', source, problem: cut(problem), kept },
        kept ? 'reload failed: the last good version stays' : 'reload failed: there is no good version',
      );
    },
    issuerInForce({ name, issuer, notAfterMs }) {
      metrics.set('issuerNotAfter', notAfterMs / 1000, { issuer: name });
      metrics.set('issuerKeyAvailable', 1, { issuer: name });
      logger.info({ event: 'issuerInForce', name, issuer, notAfterMs }, 'issuer in force');
    },
    issuerMoved({ name, issuer, from, to, actor, reason }) {
      metrics.count('issuerMoves', { issuer: name, state: to });
      const facts = { event: 'issuerMoved', name, issuer, from, to, actor: cut(actor), reason: cut(reason) };
      logger[to === 'active' ? 'info' : 'warn'](facts, `issuer is ${to}`);
    },
    rotationMoved({ rotation, from, to, actor, reason }) {
      metrics.count('rotationMoves', { phase: to });
      const facts = { event: 'rotationMoved', rotation, from, to, actor: cut(actor), reason: cut(reason) };
      logger.warn(facts, `rotation of trust anchors is in phase ${to}`);
    },
    bridgeChanged({ act, rotation, certificate, actor, reason }) {
      const facts = { event: 'bridgeChanged', act, rotation, certificate, actor: cut(actor), reason: cut(reason) };
      logger.warn(facts, act === 'bridge' ? 'rotation has a bridge' : 'bridge of the rotation taken back');
    },
    banChanged({ act, id, kind, target, actor, reason }) {
      metrics.count('banChanges', { act, kind });
      const facts = { event: 'banChanged', act, id, kind, target: cut(target), actor: cut(actor), reason: cut(reason) };
      logger.warn(facts, act === 'revoke' ? 'revoked' : 'revocation taken back');
    },
    observed({ reader, refused, source }) {
      metrics.count('observation', { reader, outcome: refused ? 'refused' : 'answered' });
      const facts = { event: 'observed', reader, refused, source };
      if (!refused) {
        logger.debug(facts, 'page read');
        return;
      }
      // A stranger, or a scraper with the wrong token, asks again and again.
      noise.write({ level: 'warn', message: 'page refused to a stranger', facts, group: STRANGERS, kind: source });
    },
    signIn({ way, outcome, role, actor, source, problem, cause }) {
      metrics.count('signIns', { way, outcome });
      const facts = {
        event: 'signIn',
        way,
        outcome,
        source,
        ...(role !== undefined && { role }),
        ...(actor !== undefined && { actor: cut(actor) }),
        ...(problem !== undefined && { problem: cut(problem) }),
        ...(cause !== undefined && { cause: describeCause(cause) }),
      };
      if (outcome === 'signed_in') logger.info(facts, 'signed in to the console');
      // A stranger can try again and again.
      else noise.write({ level: 'warn', message: 'not signed in', facts, group: STRANGERS, kind: `${way} ${source}` });
    },
    administered({ role, outcome }) {
      metrics.count('administration', { role, outcome });
      // What changes something is in the journal.
      logger.debug({ event: 'administered', role, outcome }, 'operator asked');
    },
    bundleInForce({ digest, anchors, notAfterMs }) {
      metrics.set('trustAnchorNotAfter', notAfterMs / 1000);
      logger.info({ event: 'bundleInForce', digest, anchors, notAfterMs }, 'trust bundle in force');
    },
    trustWarning({ problem }) {
      metrics.count('trustWarnings', {});
      logger.warn({ event: 'trustWarning', problem: cut(problem) }, 'trust material needs a look');
    },
    auditWarning({ problem }) {
      metrics.count('auditWarnings', {});
      logger.warn({ event: 'auditWarning', problem: cut(problem) }, 'the proof of the journal needs a look');
    },
    issuerKeyLost({ name, problem }) {
      metrics.count('issuerKeyLosses', { issuer: name });
      metrics.set('issuerKeyAvailable', 0, { issuer: name });
      logger.error(
        { event: 'issuerKeyLost', name, problem: cut(problem) },
        'the signing key does not answer: the issuer signs nothing until it is back',
      );
    },
    issuerKeyBack({ name }) {
      metrics.set('issuerKeyAvailable', 1, { issuer: name });
      logger.info({ event: 'issuerKeyBack', name }, 'the signing key is back');
    },
    issuerStranded({ issuer, subject, signedBy }) {
      metrics.count('strandedIssuers', {});
      logger.error(
        { event: 'issuerStranded', issuer, subject: cut(subject), signedBy: cut(signedBy) },
        'leaves may live whose chain leads to no trust anchor any more: put the anchor back until they are over',
      );
    },
    objectPublished({ object, place, change }) {
      metrics.count('publications', { object, change });
      const facts = { event: 'objectPublished', object, place, change };
      noise.write({ level: 'info', message: 'published', facts, group: 'publication', kind: `${object} ${change}` });
    },
    publicationFailed({ object, place, problem }) {
      metrics.count('publicationFailures', { object });
      const facts = { event: 'publicationFailed', object, place, problem: cut(problem) };
      const kind = `${object} failed`;
      noise.write({ level: 'error', message: 'cannot be published yet', facts, group: 'publication', kind });
    },
    publicationContested({ object, place, by, advice }) {
      metrics.count('publicationsContested', { object });
      logger.error(
        { event: 'publicationContested', object, place, by: cut(by), advice },
        'another writes what we publish: we stop, and try again in ten minutes',
      );
    },
    rootsLate({ digest, lacking, waitedMs }) {
      metrics.count('rootsLate', {});
      logger.error(
        { event: 'rootsLate', digest, ...(lacking !== undefined && { lacking }), waitedMs },
        'trust anchors come in force and are not published everywhere',
      );
    },
    policyInForce({ revision, policyBundle, softExpiryMs, hardExpiryMs }) {
      metrics.set('policyBundleSoftExpiry', softExpiryMs / 1000);
      metrics.set('policyBundleHardExpiry', hardExpiryMs / 1000);
      logger.info({ event: 'policyInForce', revision, policyBundle, softExpiryMs, hardExpiryMs }, 'policies in force');
    },
    policyMissing({ owner, problem }) {
      metrics.count('reloads', { source: 'policy', outcome: 'failed' });
      logger.error(
        { event: 'policyMissing', owner, problem: cut(problem) },
        'local policies cannot be read and no good ones are kept: who depends on them is refused',
      );
    },
    policyNotKept({ owner, problem }) {
      logger.error(
        { event: 'policyNotKept', owner, problem: cut(problem) },
        'local policies are in force and cannot be kept for a restart',
      );
    },
    policyDrifted(facts) {
      logger.warn({ event: 'policyDrifted', ...facts }, 'a policy in force is not as it should be');
    },
    policyDriftOver(facts) {
      logger.info({ event: 'policyDriftOver', ...facts }, 'the policies in force are as they should be again');
    },
    policyDriftUnknown({ problem }) {
      logger.error(
        { event: 'policyDriftUnknown', problem: cut(problem) },
        'the policies that should be in force cannot be read: no drift is noticed',
      );
    },
    policyBundleExpiring({ policyBundle, hardExpiryMs }) {
      logger.warn(
        { event: 'policyBundleExpiring', policyBundle, hardExpiryMs },
        'the policy bundle is past its soft expiry: have a newer one signed',
      );
    },
    policyTimeSetBack({ atMs, fromMs }) {
      logger.warn(
        { event: 'policyTimeSetBack', atMs, fromMs },
        'an operator set the time by which policy bundles are judged back to the clock',
      );
    },
    policyBundleUnsigned({ place }) {
      logger.warn({ event: 'policyBundleUnsigned', place }, 'the policy bundle is not signed: for development only');
    },
    remoteCluster({ cluster, state, ...more }) {
      logger.info({ event: 'remoteCluster', cluster, state, ...more }, `remote cluster ${state}`);
    },
    remoteClusterFailed({ cluster, problem }) {
      logger.error(
        { event: 'remoteClusterFailed', cluster, problem: cut(problem) },
        'the kubeconfig of a remote cluster is not taken: what it said before stays',
      );
    },
    watchFailing({ cluster, kind, problem }) {
      logger.warn(
        { event: 'watchFailing', cluster, kind, problem: cut(problem) },
        'the API server cannot be followed: what was last known stays, and grows old',
      );
    },
    watchRecovered({ cluster, kind }) {
      logger.info({ event: 'watchRecovered', cluster, kind }, 'the API server is followed again');
    },
    objectsLeftOut({ cluster, kind, namespace }) {
      logger.warn(
        { event: 'objectsLeftOut', cluster, kind, namespace },
        'the namespace has more objects than are kept of it: those beyond count as absent',
      );
    },
    watchRestarted({ cluster, kind, reason }) {
      metrics.count('watchRestarts', { cluster, reason });
      logger.debug({ event: 'watchRestarted', cluster, kind, reason }, 'watch restarted');
    },
    identityClosed(record) {
      metrics.count('identitiesClosed', { reason: record.reason });
      logger.info({ event: 'identityClosed', ...record }, 'identity closed');
    },
    journalFailing({ problem }) {
      metrics.set('journalFailing', 1);
      logger.error({ event: 'journalFailing', problem: cut(problem) }, 'the issuance journal fails: nothing is issued');
    },
    journalRecovered() {
      metrics.set('journalFailing', 0);
      logger.info({ event: 'journalRecovered' }, 'the issuance journal works again');
    },
    journalCheck({ state, bytes, elapsedMs }) {
      logger.info({ event: 'journalCheck', state, bytes, elapsedMs }, 'the issuance journal is checked');
    },
    lifecycle({ phase, detail }) {
      const facts = { event: 'lifecycle', phase };
      logger.info(detail === undefined ? facts : { ...facts, detail: cut(detail) }, phase);
    },
    workerServes({ slot, pid }) {
      logger.info({ event: 'workerServes', slot, pid }, 'worker serves');
    },
    workerLost({ slot, pid, why }) {
      metrics.count('workersLost', {});
      logger.error({ event: 'workerLost', slot, pid, why: cut(why) }, 'worker lost: another takes its place');
    },
    workerFailed({ slot, cause }) {
      metrics.count('workersFailed', {});
      logger.error(
        { event: 'workerFailed', slot, cause: describeCause(cause) },
        'worker cannot start: it is tried again, more and more slowly',
      );
    },
    unexpected({ where, cause }) {
      metrics.count('unexpected', { where });
      const facts = { event: 'unexpected', where, cause: describeCause(cause) };
      // A fault that a client found can be caused again and again.
      faults.write({ level: 'error', message: 'unexpected error', facts, group: 'faults', kind: where });
    },
  };
}

/** The group of noise by callers of whom nothing is known. */
const STRANGERS = 'strangers';
/** That of what whoever may make objects in the cluster plants. */
const ROGUES = 'rogue CAs';

function namespaceOf(spiffeId: string): string {
  return `namespace ${/\/ns\/([^/]+)\//.exec(spiffeId)?.[1] ?? ''}`;
}

/** Most clauses of one decision that are counted; more are in its record. */
const MAX_CLAUSES = 20;

function countClauses(metrics: Metrics, clauses: readonly FailedClause[] = [], effect: 'refused' | 'audited'): void {
  for (const { policy, reason } of clauses.slice(0, MAX_CLAUSES)) {
    metrics.count('policyClauses', { policy: withoutSequence(policy), reason, effect });
  }
}

/** A new bundle goes on with the series of the old one. */
function withoutSequence(policy: string): string {
  return policy.replace(/@\d+$/, '');
}
