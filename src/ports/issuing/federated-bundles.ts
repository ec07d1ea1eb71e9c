// The trust bundles of other trust domains whose callers this mesh accepts: usually none.
import type { TrustBundle } from '../../domain/trust/bundle.ts';

export interface FederatedBundles {
  /** Those in force; one that cannot be read is its last good one, or left out. */
  current(): readonly TrustBundle[];
  /** Calls `listener` after each change, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
