// The trust bundle: every trust anchor in force, in one canonical spelling. Clients compare bundle
// bytes to see a change, so the same anchors must always give the same bytes.
import { createHash } from 'node:crypto';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { readCaCertificate, type CaCertificate } from '../x509/ca-certificate.ts';
import { decodePemBlocks } from '../x509/pem.ts';

/** More anchors than any rotation needs; each one travels in every CSR answer. */
export const MAX_ANCHORS = 100;

export class TrustBundle {
  readonly trustDomain: TrustDomain;
  readonly anchors: readonly CaCertificate[];
  /** All anchors, de-duplicated and sorted by fingerprint; each block ends with a newline. */
  readonly pem: string;
  /** First 16 hex digits of the SHA-256 of `pem`. */
  readonly digest: string;

  private constructor(trustDomain: TrustDomain, anchors: readonly CaCertificate[]) {
    this.trustDomain = trustDomain;
    this.anchors = anchors;
    this.pem = anchors.map((anchor) => anchor.pem).join('');
    this.digest = createHash('sha256').update(this.pem).digest('hex').slice(0, 16);
  }

  /** @returns the bundle, or why the text is not one. */
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
    const sorted = [...anchors.values()].sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
    return new TrustBundle(trustDomain, sorted);
  }

  /** When the first of the anchors ends, in ms since the epoch. */
  get firstNotAfterMs(): number {
    return Math.min(...this.anchors.map((anchor) => anchor.notAfterMs));
  }
}
