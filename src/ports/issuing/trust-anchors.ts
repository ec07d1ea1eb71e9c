// What relying parties of this mesh trust.
import type { TrustBundle } from '../../domain/trust/bundle.ts';

export interface TrustAnchors {
  /** Whether an anchor that is not self-signed may end a path; only proxies that verify by plain trusted_ca take one. */
  readonly partialAnchors: boolean;
  /** The trust bundle in force; the last good one when a newer one is broken. @throws AuthorityError CAP-S01 before the first. */
  current(): TrustBundle;
  /** Calls `listener` after each change, until the signal aborts. */
  onChange(listener: (bundle: TrustBundle) => void, options: { readonly signal: AbortSignal }): void;
}
