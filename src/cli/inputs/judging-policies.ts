// Policies that the server would judge by: whole, of a bundle that is meant for the cluster and has begun.
// What the server would not let come in force must not pass a check either.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import type { ClusterFacts, PolicyBundle } from '../../domain/policy/documents.ts';
import { matchesAny } from '../../domain/policy/name-patterns.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Problem } from '../../domain/text/position.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import { loadPolicies } from './read-policies.ts';

/** @throws CommandError 2 naming a path that cannot be read. */
export async function loadJudgingPolicies(
  files: { readonly bundle: string; readonly policies: readonly string[]; readonly cluster: ClusterFacts },
  nowMs: number,
): Promise<PolicySet | { readonly problems: readonly Problem[] }> {
  const { set, bundle, problems } = await loadPolicies(files);
  if (set === undefined || bundle === undefined) return { problems };
  const standing = standingProblems(set.bundle, bundle, files.cluster, nowMs);
  return standing.length > 0 ? { problems: standing } : set;
}

/** Why the bundle is not in force there and then. Its expiry is no problem: it refuses with a reason of its own. */
function standingProblems(
  { audience, validity }: PolicyBundle,
  parsed: ParsedDocument,
  { id }: ClusterFacts,
  nowMs: number,
): readonly Problem[] {
  const foreign = `is meant for ${audience.join(', ')}; this cluster is ${id} (--cluster-id)`;
  const early = `has not come: it is ${formatTime(nowMs)} (--now)`;
  const found = [
    ...(matchesAny(audience, id) ? [] : [{ path: ['audience', 'clusters'], problem: foreign }]),
    ...(nowMs >= validity.notBeforeMs ? [] : [{ path: ['validity', 'notBefore'], problem: early }]),
  ];
  return found.map(({ path, problem }) => ({ position: parsed.locate(path), path: path.join('.'), problem }));
}
