// Whether trust anchors are where relying parties look for them; every process can see that.
import type { TrustBundle } from '../../domain/trust/bundle.ts';

export interface PublishedRoots {
  /** @returns how many places lack one of these anchors; nothing while that cannot be known. */
  lacking(bundle: TrustBundle): number | undefined;
  /** Calls `listener` after what is there may have changed, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
