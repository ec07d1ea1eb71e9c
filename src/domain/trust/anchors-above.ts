// Which trust anchors a chain of an issuer leads to.
import { Issuer } from '../x509/issuer.ts';
import type { TrustBundle } from './bundle.ts';

/** @returns hex SHA-256 of those of the bundle that the chain leads to at that moment; none where it leads to none. */
export function anchorsAbove(chainPem: string, { anchors }: TrustBundle, nowMs: number): readonly string[] {
  const issuer = Issuer.fromPem(chainPem, anchors, { nowMs, names: [] });
  return 'problem' in issuer ? [] : issuer.anchors;
}
