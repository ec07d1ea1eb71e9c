// What an identity was last given: policy treats asking again as a renewal.
import type { HeldCertificate } from '../domain/policy/request.ts';

export interface IssuanceHistory {
  /**
   * @param identity SPIFFE ID.
   * @returns its newest certificate that is valid at `nowMs`, also one from before a restart.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when the record cannot be read.
   */
  heldBy(identity: string, nowMs: number): HeldCertificate | undefined;
}
