// Which TLS the listener speaks. Istio's agent, its FIPS and post-quantum modes, ztunnel and Envoy
// each find what they insist on: TLS 1.2 and 1.3, AES-128 and AES-256 in GCM, P-256, X25519MLKEM768.
import { constants } from 'node:crypto';
import type { SecureContextOptions, TlsOptions } from 'node:tls';

/** A chain, leaf first, and its key; both PEM. */
export interface ServingMaterial {
  readonly certChainPem: string;
  readonly keyPem: string;
}

const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

const GROUPS = 'X25519MLKEM768:X25519:P-256:P-384';

/**
 * No tickets, and no server-side session cache as long as nobody listens to `newSession`: every
 * handshake verifies the client's certificate against the anchors of its own moment. Renegotiation
 * could change the certificate behind a connection that was judged already.
 */
const NEVER_RESUME = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;

/** Client certificates are asked for and judged, and a bad one is refused by us with its reason. */
export const HANDSHAKE: TlsOptions = { requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'] };

/** @param clientTrustPem the anchors for client certificates; Node would take the system's for none. */
export function secureContext({ certChainPem, keyPem }: ServingMaterial, clientTrustPem: string): SecureContextOptions {
  return {
    cert: certChainPem,
    key: keyPem,
    ca: clientTrustPem,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    ecdhCurve: GROUPS,
    secureOptions: NEVER_RESUME,
  };
}
