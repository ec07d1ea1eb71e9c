// What recorded decisions are asked again with: policies from files, and what is known of the cluster.
import { unsyncedSnapshot, type ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { ClusterFacts } from '../../domain/policy/documents.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Problem } from '../../domain/text/position.ts';
import { UnusableInput } from '../unusable-input.ts';
import type { LoadedPolicies } from './read-policies.ts';

export interface CandidateFiles {
  readonly bundle: string;
  /** Files and directories of local policies. */
  readonly policies: readonly string[];
  /** A directory of Kubernetes manifests; without it, what depends on the cluster cannot be judged. */
  readonly manifests?: string;
  readonly cluster: ClusterFacts;
}

export interface Candidate {
  readonly policies: PolicySet;
  readonly documents: LoadedPolicies['documents'];
  readonly bundle: LoadedPolicies['bundle'];
  readonly snapshot: ClusterSnapshot;
}

/** @throws CommandError 2 when anything of it cannot be used, with every problem. */
export async function loadCandidate(files: CandidateFiles): Promise<Candidate> {
  // Loaded here: they bring the parsers, which no other command waits for.
  const { loadPolicies } = await import('./read-policies.ts');
  const { set, bundle, documents, problems } = await loadPolicies(files);
  const manifests = await loadManifests(files.manifests);
  const all: readonly Problem[] = [...problems, ...('problems' in manifests ? manifests.problems : [])];
  if (set === undefined || 'problems' in manifests) {
    throw new UnusableInput('policies and manifests', all);
  }
  return { policies: set, bundle, documents, snapshot: manifests.snapshot };
}

async function loadManifests(
  folder: string | undefined,
): Promise<{ readonly snapshot: ClusterSnapshot } | { readonly problems: readonly Problem[] }> {
  if (folder === undefined) return { snapshot: unsyncedSnapshot('it depends on the cluster: give --cluster') };
  const [{ readManifestPaths }, { snapshotOf }] = await Promise.all([
    import('./read-manifests.ts'),
    import('../../adapters/kubernetes/manifests/manifest-snapshot.ts'),
  ]);
  const { objects, problems } = await readManifestPaths([folder]);
  return problems.length > 0 ? { problems } : { snapshot: snapshotOf(objects) };
}
