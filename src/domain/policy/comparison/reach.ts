// Whom a rule or a local policy applies to, as a set: by class, namespace, service account and cluster.
import {
  admitsNobody,
  coversLabels,
  coversNames,
  coversPatterns,
  coversPods,
  shareLabels,
  sharePatterns,
  sharePods,
} from './limits.ts';
import { labelsOrNone, formatNames, formatPatterns } from './formats.ts';
import type { CentralRule, ClusterSelector, LocalPolicy, NamespaceSelector } from '../documents.ts';
import { formatPodSelector } from '../evaluation/missing-grants.ts';
import { meetNames, type NameLimit } from '../name-patterns.ts';
import type { PodSelector } from '../subject-pods.ts';
import type { IssuanceClass } from '../request.ts';

export interface Reach {
  readonly classes: readonly IssuanceClass[];
  readonly namespaces: NamespaceSelector;
  readonly serviceAccounts: NameLimit;
  readonly clusters: ClusterSelector;
  readonly pods?: PodSelector;
}

/** One part of a reach, with the place where rules write it, and local policies. */
export interface ReachPart {
  readonly rule: string;
  readonly local: string;
  readonly format: (reach: Reach) => string;
  /** Whether whom the part of `inner` admits, that of `outer` admits. */
  readonly covers: (outer: Reach, inner: Reach) => boolean;
}

export const REACH_PARTS: readonly ReachPart[] = [
  {
    rule: 'match.classes',
    local: 'spec.classes',
    format: ({ classes }) => formatPatterns(classes),
    covers: (outer, inner) => inner.classes.every((name) => outer.classes.includes(name)),
  },
  {
    rule: 'match.namespaces.names',
    local: 'spec.namespaces.names',
    format: ({ namespaces }) => formatPatterns(namespaces.names),
    covers: (outer, inner) => coversPatterns(outer.namespaces.names, inner.namespaces.names),
  },
  {
    rule: 'match.namespaces.labels',
    local: 'spec.namespaces.labels',
    format: ({ namespaces }) => labelsOrNone(namespaces.labels),
    covers: (outer, inner) => coversLabels(outer.namespaces.labels, inner.namespaces.labels),
  },
  {
    rule: 'match.serviceAccounts',
    local: 'spec.subjects.serviceAccounts',
    format: ({ serviceAccounts }) => formatNames(serviceAccounts),
    covers: (outer, inner) => coversNames(outer.serviceAccounts, inner.serviceAccounts),
  },
  {
    rule: 'match.pods',
    local: '',
    format: ({ pods }) => (pods === undefined ? 'any' : formatPodSelector(pods)),
    covers: (outer, inner) => coversPods(outer.pods, inner.pods),
  },
  {
    rule: 'match.clusters.ids',
    local: '',
    format: ({ clusters }) => formatPatterns(clusters.ids),
    covers: (outer, inner) => coversPatterns(outer.clusters.ids, inner.clusters.ids),
  },
  {
    rule: 'match.clusters.labels',
    local: '',
    format: ({ clusters }) => labelsOrNone(clusters.labels),
    covers: (outer, inner) => coversLabels(outer.clusters.labels, inner.clusters.labels),
  },
];

export function reachOfRule({ match }: CentralRule): Reach {
  return match;
}

export function reachOfLocal(policy: LocalPolicy): Reach {
  const { classes, serviceAccounts } = policy;
  const namespaces = policy.kind === 'IssuancePolicy' ? { names: [policy.namespace] } : policy.namespaces;
  return { classes, serviceAccounts, namespaces, clusters: {} };
}

export function coversReach(outer: Reach, inner: Reach): boolean {
  return REACH_PARTS.every(({ covers }) => covers(outer, inner));
}

/** Whether somebody may be in both. */
export function shareReach(a: Reach, b: Reach): boolean {
  return (
    a.classes.some((name) => b.classes.includes(name)) &&
    sharePatterns(a.namespaces.names, b.namespaces.names) &&
    shareLabels(a.namespaces.labels, b.namespaces.labels) &&
    !admitsNobody(meetNames(a.serviceAccounts, b.serviceAccounts)) &&
    sharePods(a.pods, b.pods) &&
    sharePatterns(a.clusters.ids, b.clusters.ids) &&
    shareLabels(a.clusters.labels, b.clusters.labels)
  );
}
