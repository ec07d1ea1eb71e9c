// The policies that a server would judge by, and the cluster that it would judge over, out of files.
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Problem } from '../../domain/text/position.ts';
import { snapshotFrom } from '../../review/sources/manifest-texts.ts';
import { policiesInForce } from '../../review/sources/policy-sets.ts';
import { clusterFactsOf, type ClusterOptions } from '../options/cluster-options.ts';
import { readManifestTexts } from './read-manifests.ts';
import { readBundleTexts, readTexts } from './read-texts.ts';

export interface PolicyFileOptions extends ClusterOptions {
  readonly bundle: string;
  /** Files and directories of local policies. */
  readonly policies: readonly string[];
}

/** @throws CommandError 2 naming a path that cannot be read. */
export async function readPoliciesInForce(
  options: PolicyFileOptions,
  nowMs: number,
): Promise<PolicySet | { readonly problems: readonly Problem[] }> {
  const policies = await readTexts(options.policies);
  const bundle = await readBundleTexts(options.bundle);
  const hints = { cluster: '--cluster-id', now: '--now' };
  return policiesInForce({ bundle, policies, cluster: clusterFactsOf(options) }, nowMs, hints);
}

/** @param folder of manifests, when there is one. @throws CommandError 2 when it cannot be read. */
export async function readCluster(folder: string | undefined): Promise<ReturnType<typeof snapshotFrom>> {
  const manifests = folder === undefined ? undefined : await readManifestTexts([folder]);
  return snapshotFrom(manifests, 'no manifests of the cluster are given; name them with --cluster');
}
