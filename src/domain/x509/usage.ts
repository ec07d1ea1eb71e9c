// What a certificate may be used for, as one list: bits of KeyUsage (RFC 5280 section 4.2.1.3), then
// purposes of ExtendedKeyUsage (section 4.2.1.12).
export const USAGES = ['digitalSignature', 'keyEncipherment', 'serverAuth', 'clientAuth'] as const;

export type Usage = (typeof USAGES)[number];

/** A TLS certificate signs the handshake (RFC 8446 section 4.4.2.2), and serves, or calls, or both. */
export function usableForTls(usages: readonly Usage[]): boolean {
  return usages.includes('digitalSignature') && (usages.includes('serverAuth') || usages.includes('clientAuth'));
}
