// Whose a local policy file is: its folder says so, never what it says of itself. What one owner gets wrong
// must not touch another.
import { isDnsLabel } from '../../../domain/text/dns-label.ts';

/** What no namespace can be called: stands for those who own everything outside the folders of namespaces. */
export const CLUSTER_LAYER = '*';

/** @param file path below the directory of local policies, with `/` between folders; absent when it comes from none. */
export function ownerOf(file: string | undefined): string {
  const [folder = '', ...below] = file?.split('/') ?? [];
  return below.length > 0 && isDnsLabel(folder) ? folder : CLUSTER_LAYER;
}

/** For operators. */
export function formatOwner(owner: string): string {
  return owner === CLUSTER_LAYER ? 'the cluster layer' : `namespace ${owner}`;
}
