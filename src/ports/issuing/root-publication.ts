// Where relying parties find the trust anchors before they have a certificate: in Kubernetes the ConfigMap that each pod of
// the mesh mounts, by which its agent knows this CA and istiod. One process of all writes; every one can see what is there.
import type { TrustBundle } from '../../domain/trust/bundle.ts';

export interface RootPublisher {
  /**
   * Keeps every place as it should be until the signal aborts: what lacks the bundle, or has another one, is written, and
   * what is no place any more is removed if we wrote it. Handles its own errors.
   * @param wanted is asked whenever something is written; `wantedChanged` is called after it may have changed.
   */
  keep(wanted: () => TrustBundle, options: { readonly signal: AbortSignal }): Promise<void>;
  wantedChanged(): void;
}

export interface PublishedRoots {
  /** @returns how many places lack one of these anchors; nothing while that cannot be known. */
  lacking(bundle: TrustBundle): number | undefined;
  /** Calls `listener` after what is there may have changed, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
