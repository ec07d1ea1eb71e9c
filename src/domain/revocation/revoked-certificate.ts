// What a ban makes of the certificates that were issued before it, as a revocation list has them.
import type { BanTarget } from './ban.ts';

/** Reasons of RFC 5280 section 5.3.1 that are given here. */
export type RevocationReason = 'keyCompromise' | 'privilegeWithdrawn';

export interface RevokedCertificate {
  /** Lower-case hex, no leading zeros. */
  readonly serial: string;
  /** Issuer id: hex SHA-256 of the issuer certificate, first 16 digits. */
  readonly issuer: string;
  /** Since when, in ms since the epoch: the moment of the first ban that hits it. */
  readonly revokedMs: number;
  readonly reason: RevocationReason;
  readonly notAfterMs: number;
}

/** A certificate or a node was in wrong hands, and so were the keys; who is banned by name has lost its right to them. */
export function revocationReasonOf({ kind }: BanTarget): RevocationReason {
  return kind === 'serial' || kind === 'node' ? 'keyCompromise' : 'privilegeWithdrawn';
}
