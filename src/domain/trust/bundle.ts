// The trust bundle: what relying parties are to trust at one moment. Clients compare bundle bytes to see a
// change, so the same anchors in the same order always give the same bytes; what is compared here is the
// digest, which is of the set. Which anchors go out changes with time: see anchors-in-force.ts.
import { createHash } from 'node:crypto';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { readCaCertificate, type CaCertificate } from '../x509/ca-certificate.ts';
import type { PathCertificate } from '../x509/path/certificate.ts';
import { decodePemBlocks } from '../x509/pem.ts';
import { anchorsInForce, nextChangeMs, type UndistributedAnchor } from './anchors-in-force.ts';

/** More anchors than any rotation needs; each one travels in every CSR answer. */
export const MAX_ANCHORS = 100;

/** For verifiers that look at leaves alone. */
export interface RevocationLists {
  readonly pem: string;
  /** From then on they must not be handed out, in ms since the epoch. */
  readonly untilMs: number;
}

export class TrustBundle {
  readonly trustDomain: TrustDomain;
  /** In the operator's order, each once. */
  readonly anchors: readonly CaCertificate[];
  /** What was given and does not go out, and why. */
  readonly undistributed: readonly UndistributedAnchor[];
  /** All anchors; each block ends with a newline. */
  readonly pem: string;
  /** Bundles of the other trust domains whose callers are taken, by name; for who can tell trust domains apart. */
  readonly federated: readonly TrustBundle[];
  /** Revocation lists of every issuer with leaves below the anchors, where they are handed out; not in `digest`. */
  readonly revocation: RevocationLists | undefined;
  /** First 16 hex digits of the SHA-256 of all anchors in PEM, sorted by fingerprint; of this trust domain alone. */
  readonly digest: string;

  private constructor(
    trustDomain: TrustDomain,
    anchors: readonly CaCertificate[],
    undistributed: readonly UndistributedAnchor[] = [],
    federated: readonly TrustBundle[] = [],
    revocation?: RevocationLists,
  ) {
    this.trustDomain = trustDomain;
    this.anchors = anchors;
    this.undistributed = undistributed;
    this.federated = [...federated].sort((a, b) => (a.trustDomain < b.trustDomain ? -1 : 1));
    this.revocation = revocation;
    this.pem = anchors.map((anchor) => anchor.pem).join('');
    const sorted = [...anchors].sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
    const set = sorted.map((anchor) => anchor.pem).join('');
    this.digest = createHash('sha256').update(set).digest('hex').slice(0, 16);
  }

  /** @returns a bundle of all that is given, whenever it is valid, or why the text is no bundle. */
  static fromPem(trustDomain: TrustDomain, pem: string): TrustBundle | { readonly problem: string } {
    const blocks = decodePemBlocks(pem, 'CERTIFICATE');
    if ('problem' in blocks) return blocks;
    if (blocks.length > MAX_ANCHORS) return { problem: `has ${blocks.length} certificates, allowed ${MAX_ANCHORS}` };
    const anchors = new Map<string, CaCertificate>();
    for (const block of blocks) {
      const anchor = readCaCertificate(block);
      if ('problem' in anchor) return anchor;
      anchors.set(anchor.sha256, anchor);
    }
    return new TrustBundle(trustDomain, [...anchors.values()]);
  }

  /**
   * @param below certificates that are to lead to these anchors: of two with the same key, the one that they mean is kept.
   * @returns what goes out at this moment, or why nothing can.
   */
  at(nowMs: number, below: readonly PathCertificate[] = []): TrustBundle | { readonly problem: string } {
    const { anchors, undistributed } = anchorsInForce(
      [...this.anchors, ...this.undistributed.map(({ anchor }) => anchor)],
      nowMs,
      below,
    );
    if (anchors.length > 0) return new TrustBundle(this.trustDomain, anchors, undistributed);
    const ends = undistributed.map(({ problem }) => problem).join(', ');
    return { problem: `has no trust anchor that is valid now or later: ${ends}` };
  }

  /** @returns the same bundle, accepting the callers of these trust domains too. */
  federatedWith(others: readonly TrustBundle[]): TrustBundle {
    return new TrustBundle(this.trustDomain, this.anchors, this.undistributed, others, this.revocation);
  }

  /** @returns the same bundle, with these lists or without any. */
  withRevocation(lists: RevocationLists | undefined): TrustBundle {
    return new TrustBundle(this.trustDomain, this.anchors, this.undistributed, this.federated, lists);
  }

  /** @returns a bundle of these anchors and, after them, those of `other` that are not among them; federated as this one. */
  joinedWith(other: TrustBundle): TrustBundle {
    return this.with(other.anchors);
  }

  /** As `joinedWith`. */
  with(anchors: readonly CaCertificate[]): TrustBundle {
    const added = anchors.filter(({ sha256 }) => !this.anchors.some((anchor) => anchor.sha256 === sha256));
    if (added.length === 0) return this;
    return new TrustBundle(this.trustDomain, [...this.anchors, ...added], this.undistributed, this.federated);
  }

  /** @returns when another bundle may go out, in ms since the epoch; Infinity for never. */
  changesAfter(nowMs: number): number {
    return nextChangeMs([...this.anchors, ...this.undistributed.map(({ anchor }) => anchor)], nowMs);
  }

  /** When the first of the anchors ends, in ms since the epoch. */
  get firstNotAfterMs(): number {
    return Math.min(...this.anchors.map((anchor) => anchor.notAfterMs));
  }
}
