// The status of policy objects, written by the process that leads.
import type { KeptPolicy } from '../../../adapters/kubernetes/objects/kept-policy.ts';
import type { JudgedPolicy } from '../../../adapters/kubernetes/objects/status/policy-status.ts';
import { PolicyStatusWriter } from '../../../adapters/kubernetes/objects/status/status-writer.ts';
import type { AssembledPolicySource } from '../../../adapters/policy/source/assembled-policy-source.ts';
import { formatOwner, CLUSTER_LAYER } from '../../../adapters/policy/source/owner.ts';
import { whileLeading } from '../../../authority/chores/while-leading.ts';
import type { PolicySet } from '../../../domain/policy/policy-set.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { ClusterView } from '../../../ports/policy/cluster-view.ts';
import { judgePolicy, type PolicyStanding } from '../../../review/standing/judge-policy.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import type { Policy } from '../policy/policy.ts';

interface Former {
  readonly cluster: Cluster;
  readonly policy: Policy;
}

export function composePolicyStatus(
  { clock, health, startUp, running: signal }: Foundation,
  { cluster: { kubernetes, view }, policy }: Former,
): void {
  if (kubernetes === undefined || policy.objects === undefined) return;
  const { objects, counts } = policy.objects;
  const judge = statusJudge(policy.policies, view, (object) => objects.placeOf(object.metadata));
  const writer = new PolicyStatusWriter({ api: kubernetes.api, objects, judge, counts, clock });
  startUp.at('load', () => {
    policy.policies.onChange(() => writer.reevaluate(), { signal });
    let unsynced = unsyncedOf(view);
    view.onChange(
      () => {
        if (unsynced !== unsyncedOf(view)) writer.reevaluate();
        unsynced = unsyncedOf(view);
      },
      { signal },
    );
    void whileLeading({ lease: kubernetes.lease, clock }, async (leading) => writer.run(leading), { signal });
  });
  health.report('policy status', () => degradedBy(writer.problem));
}

/** What was judged of an object against a bundle is remembered for as long as both are the same. */
function statusJudge(
  source: AssembledPolicySource,
  view: ClusterView,
  placeOf: (object: KeptPolicy) => string,
): (object: KeptPolicy) => JudgedPolicy {
  const known = new WeakMap<KeptPolicy, { readonly bundle: string; readonly standing: PolicyStanding }>();
  const digests = new WeakMap<PolicySet, ReadonlySet<string>>();
  const inForce = (policies: PolicySet): ReadonlySet<string> => {
    const found = digests.get(policies) ?? new Set(policies.local.map(({ digest }) => digest));
    digests.set(policies, found);
    return found;
  };
  return (object) => {
    const policies = source.current();
    const { text = '', metadata } = object;
    const before = known.get(object);
    const standing =
      before?.bundle === policies.bundleDigest ? before.standing : judgePolicy(text, placeOf(object), policies);
    known.set(object, { bundle: policies.bundleDigest, standing });
    const owner = formatOwner(metadata.namespace ?? CLUSTER_LAYER);
    return {
      ...standing,
      problems: object.text === undefined ? [] : standing.problems,
      isInForce: standing.digest !== undefined && inForce(policies).has(standing.digest),
      why: source.troubles.find((trouble) => trouble.owner === owner)?.problem,
      bundle: policies.bundleName,
      unsynced: unsyncedOf(view),
    };
  };
}

function unsyncedOf(view: ClusterView): string | undefined {
  const { unsynced, incomplete } = view.current();
  return unsynced ?? incomplete;
}
