// Whether trust anchors are where relying parties look for them; every process can see that.
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import type { PublishedPlace } from '../../domain/trust/rotation/published-place.ts';

export interface PublishedRoots {
  /** @returns how many places lack one of these anchors; nothing while that cannot be known. */
  lacking(bundle: TrustBundle): number | undefined;
  /** Calls `listener` after what is there may have changed, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}

/** Every place where trust anchors are for others to read, as it is now, whichever server wrote it. */
export interface AnchorPlaces {
  /** @returns nothing while that cannot be known. */
  places(options: { readonly signal: AbortSignal }): Promise<readonly PublishedPlace[] | undefined>;
}
