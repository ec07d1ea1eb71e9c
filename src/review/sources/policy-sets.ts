// Bundle and local policies as one revision, the way the server assembles them, for the tools that judge.
import { assemble } from '../../adapters/policy/source/assemble-policies.ts';
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import { audienceProblem } from '../../domain/policy/bundle/audience.ts';
import type { ClusterFacts } from '../../domain/policy/documents.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import type { Problem } from '../../domain/text/position.ts';
import { parseBundle, parseTexts, type BundleTexts, type SourceText } from './policy-texts.ts';

export interface PolicySources {
  /** With one PolicyBundle; its signature is not asked for. */
  readonly bundle: BundleTexts;
  /** Local policies: those of a folder apply to the namespace of its name only. */
  readonly policies: readonly SourceText[];
  readonly cluster: ClusterFacts;
}

export interface AssembledPolicies {
  /** Absent when there is any problem: a revision is all or nothing. */
  readonly set?: PolicySet;
  readonly bundle?: ParsedDocument;
  /** The local policies. */
  readonly documents: readonly ParsedDocument[];
  readonly problems: readonly Problem[];
}

export function assembleTexts({ bundle: central, policies, cluster }: PolicySources): AssembledPolicies {
  const local = parseTexts(policies);
  const { documents } = local;
  const { bundle, problems: own } = parseBundle(central);
  const problems = [...own, ...local.problems];
  if (bundle === undefined || problems.length > 0) return { documents, problems };
  const set = assemble({ bundle: bundle.document, bundleDigest: bundle.digest, documents, cluster });
  return 'problems' in set ? { bundle, documents, problems: set.problems } : { set, bundle, documents, problems };
}

/** How a person says it differently, for the end of a problem's sentence: `--cluster-id`. */
export interface ValidityHints {
  readonly cluster: string;
  readonly now: string;
}

/**
 * Policies that the server would judge by: whole, of a bundle that is meant for the cluster and has begun. What the
 * server would not let come in force must not pass a check either.
 * @param nowMs milliseconds since the epoch.
 */
export function policiesInForce(
  sources: PolicySources,
  nowMs: number,
  hints?: ValidityHints,
): PolicySet | { readonly problems: readonly Problem[] } {
  const { set, bundle, problems } = assembleTexts(sources);
  if (set === undefined || bundle === undefined) return { problems };
  const found = validityProblems(bundle, set, nowMs, hints);
  return found.length > 0 ? { problems: found } : set;
}

/** Why the bundle is not in force there and then. Its expiry is no problem: it refuses with a reason of its own. */
function validityProblems(
  parsed: ParsedDocument,
  { bundle, cluster: { id } }: PolicySet,
  nowMs: number,
  hints?: ValidityHints,
): readonly Problem[] {
  const foreign = audienceProblem(bundle, id);
  const early = `has not come: it is ${formatTime(nowMs)}${inBrackets(hints?.now)}`;
  const found = [
    ...(foreign === undefined
      ? []
      : [{ path: ['audience', 'clusters'], problem: `${foreign}${inBrackets(hints?.cluster)}` }]),
    ...(nowMs >= bundle.validity.notBeforeMs ? [] : [{ path: ['validity', 'notBefore'], problem: early }]),
  ];
  return found.map(({ path, problem }) => ({ position: parsed.locate(path), path: path.join('.'), problem }));
}

function inBrackets(hint: string | undefined): string {
  return hint === undefined ? '' : ` (${hint})`;
}
