// How one local policy stands against the bundle in force: for its author, before it is applied and after. What it exceeds
// has no effect whatever is said here; to say it is a convenience.
import { parsePolicyObject } from '../../adapters/policy/objects/parse-objects.ts';
import { bundleFor, effectiveBounds, formatEffective } from '../../domain/policy/comparison/rule-grants.ts';
import { exceeds, type Exceeding } from '../../domain/policy/comparison/exceeds.ts';
import { impossible } from '../../domain/policy/comparison/impossible.ts';
import type { ClusterFacts, LocalPolicy, PolicyBundle } from '../../domain/policy/documents.ts';
import { isWritten } from '../sources/finding-places.ts';

export interface PolicyStanding {
  /** Of what was judged, as in `PolicySet.local`; absent when it is no policy. */
  readonly digest?: string;
  /** What keeps it from being a policy, each with its field, which is empty for the document itself. */
  readonly problems: readonly { readonly field: string; readonly problem: string }[];
  /** Where it asks for more than the bundle gives. */
  readonly exceeding: readonly Exceeding[];
  /** In words: how it leaves nothing to all whom it applies to. */
  readonly warnings: readonly string[];
  /** By field, as `formatEffective`; empty when nobody whom it applies to can have an identity. */
  readonly effective: ReadonlyMap<string, string>;
}

/**
 * @param text a local policy as JSON.
 * @param bundle absent while none is loaded: the policy is judged by itself then.
 */
export function judgePolicy(
  text: string,
  place: string,
  { bundle, cluster }: { readonly bundle: PolicyBundle | undefined; readonly cluster: ClusterFacts },
): PolicyStanding {
  const { documents, problems } = parsePolicyObject(text, place);
  const [written] = documents;
  const none = { exceeding: [], warnings: [], effective: new Map<string, string>() };
  if (written === undefined) {
    return { ...none, problems: problems.map(({ path, problem }) => ({ field: path, problem })) };
  }
  const { document: policy, digest } = written;
  if (policy.kind === 'PolicyBundle') {
    return { ...none, problems: [{ field: 'kind', problem: 'is a PolicyBundle, which no local policy can be' }] };
  }
  if (bundle === undefined) return { ...none, digest, problems: [] };
  const here = bundleFor(cluster, bundle);
  const bounds = effectiveBounds(policy, here);
  return {
    digest,
    problems: [],
    exceeding: exceeds(policy, here, (field) => isWritten(written, field)),
    warnings: warningsOf(policy, here),
    effective: bounds.length === 0 ? new Map() : formatEffective(bounds),
  };
}

function warningsOf(policy: LocalPolicy, bundle: PolicyBundle): readonly string[] {
  const found = impossible(bundle, [policy]).filter(({ document, certain }) => document === policy && certain);
  return found.map(
    ({ field, left, with: other }) => `${field}: leaves ${left}${other === undefined ? '' : ` with ${other}`}`,
  );
}
