// The trust bundle as other trust domains fetch it: a JWK Set with one key for each anchor (SPIFFE Trust Domain and Bundle,
// sections 4 and 6.2; X509-SVID section 6). Keys of JWT-SVIDs are not in it, for Capstan issues none.
import type { TrustBundle } from './bundle.ts';

export interface SpiffeBundleFacts {
  /** Rises with each change (section 4.1.1). */
  readonly sequence: number;
  /** How often to come again, in seconds (section 4.1.2). */
  readonly refreshHintSeconds: number;
}

export interface SpiffeBundle {
  readonly keys: readonly SpiffeKey[];
  readonly spiffe_sequence: number;
  readonly spiffe_refresh_hint: number;
}

/** A JWK (RFC 7517): the parameters of the key, and these. */
export type SpiffeKey = Readonly<Record<string, unknown>> & {
  readonly use: 'x509-svid';
  /** The anchor's DER in base64, alone: a bundle has anchors and no chains. */
  readonly x5c: readonly [string];
};

export function spiffeBundle(
  { anchors }: TrustBundle,
  { sequence, refreshHintSeconds }: SpiffeBundleFacts,
): SpiffeBundle {
  return {
    keys: anchors.map(({ x509, der }) => ({
      ...x509.publicKey.export({ format: 'jwk' }),
      use: 'x509-svid',
      x5c: [Buffer.from(der).toString('base64')],
    })),
    spiffe_sequence: sequence,
    spiffe_refresh_hint: refreshHintSeconds,
  };
}
