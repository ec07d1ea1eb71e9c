// A SPIFFE ID, parsed once at the edge (SPIFFE-ID sections 2 and 2.3). No normalisation:
// what is not already canonical is not a SPIFFE ID, so one identity has one spelling.
import { parseTrustDomain, type TrustDomain } from './trust-domain.ts';

/** Longest SPIFFE ID in bytes (SPIFFE-ID section 2.3). */
export const MAX_SPIFFE_ID_BYTES = 2048;

const SEGMENT = /^[A-Za-z0-9._-]+$/;

export class SpiffeId {
  readonly trustDomain: TrustDomain;
  /** Empty for the trust domain itself; otherwise starts with a slash. */
  readonly path: string;
  readonly uri: string;

  private constructor(trustDomain: TrustDomain, path: string) {
    this.trustDomain = trustDomain;
    this.path = path;
    this.uri = `spiffe://${trustDomain}${path}`;
    Object.freeze(this);
  }

  /** @returns the SPIFFE ID, or the reason in words why the text is not one. */
  static parse(text: string): SpiffeId | { readonly problem: string } {
    if (text.length > MAX_SPIFFE_ID_BYTES) return { problem: `is longer than ${MAX_SPIFFE_ID_BYTES} bytes` };
    if (!text.startsWith('spiffe://')) return { problem: 'does not start with spiffe://' };
    const rest = text.slice('spiffe://'.length);
    const slash = rest.indexOf('/');
    const trustDomain = parseTrustDomain(slash < 0 ? rest : rest.slice(0, slash));
    if (trustDomain === undefined) return { problem: 'has no valid trust domain' };
    const path = slash < 0 ? '' : rest.slice(slash);
    return validPath(path) ? new SpiffeId(trustDomain, path) : { problem: 'has an invalid path' };
  }

  /** The identity of a trust domain itself. */
  static ofTrustDomain(trustDomain: TrustDomain): SpiffeId {
    return new SpiffeId(trustDomain, '');
  }

  equals(other: SpiffeId): boolean {
    return this.uri === other.uri;
  }
}

function validPath(path: string): boolean {
  if (path === '') return true;
  const segments = path.slice(1).split('/');
  return segments.every((segment) => segment !== '.' && segment !== '..' && SEGMENT.test(segment));
}
