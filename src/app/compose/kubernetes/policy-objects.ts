// Local policies as objects of the cluster, in place of a folder of files.
import { PolicyObjects } from '../../../adapters/kubernetes/objects/policy-objects.ts';
import { countedDecisions, PolicyDayCounts } from '../../../adapters/kubernetes/objects/status/day-counts.ts';
import { policyCrds, SCHEMA_ANNOTATION } from '../../../adapters/policy/crd/policy-crds.ts';
import { ObjectOwners } from '../../../adapters/policy/objects/object-owners.ts';
import { MAX_BYTES_OF_NAMESPACES, NAMESPACE_BOUNDS } from '../../../adapters/policy/source/read-owners.ts';
import { MAX_POLICIES } from '../../../adapters/policy/source/assemble-policies.ts';
import { relayedPolicyCounter } from '../../../adapters/processes/relays/policy-counts.ts';
import type { Config } from '../../../config/schema.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { DecisionObserver } from '../../../ports/policy/decision-observer.ts';
import type { PolicyCounter } from '../../../ports/policy/policy-counter.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from './kubernetes.ts';

export interface LocalPolicyObjectsOfCluster {
  readonly objects: PolicyObjects;
  readonly documents: ObjectOwners;
  /** How often each applied, for its status. */
  readonly counts: PolicyCounter;
  readonly counting: DecisionObserver;
  /** Begins to follow, and waits a moment until it is known which there are; the server starts without as well. */
  readonly start: (options: { readonly signal: AbortSignal }) => Promise<void>;
}

/** @returns nothing where policies are not taken from the cluster. */
export function composePolicyObjects(
  { cluster }: Config,
  { watching: clock, random, events, health, startWait, running, worker }: Foundation,
  kubernetes: Kubernetes | undefined,
): LocalPolicyObjectsOfCluster | undefined {
  if (kubernetes === undefined || !cluster.kubernetes.policies) return undefined;
  const { maxFiles: maxObjects, maxBytes } = NAMESPACE_BOUNDS;
  const objects = new PolicyObjects(
    { api: kubernetes.api, clock, random, events, cluster: cluster.id },
    {
      bounds: {
        namespace: { maxObjects, maxBytes },
        cluster: { maxObjects: MAX_POLICIES, maxBytes: MAX_BYTES_OF_NAMESPACES },
      },
      crds: {
        annotation: SCHEMA_ANNOTATION,
        values: new Map(
          policyCrds().map(({ metadata }) => [metadata.name, metadata.annotations[SCHEMA_ANNOTATION] ?? '']),
        ),
      },
    },
  );
  const counts =
    worker === undefined
      ? new PolicyDayCounts(clock)
      : relayedPolicyCounter({ link: worker.link, clock }, { signal: running });
  health.report('policy objects', () => degradedBy(objects.problem));
  return {
    objects,
    documents: new ObjectOwners({ objects, clock, running }),
    counts,
    counting: countedDecisions(counts),
    start: async (options) => {
      objects.start({ signal: running });
      await startWait.until(async (either) => objects.known(either), options);
    },
  };
}
