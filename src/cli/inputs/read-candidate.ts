// The candidate that recorded decisions are put to, out of files.
import type { ClusterFacts } from '../../domain/policy/documents.ts';
import type { Candidate } from '../../review/sources/candidate.ts';
import { UnusableInput } from '../problems.ts';

export interface CandidateFiles {
  readonly bundle: string;
  /** Files and directories of local policies. */
  readonly policies: readonly string[];
  /** A directory of Kubernetes manifests; without it, what depends on the cluster cannot be judged. */
  readonly manifests?: string;
  readonly cluster: ClusterFacts;
}

/** @throws CommandError 2 when anything of it cannot be used, with every problem. */
export async function readCandidate({ bundle, policies, manifests, cluster }: CandidateFiles): Promise<Candidate> {
  // Loaded here: they bring the parsers, which no other command waits for.
  const [{ readBundleTexts, readTexts }, { readManifestTexts }, { candidateOf }] = await Promise.all([
    import('./read-texts.ts'),
    import('./read-manifests.ts'),
    import('../../review/sources/candidate.ts'),
  ]);
  const candidate = candidateOf({
    policies: await readTexts(policies),
    bundle: await readBundleTexts(bundle),
    cluster,
    whyUnknown: 'it depends on the cluster: give --cluster',
    ...(manifests !== undefined && { manifests: await readManifestTexts([manifests]) }),
  });
  if ('problems' in candidate) throw new UnusableInput('policies and manifests', candidate.problems);
  return candidate;
}
