// Which rules and policies apply to a subject, and what they allow together.
import { meet, UNBOUNDED, type Bounds } from '../bounds.ts';
import type { Condition } from '../condition.ts';
import type { Layer, PolicyDecision } from '../policy-decision.ts';
import type { ClassAssignment, NamespaceSelector, Quotas } from '../documents.ts';
import { admits, matchesAny } from '../name-patterns.ts';
import type { PolicySet } from '../policy-set.ts';
import type { IssuanceClass, PolicyRequest } from '../request.ts';
import { selectsPod } from '../subject-pods.ts';
import { hasLabels, SnapshotReader, type Asking } from './snapshot-reader.ts';
import type { ClusterSnapshot, ObjectReference } from '../../cluster/snapshot.ts';
import type { PolicyStatement } from './statement.ts';

type Subject = PolicyRequest['subject'];

/** The statements that apply to a subject, in their fixed order. */
export interface ApplicableStatements {
  readonly class: IssuanceClass;
  /** The class and, where it was added by the labels of a pod, `workload` before it. */
  readonly classes: readonly IssuanceClass[];
  readonly statements: readonly PolicyStatement[];
  /** Rules that would give an identity but for labels, class or service account. */
  readonly nearMisses: readonly PolicyStatement[];
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

export function applicableTo(policies: PolicySet, asking: Asking, snapshot: ClusterSnapshot): Applicable {
  const reader = new SnapshotReader(snapshot, asking);
  const applicable = findApplicable(policies, asking.subject, reader);
  const enforced = applicable.statements.filter(({ mode }) => mode === 'enforce');
  return {
    class: applicable.class,
    bounds: enforced.reduce((bounds, statement) => meet(bounds, statement.bounds), UNBOUNDED),
    granted: applicable.statements.some(({ grants }) => grants),
    applied: applicable.statements.map(({ title }) => title),
    conditions: applicable.statements.flatMap((statement) =>
      statement.conditions
        .filter(({ mode }) => mode !== 'off')
        .map((condition) => ({
          key: conditionKey(statement, condition),
          layer: statement.layer,
          policy: statement.policy,
          condition,
        })),
    ),
    quotas: quotasOf(policies, enforced),
    objects: reader.seen,
    ...(reader.unsynced !== undefined && { unsynced: reader.unsynced }),
  };
}

/** The statements that apply to the subject; rules that are not locked are downgraded to audit in audited namespaces. */
export function findApplicable(policies: PolicySet, subject: Subject, reader: SnapshotReader): ApplicableStatements {
  const classes = classesOf(policies, subject, reader);
  const candidates = policies.statementsFor(subject.namespace);
  const applies = candidates.map((statement) => {
    if (statement.mode === 'enforce') return asItApplies(statement, subject, classes, reader);
    // What is only audited refuses nobody, not even while the cluster cannot be asked.
    return reader.forAudit(() => asItApplies(statement, subject, classes, reader));
  });
  const statements = applies.filter((statement) => statement !== undefined);
  const audited = policies.bundle.namespaces.audit.some((selector) => selects(selector, subject.namespace, reader));
  return {
    class: classes.at(-1) ?? 'workload',
    classes,
    statements: audited ? statements.map(downgradedToAudit) : statements,
    nearMisses: candidates.filter((statement, index) => statement.grants && applies[index]?.grants !== true),
  };
}

/** `<policy> <field>`: names a condition across revisions. */
export function conditionKey(statement: PolicyStatement, { id }: Condition): string {
  return `${statement.policy.replace(/@\d+$/, '')} ${statement.at.own}.conditions.${id}`;
}

export function quotasOf(policies: PolicySet, statements: readonly PolicyStatement[]): Quotas {
  const all = [policies.bundle.namespaces.quotas, ...statements.map(({ quotas }) => quotas)];
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
    .statementsFor(request.subject.namespace)
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

/** What a certificate of the subject is for, as the bundle says by namespace and service account alone. */
export function classOf(
  { bundle }: Pick<PolicySet, 'bundle'>,
  subject: Pick<Subject, 'namespace' | 'serviceAccount'>,
): IssuanceClass {
  return preferred(bundle.classes.filter((entry) => entry.pods === undefined && assigns(entry, subject))) ?? 'workload';
}

/**
 * A class by the labels of pods is added to `workload`: whoever may make a pod may label it, so that such a class must not
 * give more than `workload` does. One pod with the labels is enough, for all of them share the certificate.
 */
function classesOf(policies: PolicySet, subject: Subject, reader: SnapshotReader): readonly IssuanceClass[] {
  const own = classOf(policies, subject);
  if (own !== 'workload') return [own];
  const byPods = policies.bundle.classes.filter(
    (entry) =>
      entry.pods !== undefined &&
      assigns(entry, subject) &&
      reader.pods().some((pod) => selectsPod(entry.pods ?? {}, pod)),
  );
  const added = preferred(byPods);
  return added === undefined ? [own] : [own, added];
}

function assigns(entry: ClassAssignment, { namespace, serviceAccount }: Pick<Subject, 'namespace' | 'serviceAccount'>) {
  return matchesAny(entry.namespaces, namespace) && matchesAny(entry.serviceAccounts, serviceAccount);
}

function preferred(assigned: readonly ClassAssignment[]): IssuanceClass | undefined {
  return ASSIGNABLE.find((name) => assigned.some((entry) => entry.class === name));
}

/** @returns the statement, without what it gives where it is only there to take away; nothing where it does not apply. */
function asItApplies(
  statement: PolicyStatement,
  subject: Subject,
  classes: readonly IssuanceClass[],
  reader: SnapshotReader,
): PolicyStatement | undefined {
  const [own = 'workload'] = classes;
  if (!statement.classes.some((name) => classes.includes(name))) return undefined;
  if (!admits(statement.serviceAccounts, subject.serviceAccount)) return undefined;
  const { namespaceLabels } = statement;
  if (namespaceLabels !== undefined && !hasLabels(namespaceLabels, reader.labelsOfNamespace(subject.namespace))) {
    return undefined;
  }
  const selected = selectedPods(statement, reader);
  if (selected === 'none') return undefined;
  const gives = statement.classes.includes(own) && selected === 'all';
  return gives || !statement.grants ? statement : { ...statement, grants: false };
}

/**
 * Of the pods that share a certificate: what is given is given to all of them, what is taken from one from all. Where nobody
 * knows which they are, they may be any.
 */
function selectedPods({ pods: selector }: PolicyStatement, reader: SnapshotReader): 'all' | 'some' | 'none' {
  if (selector === undefined) return 'all';
  if (reader.podsAreUnknown) return 'some';
  const pods = reader.pods();
  const selected = pods.filter((pod) => selectsPod(selector, pod)).length;
  if (selected === 0) return 'none';
  return selected === pods.length ? 'all' : 'some';
}

function selects({ names, labels }: NamespaceSelector, namespace: string, reader: SnapshotReader): boolean {
  if (names !== undefined && !matchesAny(names, namespace)) return false;
  return labels === undefined || hasLabels(labels, reader.labelsOfNamespace(namespace));
}

function downgradedToAudit(statement: PolicyStatement): PolicyStatement {
  return statement.locked ? statement : { ...statement, mode: 'audit' };
}
