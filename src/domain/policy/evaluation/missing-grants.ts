// What must be there before anything can be narrowed: a rule that gives the identity, a namespace's own
// policy where the bundle asks for one, an issuer under the anchor that the bundle pins.
import type { ApplicableStatements } from './applicable.ts';
import type { FailedClause } from '../policy-decision.ts';
import type { BundleIssuer, Labels } from '../documents.ts';
import { admits } from '../name-patterns.ts';
import { compareText } from '../../text/compare-text.ts';
import { matchesCluster, type PolicySet } from '../policy-set.ts';
import type { PolicyRequest } from '../request.ts';
import { formatLabels, hasLabels, type SnapshotReader } from './snapshot-reader.ts';
import { selectsPod, type PodSelector, type SubjectPod } from '../subject-pods.ts';
import type { PolicyStatement } from './statement.ts';

function central({ bundle, bundleName }: PolicySet, clause: Omit<FailedClause, 'layer' | 'policy' | 'contact'>) {
  return { layer: 'central', policy: bundleName, contact: bundle.owner.contact, ...clause } as const;
}

/** Most rules whose near miss is reported. */
const MAX_NEAR_MISSES = 3;

export function noRule(
  policies: PolicySet,
  request: PolicyRequest,
  applicable: ApplicableStatements,
  reader: SnapshotReader,
): FailedClause | undefined {
  if (applicable.statements.some(({ grants }) => grants)) return undefined;
  const { namespace, serviceAccount } = request.subject;
  const near = applicable.nearMisses
    .slice(0, MAX_NEAR_MISSES)
    .map((statement) => nearMiss(statement, request, applicable, reader));
  const byLabel = near.find(({ change }) => change !== undefined);
  return central(policies, {
    reason: 'CAP-P01',
    field: 'rules',
    actual: [
      `${applicable.class} ${namespace}/${serviceAccount}`,
      ...(byLabel === undefined ? [] : [byLabel.actual]),
    ].join(', '),
    allowed: near.length > 0 ? near.map(({ allowed }) => allowed).join('; ') : `namespaces ${namesOf(policies)}`,
    change:
      byLabel?.change ??
      (near.length > 0 ? 'make it match a rule' : 'run it in a namespace that a rule names, or have one added'),
    mayPassLater: byLabel !== undefined,
  });
}

interface NearMiss {
  readonly allowed: string;
  /** Of the namespace, where its labels keep the rule from applying. */
  readonly actual?: string;
  readonly change?: string;
}

/** Only what keeps the rule from applying. */
function nearMiss(
  statement: PolicyStatement,
  { subject }: PolicyRequest,
  applicable: ApplicableStatements,
  reader: SnapshotReader,
): NearMiss {
  const { at, classes, namespaceLabels, serviceAccounts, pods } = statement;
  const elsewhere = [
    // A class that labels of pods added gives nothing.
    ...(classes.includes(applicable.classes[0] ?? applicable.class) ? [] : [`class ${classes.join(' or ')}`]),
    ...(admits(serviceAccounts, subject.serviceAccount)
      ? []
      : [`service accounts ${serviceAccounts.flat().join(' ')}`]),
  ];
  if (elsewhere.length > 0) return { allowed: `${at.own} for ${elsewhere.join(', ')}` };
  const byNamespace =
    namespaceLabels === undefined ? undefined : nearByNamespace(at.own, namespaceLabels, subject, reader);
  return byNamespace ?? nearByPods(at.own, pods ?? {}, reader);
}

function nearByNamespace(
  own: string,
  namespaceLabels: Labels,
  subject: PolicyRequest['subject'],
  reader: SnapshotReader,
): NearMiss | undefined {
  if (hasLabels(namespaceLabels, reader.labelsOfNamespace(subject.namespace))) return undefined;
  const wanted = formatLabels(namespaceLabels);
  const namespace = reader.find({ kind: 'Namespace', name: subject.namespace });
  const has =
    namespace === undefined
      ? 'a namespace that is not known'
      : `a namespace with ${labelsLike(namespaceLabels, namespace.metadata.labels ?? {})}`;
  return {
    allowed: `${own} for namespaces labelled ${wanted}`,
    actual: `in ${has}`,
    change: `label the namespace ${wanted}`,
  };
}

function nearByPods(own: string, selector: PodSelector, reader: SnapshotReader): NearMiss {
  const wanted = formatPodSelector(selector);
  const pods = reader.pods();
  if (pods.length === 0 && !reader.lacksPods) return { allowed: `${own} for pods ${wanted}` };
  const other = pods.find((pod) => !selectsPod(selector, pod)) ?? pods[0];
  return {
    allowed: `${own} for pods ${wanted}`,
    actual: `in ${other === undefined ? 'a pod that is not known' : podLike(selector, other)}`,
    change: `have every pod of the identity be one ${wanted}`,
  };
}

