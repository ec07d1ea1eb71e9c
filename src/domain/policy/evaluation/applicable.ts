// Which rules and policies speak of a subject, and what they allow together.
import { meet, UNBOUNDED, type Bounds } from '../bounds.ts';
import type { Condition } from '../condition.ts';
import type { Layer, PolicyDecision } from '../policy-decision.ts';
import type { ClassAssignment, NamespaceSelector, Quotas } from '../documents.ts';
import { admits, matchesAny } from '../name-patterns.ts';
import type { PolicySet } from '../policy-set.ts';
import type { IssuanceClass, PolicyRequest } from '../request.ts';
import { hasLabels, Sight } from './snapshot-reader.ts';
import type { ClusterSnapshot, ObjectReference } from '../../cluster/snapshot.ts';
import type { Voice } from './statement.ts';

type Subject = PolicyRequest['subject'];

/** The voices that speak of a subject, in their fixed order. */
export interface Hearing {
  readonly class: IssuanceClass;
  readonly voices: readonly Voice[];
  /** Rules that would give an identity but for labels, class or service account. */
  readonly missed: readonly Voice[];
}

/** What policy says of a subject before it asks for anything. */
export interface Applicable {
  readonly class: IssuanceClass;
  /** The meet of everything that is enforced; meaningless when nothing grants. */
  readonly bounds: Bounds;
  /** Whether any rule gives this subject an identity. */
  readonly granted: boolean;
  /** As in PolicyDecision. */
  readonly applied: readonly string[];
  readonly conditions: readonly {
    readonly key: string;
    readonly layer: Layer;
    readonly policy: string;
    readonly condition: Condition;
  }[];
  readonly quotas: Quotas;
  readonly objects: readonly ObjectReference[];
  /** Why labels could not be asked. */
  readonly unsynced?: string;
}

/** Classes in the order in which they are preferred, when a subject is assigned to several. */
const ASSIGNABLE: readonly ClassAssignment['class'][] = ['control-plane', 'waypoint', 'gateway'];

export function applicableTo(policies: PolicySet, subject: Subject, snapshot: ClusterSnapshot): Applicable {
  const sight = new Sight(snapshot);
  const hearing = hear(policies, subject, sight);
  const enforced = hearing.voices.filter(({ mode }) => mode === 'enforce');
  return {
    class: hearing.class,
    bounds: enforced.reduce((bounds, voice) => meet(bounds, voice.bounds), UNBOUNDED),
    granted: hearing.voices.some(({ grants }) => grants),
    applied: hearing.voices.map(({ title }) => title),
    conditions: hearing.voices.flatMap((voice) =>
      voice.conditions
        .filter(({ mode }) => mode !== 'off')
        .map((condition) => ({
          key: conditionKey(voice, condition),
          layer: voice.layer,
          policy: voice.policy,
          condition,
        })),
    ),
    quotas: quotasOf(policies, enforced),
    objects: sight.seen,
    ...(sight.blind !== undefined && { unsynced: sight.blind }),
  };
}

/** The voices that speak of the subject, rules of audited namespaces in their softened mode. */
export function hear(policies: PolicySet, subject: Subject, sight: Sight): Hearing {
  const issuanceClass = classOf(policies, subject);
  const candidates = policies.voicesFor(subject.namespace);
  const speaks = candidates.map((voice) => {
    if (voice.mode === 'enforce') return speaksOf(voice, subject, issuanceClass, sight);
    // What is only audited refuses nobody, not even while the cluster cannot be asked.
    return sight.quietly(() => speaksOf(voice, subject, issuanceClass, sight)) ?? false;
  });
  const voices = candidates.filter((_, index) => speaks[index] === true);
  const audited = policies.bundle.namespaces.audit.some((selector) => selects(selector, subject.namespace, sight));
  return {
    class: issuanceClass,
    voices: audited ? voices.map(softened) : voices,
    missed: candidates.filter((voice, index) => voice.grants && speaks[index] === false),
  };
}

/** `<policy> <field>`: names a condition across revisions. */
export function conditionKey(voice: Voice, { id }: Condition): string {
  return `${voice.policy.replace(/@\d+$/, '')} ${voice.at.own}.conditions.${id}`;
}

export function quotasOf(policies: PolicySet, voices: readonly Voice[]): Quotas {
  const all = [policies.bundle.namespaces.quotas, ...voices.map(({ quotas }) => quotas)];
  return {
    perNamespacePerMinute: Math.min(...all.map(({ perNamespacePerMinute }) => perNamespacePerMinute)),
    perIdentityPerMinute: Math.min(...all.map(({ perIdentityPerMinute }) => perIdentityPerMinute)),
  };
}

/** Quotas that are counted by themselves; without a policy they are the bundle's. */
export interface CountedQuotas {
  readonly policy: string | undefined;
  readonly quotas: Quotas;
}

/** What the certificate of a decision counts in: the bundle's quotas first, then those of each policy that applied. */
export function quotasToCount(
  policies: PolicySet,
  { request, applied }: Pick<PolicyDecision, 'request' | 'applied'>,
): readonly CountedQuotas[] {
  const local = policies
    .voicesFor(request.subject.namespace)
    .filter(({ mode, quotas }) => mode === 'enforce' && limits(quotas))
    .filter(({ title }) => applied.includes(title));
  return [
    { policy: undefined, quotas: policies.bundle.namespaces.quotas },
    ...local.map(({ title, quotas }) => ({ policy: title, quotas })),
  ];
}

function limits({ perNamespacePerMinute, perIdentityPerMinute }: Quotas): boolean {
  return perNamespacePerMinute !== Infinity || perIdentityPerMinute !== Infinity;
}

/** What a certificate of the subject is for, as the bundle tells. */
export function classOf(
  { bundle }: Pick<PolicySet, 'bundle'>,
  { namespace, serviceAccount }: Pick<Subject, 'namespace' | 'serviceAccount'>,
): IssuanceClass {
  const assigned = bundle.classes.filter(
    (entry) => matchesAny(entry.namespaces, namespace) && matchesAny(entry.serviceAccounts, serviceAccount),
  );
  return ASSIGNABLE.find((name) => assigned.some((entry) => entry.class === name)) ?? 'workload';
}

function speaksOf(voice: Voice, subject: Subject, issuanceClass: IssuanceClass, sight: Sight): boolean {
  if (!voice.classes.includes(issuanceClass)) return false;
  if (!admits(voice.serviceAccounts, subject.serviceAccount)) return false;
  const { namespaceLabels } = voice;
  return namespaceLabels === undefined || hasLabels(namespaceLabels, sight.labelsOfNamespace(subject.namespace));
}

function selects({ names, labels }: NamespaceSelector, namespace: string, sight: Sight): boolean {
  if (names !== undefined && !matchesAny(names, namespace)) return false;
  return labels === undefined || hasLabels(labels, sight.labelsOfNamespace(namespace));
}

function softened(voice: Voice): Voice {
  return voice.locked ? voice : { ...voice, mode: 'audit' };
}
