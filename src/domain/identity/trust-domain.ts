// The name of a trust domain (SPIFFE-ID section 2.1).
import { isDnsLabel } from '../text/dns-label.ts';

declare const brand: unique symbol;

/** A valid trust domain name: 1 to 255 bytes of lower-case letters, digits, dot, dash, underscore. */
export type TrustDomain = string & { readonly [brand]: 'TrustDomain' };

/**
 * @returns the trust domain, or `undefined` when the text is not one (SPIFFE-ID section 2.1), or is one that Go cannot
 *   read in a certificate: see `hasEmptyLabel`.
 */
export function parseTrustDomain(text: string): TrustDomain | undefined {
  return /^[a-z0-9._-]{1,255}$/.test(text) && !hasEmptyLabel(text) ? (text as TrustDomain) : undefined;
}

/**
 * A dot at the beginning or the end, or two in a row. SPIFFE allows it, but Go's crypto/x509 refuses to parse a certificate
 * with such a host in a URI, and with it Istio's agent and istiod.
 */
export function hasEmptyLabel(text: string): boolean {
  return text.split('.').includes('');
}

/** Whether every label is one that a name in DNS may have: URL libraries of some peers refuse others. */
export function isHostName(trustDomain: TrustDomain): boolean {
  return trustDomain.split('.').every(isDnsLabel);
}
