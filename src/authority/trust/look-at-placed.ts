// A certificate that lies in a place of its own as a dependant of trust anchors: looked at where it is, because another server, or
// another process, may have put it there.
import { anchorsAbove } from '../../domain/trust/anchors-above.ts';
import type { CertificatePlace } from '../../ports/issuing/certificate-place.ts';
import type { TrustAnchors } from '../../ports/issuing/trust-anchors.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import { chainOf, leafOf } from '../chores/placed-certificate.ts';
import type { CertificateLook } from './own-certificates.ts';

export interface PlacedLookParts {
  readonly place: Pick<CertificatePlace, 'read'>;
  readonly anchors: Pick<TrustAnchors, 'current'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** @param name in words, such as `the certificate of istiod`. */
export function lookAtPlaced({ place, anchors, clock }: PlacedLookParts, name: string): CertificateLook {
  return async (options) => {
    try {
      const placed = await place.read(options);
      const leaf = leafOf(placed);
      if (placed === undefined || leaf === undefined) return undefined;
      const [trustAnchor] = anchorsAbove(chainOf(placed), anchors.current(), clock.nowMs());
      const notAfterMs = leaf.validToDate.getTime();
      return { name, notAfterMs, ...(trustAnchor !== undefined && { trustAnchor }) };
    } catch (error) {
      options.signal.throwIfAborted();
      return { name, problem: error instanceof Error ? error.message : 'unexpected failure' };
    }
  };
}
