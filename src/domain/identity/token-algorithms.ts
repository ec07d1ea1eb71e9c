// Signature algorithms of bearer tokens (RFC 7518 section 3.1, RFC 8037 section 3.1) that may be configured.

/**
 * Signatures that only an issuer can make: never `none`, and no shared secret, with which whoever verifies could sign
 * (RFC 8725 section 3.1).
 */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];
