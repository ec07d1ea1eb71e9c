// What each workload of a set of manifests would be given: the question it would ask, and what the evaluator
// says to it, before anything runs.
import { snapshotOf } from '../../adapters/kubernetes/manifests/manifest-snapshot.ts';
import type { Manifests, PlacedObject } from '../../adapters/kubernetes/manifests/read-manifests.ts';
import type { FoundWorkloads, Workload } from '../../adapters/kubernetes/manifests/workloads.ts';
import { applicableTo, type Applicable } from '../../domain/policy/evaluation/applicable.ts';
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import { evaluate } from '../../domain/policy/evaluation/evaluate.ts';
import { compareText } from '../../domain/text/compare-text.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import { requestFrom, type RequestOptions } from '../../cli/options/request-options.ts';
import { subjectOf } from '../requests/assumed-request.ts';

export type CheckedWorkload =
  | {
      readonly workload: Workload;
      readonly decision: PolicyDecision;
      /** What policy says of it whatever it asks for. */
      readonly applicable: Applicable;
    }
  /** It can have no identity at all. */
  | { readonly workload: Workload; readonly problem: string };

/** @param workloads of the manifests. @returns them by namespace, kind and name. */
export function checkWorkloads(
  { workloads: unsorted }: Pick<FoundWorkloads, 'workloads'>,
  { objects, problems }: Pick<Manifests, 'objects' | 'problems'>,
  policies: PolicySet,
  options: RequestOptions,
  nowMs: number,
): readonly CheckedWorkload[] {
  const found = [...unsorted].sort((a, b) => compareText(nameOf(a), nameOf(b)));
  const bare = new Set<unknown>(found.map(({ pod }) => pod));
  const manifests = objects.filter(({ object }) => !bare.has(object));
  const workloads = withPodNames(found, manifests);
  const pods = workloads.flatMap(({ pod, position }) => (pod === undefined ? [] : [{ object: pod, position }]));
  // What is not found may stand in what could not be read.
  const [first] = problems;
  const snapshot = snapshotOf([...manifests, ...pods], first && `${first.position.place} cannot be read`);
  return workloads.map((workload) => checkWorkload(workload, policies, snapshot, options, nowMs));
}

/** As kubectl calls it, in its namespace. */
export function nameOf({ namespace, kind, name }: Workload): string {
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
  policies: PolicySet,
  snapshot: ClusterSnapshot,
  options: RequestOptions,
  nowMs: number,
): CheckedWorkload {
  const subject = subjectOf(options.trustDomain, workload.namespace, workload.serviceAccount);
  if ('problem' in subject) return { workload, problem: subject.problem };
  const claim = { ...(workload.pod !== undefined && { podName: workload.pod.metadata.name }), ...options.claim };
  const request = requestFrom({ ...options, claim }, subject, policies.bundle, nowMs);
  return {
    workload,
    decision: evaluate(policies, request, snapshot),
    applicable: applicableTo(policies, subject, snapshot),
  };
}
