// Whether the workload behind a caller is still there: asked after a caller has proven who it is, and again before each
// certificate that a stream is given, because credentials outlive pods.
import type { Caller } from '../../domain/identity/caller.ts';
import type { GoneCallers } from '../surface/surface.ts';

/** That a caller's workload is there, as of when. */
export interface Standing {
  /** How long its cluster had not been heard by then, in ms; absent when it was followed. */
  readonly clusterStaleMs?: number;
}

export interface Attestation {
  /**
   * Callers of whom no API server vouched have no standing to lose.
   * @throws AuthorityError CAP-A11 or CAP-A12 when its workload is gone, CAP-A14 when its cluster is not known any more,
   *   CAP-S13 when that cannot be known now; the signal's reason when it aborts.
   */
  demand(caller: Caller, options: { readonly signal: AbortSignal }): Promise<Standing>;
  /** Calls `listener` within a turn of the news, until the signal aborts. */
  onGone(listener: (gone: GoneCallers) => void, options: { readonly signal: AbortSignal }): void;
}

export const THERE: Standing = {};

/** Where no cluster is asked. */
export const NO_ATTESTATION: Attestation = {
  demand: async () => THERE,
  onGone: () => undefined,
};
