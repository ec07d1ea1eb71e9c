// The certificate that each identity has now: policy treats asking again as a renewal.
import type { CurrentCertificate } from '../../domain/policy/request.ts';

/**
 * For an implementer of a shared store: the journal's records are the truth, and what is remembered beside them is
 * there to answer sooner. What this process has issued is seen by its next question; an answer may lag behind what
 * another replica issued a moment ago. It is never of a certificate that was not issued, and an error is never an
 * answer of "none": policy would take a renewal for a first request. Asking twice is harmless.
 */
export interface CurrentCertificates {
  /**
   * @param identity SPIFFE ID.
   * @returns its newest certificate that is valid at `nowMs`, also one from before a restart; none that was issued to a
   *   caller of a remote cluster, where the same identity is another workload.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when the record cannot be read now, or too many reads
   *   wait already; the signal's reason when it aborts.
   */
  currentCertificateOf(
    identity: string,
    nowMs: number,
    options: { readonly signal: AbortSignal },
  ): Promise<CurrentCertificate | undefined>;
}
