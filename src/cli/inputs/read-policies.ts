// Bundle and local policies as one revision, the way the server assembles them, for the tools that judge.
import { assemble } from '../../adapters/policy/source/assemble-policies.ts';
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import type { ClusterFacts } from '../../domain/policy/documents.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Problem } from '../../domain/text/position.ts';
import { readBundle, readDocuments } from './read-documents.ts';

export interface LoadedPolicies {
  /** Absent without a bundle, and when there is any problem: a revision is all or nothing. */
  readonly set?: PolicySet;
  readonly bundle?: ParsedDocument;
  /** The local policies. */
  readonly documents: readonly ParsedDocument[];
  readonly problems: readonly Problem[];
}

/**
 * @param bundle a file with one PolicyBundle; its signature is not asked for.
 * @param policies files, and directories of local policies: a folder in one belongs to the namespace of its name.
 * @throws CommandError 2 naming a path that cannot be read.
 */
export async function loadPolicies({
  bundle: bundleFile,
  policies,
  cluster,
}: {
  readonly bundle?: string;
  readonly policies: readonly string[];
  readonly cluster: ClusterFacts;
}): Promise<LoadedPolicies> {
  const local = await readDocuments(policies);
  const { documents } = local;
  if (bundleFile === undefined) return { documents, problems: local.problems };
  const central = await readBundle(bundleFile);
  const problems = [...central.problems, ...local.problems];
  const { bundle } = central;
  if (bundle === undefined || problems.length > 0) return { documents, problems };
  const set = assemble({ bundle: bundle.document, bundleDigest: bundle.digest, documents, cluster });
  return 'problems' in set ? { bundle, documents, problems: set.problems } : { set, bundle, documents, problems };
}
