// What recorded decisions are put to again: policies, and what is known of the cluster.
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Problem } from '../../domain/text/position.ts';
import { snapshotFrom, type ManifestTexts } from './manifest-texts.ts';
import { assembleTexts, type AssembledPolicies, type PolicySources } from './policy-sets.ts';

export interface CandidateSources extends PolicySources {
  /** Without them, what depends on the cluster cannot be judged. */
  readonly manifests?: ManifestTexts;
  /** Why a condition on the cluster cannot be judged without manifests, and what to do about it, in a sentence. */
  readonly whyUnknown: string;
}

export interface Candidate {
  readonly policies: PolicySet;
  readonly documents: AssembledPolicies['documents'];
  readonly bundle: AssembledPolicies['bundle'];
  readonly snapshot: ClusterSnapshot;
}

/** @returns every problem when anything of it cannot be used. */
export function candidateOf(sources: CandidateSources): Candidate | { readonly problems: readonly Problem[] } {
  const { set, bundle, documents, problems } = assembleTexts(sources);
  const cluster = snapshotFrom(sources.manifests, sources.whyUnknown);
  if (set === undefined || 'problems' in cluster) {
    return { problems: [...problems, ...('problems' in cluster ? cluster.problems : [])] };
  }
  return { policies: set, bundle, documents, snapshot: cluster.snapshot };
}
