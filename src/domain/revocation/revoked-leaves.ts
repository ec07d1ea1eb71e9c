// Which of the certificates on record bans have made void.
import type { Ban } from './ban.ts';
import { BansByName } from './bans-by-name.ts';
import { revocationReasonOf, type RevokedCertificate } from './revoked-certificate.ts';

/** A certificate of a workload, as it was recorded. */
export interface RecordedLeaf {
  readonly timeMs: number;
  /** SPIFFE ID. */
  readonly identity: string;
  readonly serial: string;
  /** Issuer id. */
  readonly issuer: string;
  readonly notAfterMs: number;
  /** The decision that it goes back to, which is its own unless it was renewed with a certificate. */
  readonly proofId: string;
  readonly nodeName?: string;
  readonly remoteCluster?: string;
}

/** In which everybody has heard of a ban, and what was being issued when it came is on record. */
export const SETTLES_MS = 10_000;

/**
 * Whatever is on record of whom a ban concerns, from before its end, is from before the ban, was on its way as it came, or has a
 * time of a clock that was wrong, for nobody who is concerned is given anything.
 * @returns what tells of a leaf how the earliest ban that hits it revoked it; nothing where none does.
 */
export function revocationsBy(bans: readonly Ban[]): (leaf: RecordedLeaf) => RevokedCertificate | undefined {
  const byName = new BansByName(bans);
  return (leaf) => {
    const { timeMs, identity, serial, issuer, notAfterMs, proofId, nodeName: node, remoteCluster } = leaf;
    const identities = [{ uri: identity, namespace: namespaceIn(identity) }];
    const names = { identities, node, serial, proofId, remoteCluster };
    const hits = byName.all(names, (ban) => timeMs < (ban.untilMs ?? Infinity));
    const [first] = hits.toSorted((a, b) => a.timeMs - b.timeMs);
    if (first === undefined) return undefined;
    return { serial, issuer, notAfterMs, revokedMs: first.timeMs, reason: revocationReasonOf(first.target) };
  };
}

/** Of one that was issued or named to us, which is well formed. */
export function namespaceIn(uri: string): string | undefined {
  return /^spiffe:\/\/[^/]+\/ns\/([^/]+)\//.exec(uri)?.[1];
}
