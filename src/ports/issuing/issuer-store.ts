// Where issuers and trust anchors come from. Stores deliver whole, checked states: a chain with the
// signer of its leaf-most certificate, or a bundle; a half-written file is never delivered.
import type { Issuer } from '../../domain/x509/issuer.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import type { Signer } from './signer.ts';

/** An intermediate that can sign now. */
export interface SigningIssuer {
  readonly issuer: Issuer;
  readonly signer: Signer;
}

/** What the CA signs with and what relying parties trust, at one moment. */
export interface AuthorityMaterial {
  readonly signing: SigningIssuer;
  readonly bundle: TrustBundle;
  /** Whether an anchor that is not self-signed may end a path; only proxies that verify by plain trusted_ca take one. */
  readonly partialAnchors: boolean;
}

export interface IssuerStore {
  /** The material in force; the last good one when a newer one is broken. */
  current(): AuthorityMaterial;
  /** Calls `listener` after each change, until the signal aborts. */
  onChange(listener: (material: AuthorityMaterial) => void, options: { readonly signal: AbortSignal }): void;
}
