// The policies in force: bundle, cluster and namespace policies as one revision, all or nothing of each owner. A
// source that meets a broken edit keeps its owner's last good revision and says so.
import type { PolicySet } from '../../domain/policy/policy-set.ts';

/** Whether the policies that may apply to subjects of a namespace are others than before. */
export type PolicyChange = (namespace: string) => boolean;

export interface PolicySource {
  /** @throws AuthorityError `not_ready` (CAP-S02) before the first revision is loaded. */
  current(): PolicySet;
  /** The moment by which the bundle's validity is judged: the latest at which it ever was, or the clock's if that is later. */
  policyBundleTimeMs(): number;
  /** Calls `listener` after each change, until the signal aborts. */
  onChange(listener: (change: PolicyChange) => void, options: { readonly signal: AbortSignal }): void;
}