export function formatPodSelector({ labels, images }: PodSelector): string {
  return [
    ...(labels === undefined ? [] : [`labelled ${formatLabels(labels)}`]),
    ...(images === undefined
      ? []
      : [`that run ${images.length === 1 ? 'the listed image' : `one of ${images.length} listed images`} only`]),
  ].join(' and ');
}

/** Of the pod, what the rule asks for. */
function podLike({ labels, images }: PodSelector, pod: SubjectPod): string {
  const words = [
    ...(labels === undefined ? [] : [labelsLike(labels, pod.labels)]),
    ...(images === undefined ? [] : [`images ${pod.images.join(' ') || 'unknown'}`]),
  ];
  return `pod ${pod.name} with ${words.join(' and ')}`;
}

/** Of the labels, those that the rule asks for. */
function labelsLike(wanted: Labels, labels: Labels): string {
  const shown = Object.keys(wanted).flatMap((name) =>
    Object.hasOwn(labels, name) ? [[name, labels[name] ?? '']] : [],
  );
  return shown.length === 0 ? 'no such label' : `labels ${formatLabels(Object.fromEntries(shown) as Labels)}`;
}

/** Of the rules for this cluster. */
function namesOf({ bundle, cluster }: PolicySet): string {
  const granting = bundle.rules.filter((rule) => rule.bounds !== undefined && rule.mode === 'enforce');
  const here = granting.filter((rule) => matchesCluster(rule, cluster));
  if (here.length === 0) return granting.length === 0 ? 'none' : `none in cluster ${cluster.id}`;
  return [...new Set(here.flatMap(({ match }) => match.namespaces.names ?? ['*']))].sort(compareText).join(' ');
}

export function localNeeded(
  policies: PolicySet,
  request: PolicyRequest,
  applicable: ApplicableStatements,
): FailedClause | undefined {
  if (!policies.bundle.namespaces.requireLocal || applicable.statements.some(({ layer }) => layer === 'namespace'))
    return undefined;
  const { namespace } = request.subject;
  return central(policies, {
    reason: 'CAP-P10',
    field: 'namespaces.requireLocal',
    actual: `no IssuancePolicy in ${namespace} applies to ${request.subject.serviceAccount}`,
    allowed: 'an IssuancePolicy of the namespace',
    change: `add an IssuancePolicy to namespace ${namespace}`,
    mayPassLater: true,
  });
}

/** @returns why the bundle does not take the issuer as it is: under another anchor, or with more CAs below it than it allows. */
export function unfitIssuer(policies: PolicySet, { issuer }: Pick<PolicyRequest, 'issuer'>): FailedClause | undefined {
  const demanded = policies.bundle.issuers.find(({ name }) => name === issuer.name);
  // Of one that cannot sign now nothing is there that could be judged.
  if (demanded === undefined || issuer.unavailable !== undefined) return undefined;
  return wrongAnchor(policies, issuer, demanded) ?? wrongPathLength(policies, issuer, demanded);
}

function wrongAnchor(
  policies: PolicySet,
  issuer: PolicyRequest['issuer'],
  { anchor }: BundleIssuer,
): FailedClause | undefined {
  if (anchor === undefined || issuer.anchors.includes(anchor)) return undefined;
  return central(policies, {
    reason: 'CAP-P08',
    field: `issuers.${issuer.name}.anchor`,
    actual: issuer.anchors.map((digest) => `sha256:${digest.slice(0, 16)}`).join(' ') || 'none',
    allowed: `sha256:${anchor.slice(0, 16)}`,
    change: 'have the issuer signed under the anchor that the bundle pins',
    mayPassLater: false,
  });
}

function wrongPathLength(
  policies: PolicySet,
  { name, pathLength = 0 }: PolicyRequest['issuer'],
  { maxPathLength = Infinity }: BundleIssuer,
): FailedClause | undefined {
  if (pathLength <= maxPathLength) return undefined;
  return central(policies, {
    reason: 'CAP-P08',
    field: `issuers.${name}.maxPathLength`,
    actual: pathLength === Infinity ? 'no path length' : `pathlen:${pathLength}`,
    allowed: `at most pathlen:${maxPathLength}`,
    change: `ask the CA above for an intermediate with pathlen:${maxPathLength} in its basicConstraints`,
    mayPassLater: false,
  });
}
