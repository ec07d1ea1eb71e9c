// What a certificate may be used for, as one list: bits of KeyUsage (RFC 5280 section 4.2.1.3), then
// purposes of ExtendedKeyUsage (section 4.2.1.12).
export const USAGES = ['digitalSignature', 'keyEncipherment', 'serverAuth', 'clientAuth'] as const;

export type Usage = (typeof USAGES)[number];

/**
 * An X509-SVID signs the handshake and is for both ends: where a leaf has an extended key usage, serverAuth and
 * clientAuth MUST be among it (X509-SVID sections 4.3 and 4.4).
 */
export function usableForSvid(usages: readonly Usage[]): boolean {
  return SVID_USAGES.every((usage) => usages.includes(usage));
}

const SVID_USAGES: readonly Usage[] = ['digitalSignature', 'serverAuth', 'clientAuth'];
