// The issuers that this CA may sign with, each under the name that policies call it by. Implementations deliver whole,
// tried states: a chain with the signer of its first certificate, never half of a new one.
import type { IssuerCandidate } from '../../domain/issuance/chosen-issuer.ts';
import type { WithdrawnState } from '../../domain/trust/issuer-state.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import type { Custody } from './signer-opener.ts';
import type { Signer } from './signer.ts';

/** A certificate in force and what signs with its key. */
export interface SigningPair {
  readonly issuer: Issuer;
  readonly signer: Signer;
}

export type IssuerState =
  | ({ readonly kind: 'ready' } & SigningPair)
  /** `why` is safe for a caller: no path of a file. `withdrawn`: operators say that it is not to sign. */
  | {
      readonly kind: 'unavailable';
      readonly why: string;
      readonly withdrawn?: WithdrawnState;
      /** Present where it is in force, and its key alone does not answer: operators may withdraw it meanwhile, also suspend it. */
      readonly certified?: Issuer;
      /** Of one that is suspended: it signs for nobody with it, but for the certificates with which the CA itself is met. */
      readonly held?: SigningPair;
    };

/** @returns the certificate in force, whether or not it signs now: what it signed is as good as ever. */
export function certifiedOf(state: IssuerState): Issuer | undefined {
  return state.kind === 'ready' ? state.issuer : (state.certified ?? state.held?.issuer);
}

/** One issuer at one moment. A later state is another object, so that a request keeps the one it was given. */
export interface NamedIssuer extends IssuerCandidate {
  readonly custody: Custody;
  readonly state: IssuerState;
}

export interface Issuers {
  /**
   * All that are configured, the default one first, also those that cannot sign now. When a newer state of one is
   * broken, its last good one stays.
   */
  all(): readonly [NamedIssuer, ...NamedIssuer[]];
  /** Calls `listener` with the name of each issuer whose state changed, until the signal aborts. */
  onChange(listener: (name: string) => void, options: { readonly signal: AbortSignal }): void;
}

/** Those whose leaves are as good as ever, also where they do not sign for a while. */
export function certifiedIssuersOf(issuers: Pick<Issuers, 'all'>): readonly Issuer[] {
  return issuers.all().flatMap(({ state }) => certifiedOf(state) ?? []);
}

/** Those that can sign now. */
export function readyIssuersOf(issuers: Pick<Issuers, 'all'>): readonly Issuer[] {
  return issuers.all().flatMap(({ state }) => (state.kind === 'ready' ? [state.issuer] : []));
}
