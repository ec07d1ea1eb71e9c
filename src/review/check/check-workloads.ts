// What each workload of a set of manifests would be given: the request it would make, and what the evaluator
// says to it, before anything runs.
import type { KindTable } from '../../adapters/kubernetes/manifests/kind-table.ts';
import { snapshotOf } from '../../adapters/kubernetes/manifests/manifest-snapshot.ts';
import type { Manifests, PlacedObject } from '../../adapters/kubernetes/manifests/read-manifests.ts';
import { workloadsIn, type Unjudged, type Workload } from '../../adapters/kubernetes/manifests/workloads.ts';
import { applicableTo, type Applicable } from '../../domain/policy/evaluation/applicable.ts';
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import { evaluate } from '../../domain/policy/evaluation/evaluate.ts';
import type { IssuanceClass } from '../../domain/policy/request.ts';
import { compareText } from '../../domain/text/compare-text.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import { requestFrom, subjectOfServiceAccount, type RequestSettings } from '../requests/assumed-request.ts';

export interface CheckInput {
  readonly manifests: Pick<Manifests, 'objects' | 'problems'>;
  readonly policies: PolicySet;
  readonly settings: RequestSettings;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Where objects of kinds that Capstan does not know describe pods. */
  readonly kinds?: KindTable;
  /** Only workloads of this class. */
  readonly class?: IssuanceClass;
}

export type CheckedWorkload =
  | {
      readonly workload: Workload;
      readonly decision: PolicyDecision;
      /** What policy says of it whatever it asks for. */
      readonly applicable: Applicable;
    }
  /** It can have no identity at all. */
  | { readonly workload: Workload; readonly problem: string };

export interface CheckedManifests {
  /** By namespace, kind and name. */
  readonly checked: readonly CheckedWorkload[];
  /** Objects that name a service account and could not be judged. */
  readonly unjudged: readonly Unjudged[];
}

export function checkManifests(input: CheckInput): CheckedManifests {
  const { workloads, unjudged } = workloadsIn(input.manifests.objects, input.kinds);
  const all = checkWorkloads(workloads, input);
  return { checked: all.filter((one) => input.class === undefined || classOf(one) === input.class), unjudged };
}

function classOf(checked: CheckedWorkload): IssuanceClass | undefined {
  return 'decision' in checked ? checked.decision.class : undefined;
}

function checkWorkloads(unsorted: readonly Workload[], input: CheckInput): readonly CheckedWorkload[] {
  const { objects, problems } = input.manifests;
  const found = [...unsorted].sort((a, b) => compareText(workloadName(a), workloadName(b)));
  const bare = new Set<unknown>(found.map(({ pod }) => pod));
  const manifests = objects.filter(({ object }) => !bare.has(object));
  const workloads = withPodNames(found, manifests);
  const pods = workloads.flatMap(({ pod, position }) => (pod === undefined ? [] : [{ object: pod, position }]));
  // What is not found may stand in what could not be read.
  const [first] = problems;
  const incomplete = first && `${first.position.place} cannot be read`;
  const snapshot = snapshotOf([...manifests, ...pods], { incomplete });
  return workloads.map((workload) => checkWorkload(workload, snapshot, input));
}

/** As kubectl calls it, in its namespace. */
export function workloadName({ namespace, kind, name }: Workload): string {
  return `${namespace}/${kind}/${name}`;
}

/** A Deployment and a Job may share a name, and so would their pods: here no two pods of a namespace do. */
function withPodNames(workloads: readonly Workload[], manifests: readonly PlacedObject[]): readonly Workload[] {
  const pods = manifests.map(({ object }) => object).filter(({ kind }) => kind === 'Pod');
  const taken = new Set(pods.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`));
  return workloads.map((workload) => {
    if (workload.pod === undefined) return workload;
    const { metadata } = workload.pod;
    let { name } = metadata;
    for (let count = 2; taken.has(`${workload.namespace}/${name}`); count += 1) name = `${metadata.name}-${count}`;
    taken.add(`${workload.namespace}/${name}`);
    return { ...workload, pod: { ...workload.pod, metadata: { ...metadata, name } } };
  });
}

function checkWorkload(
  workload: Workload,
  snapshot: ClusterSnapshot,
  { policies, settings, nowMs }: CheckInput,
): CheckedWorkload {
  const subject = subjectOfServiceAccount(settings.trustDomain, workload.namespace, workload.serviceAccount);
  if ('problem' in subject) return { workload, problem: subject.problem };
  const claims = { ...(workload.pod !== undefined && { podName: workload.pod.metadata.name }), ...settings.claims };
  const request = requestFrom({ ...settings, claims }, subject, policies, snapshot, nowMs);
  return {
    workload,
    decision: evaluate(policies, request, snapshot),
    applicable: applicableTo(policies, request, snapshot),
  };
}
