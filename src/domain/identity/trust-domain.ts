// The name of a trust domain (SPIFFE-ID section 2.1).
declare const brand: unique symbol;

/** A valid trust domain name: 1 to 255 bytes of lower-case letters, digits, dot, dash, underscore. */
export type TrustDomain = string & { readonly [brand]: 'TrustDomain' };

/** @returns the trust domain, or `undefined` when the text is not one (SPIFFE-ID section 2.1). */
export function parseTrustDomain(text: string): TrustDomain | undefined {
  return /^[a-z0-9._-]{1,255}$/.test(text) ? (text as TrustDomain) : undefined;
}
