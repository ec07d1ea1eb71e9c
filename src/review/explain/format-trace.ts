// A decision in words: one sentence for what was asked, one for every clause that failed, one for every
// object of the cluster that was looked at.
import type { WaivedClause, FailedClause, Grant, Layer, PolicyReason } from '../../domain/policy/policy-decision.ts';
import { formatLabels } from '../../domain/policy/evaluation/snapshot-reader.ts';
import type { SubjectPod } from '../../domain/policy/subject-pods.ts';
import type { ObjectReference } from '../../domain/cluster/snapshot.ts';
import type { PolicyTrace } from '../../ports/storage/issuance-journal.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import { formatKeyType } from '../../domain/x509/key-types.ts';
import { formatDuration } from '../../domain/text/duration.ts';
import { formatQuotas, formatTtl } from './format-limits.ts';
import type { TracedDecision } from './traced-decision.ts';

const POLICY_OF: Readonly<Record<Layer, string>> = {
  central: 'the bundle',
  cluster: 'cluster policy',
  namespace: 'namespace policy',
};

/** Clauses on what the request says; the others are on what was found in the cluster or left by other policies. */
const ON_THE_REQUEST: readonly PolicyReason[] = [
  'CAP-P01',
  'CAP-P02',
  'CAP-P03',
  'CAP-P04',
  'CAP-P06',
  'CAP-P08',
  'CAP-P09',
];

/** @returns lines; those that begin with spaces belong to the one before them that does not. */
export function formatTrace(decision: TracedDecision): readonly string[] {
  const { title, trace, obstacle, grant, met = [] } = decision;
  const { failures = [], audits = [], waived = [], objects = [], pods = [] } = trace;
  return [
    `${title}.`,
    '',
    formatRequest(trace),
    ...formatChoice(trace),
    formatApplied(decision),
    ...(obstacle === undefined ? [] : ['', `No clause of policy stood in the way, but: ${obstacle}.`]),
    ...(grant === undefined ? [] : ['', formatGrant(grant)]),
    ...section('Refused because', obstacle === undefined ? failures.map(withReason) : []),
    ...section('Would be refused, were it enforced', audits.map(withReason)),
    ...section('Waived, because the identity has a certificate', waived.map(formatWaived)),
    ...section('Conditions that hold', met),
    ...section('Pods that it is for', pods.map(formatPod)),
    ...section('Looked at', objects.map(formatObject)),
  ];
}

/** Which layer and policy says what, what was found, what would pass and whom to ask. */
export function formatClause(clause: FailedClause): string {
  const { reason, layer, policy, field, actual, allowed, change, contact, mayPassLater } = clause;
  const [says, saw] = ON_THE_REQUEST.includes(reason) ? ['allows', 'was asked for'] : ['demands', 'found'];
  return [
    `${POLICY_OF[layer]} ${policy} at ${field} ${says} ${allowed}; it ${saw}: ${actual}; to pass: ${change}`,
    contact === undefined ? '' : `; ask ${contact}`,
    mayPassLater ? '; it may pass later, when the cluster changes' : '',
    '.',
  ].join('');
}

function withReason(clause: FailedClause): string {
  return `${clause.reason} ${formatClause(clause)}`;
}

export function formatObject({ kind, namespace, name, uid, resourceVersion }: ObjectReference): string {
  const place = namespace === undefined ? name : `${namespace}/${name}`;
  return `${kind} ${place} (uid ${uid}, resourceVersion ${resourceVersion})`;
}

function formatPod({ name, uid, resourceVersion, labels, images }: SubjectPod): string {
  const known = `${name} (uid ${uid}, resourceVersion ${resourceVersion})`;
  return `${known}: labels ${formatLabels(labels)}; images ${images.join(' ') || 'unknown'}`;
}

function formatWaived({ key, sinceMs }: WaivedClause): string {
  return `${key}, which last held at ${formatTime(sinceMs)}`;
}

function formatRequest({ subject, class: name, key, requestedTtlMs, dnsNames, actor, issuer }: PolicyTrace): string {
  const lifetime =
    requestedTtlMs === undefined ? 'for no lifetime in particular' : `for ${formatDuration(requestedTtlMs)}`;
  return [
    `${actor === undefined ? subject : `${actor}, on behalf of ${subject},`} asked for a certificate`,
    ` of class ${name} with an ${formatKeyType(key)} key from issuer ${issuer}, ${lifetime}`,
    dnsNames === undefined ? '' : `, with DNS names ${dnsNames.join(' ')}`,
    '.',
  ].join('');
}

/** Nothing where there was no choice. */
function formatChoice({ issuer, issuerChoice }: PolicyTrace): readonly string[] {
  if (issuerChoice === undefined) return [];
  const { why, limitedBy } = issuerChoice;
  if (why === 'none-allowed')
    return [
      `Issuer ${issuer} is the default one: policies allow none of the server's, limited by ${limitedBy.join(', ')}.`,
    ];
  if (why === 'named') return [`Issuer ${issuer} is the one that the request named.`];
  const by = limitedBy.length === 0 ? 'none of them limits the issuer' : `limited by ${limitedBy.join(', ')}`;
  return [`Issuer ${issuer} was chosen, the first in the server's configuration that policies allow: ${by}.`];
}

function formatApplied({ trace: { applied, bundle, snapshot, clusterStaleMs }, revision }: TracedDecision): string {
  const found = applied.length === 0 ? 'nothing in it applies to this identity' : `${applied.join(', ')} applied`;
  const age = clusterStaleMs === undefined ? '' : `, which was ${Math.round(clusterStaleMs / 1_000)} s old`;
  return `Policy revision ${revision} of bundle ${bundle} was asked over cluster snapshot ${snapshot}${age}: ${found}.`;
}

function formatGrant({ ttl, usages, quotas }: Grant): string {
  const limits = [formatTtl(ttl), `for ${usages.join(', ')}`, formatQuotas(quotas) ?? 'without a quota'];
  return `It may have a certificate: ${limits.join('; ')}.`;
}

function section(heading: string, sentences: readonly string[]): readonly string[] {
  return sentences.length === 0 ? [] : ['', `${heading}:`, ...sentences.map((sentence) => `  ${sentence}`)];
}
