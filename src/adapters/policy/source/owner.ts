// Whose a local policy file is: its folder says so, never what it says of itself. What one owner gets wrong
// must not touch another.

/** What no namespace can be called: stands for those who own everything outside the folders of namespaces. */
export const CLUSTER_LAYER = '*';

/** Kubernetes's label of RFC 1123: what a namespace can be called. */
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export function isNamespace(name: string): boolean {
  return NAMESPACE.test(name);
}

/** @param file path below the directory of local policies, with `/` between folders; absent when it comes from none. */
export function ownerOf(file: string | undefined): string {
  const [folder = '', ...below] = file?.split('/') ?? [];
  return below.length > 0 && isNamespace(folder) ? folder : CLUSTER_LAYER;
}

/** For operators. */
export function formatOwner(owner: string): string {
  return owner === CLUSTER_LAYER ? 'the cluster layer' : `namespace ${owner}`;
}
