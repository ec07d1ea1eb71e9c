// Where an issuer finds the trust anchors that it must lead to: the default issuer in a document beside its own, so that
// both are taken together or not at all; every other one in what is in force.
import { AuthorityError } from '../../../domain/errors.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { CaCertificate } from '../../../domain/x509/ca-certificate.ts';
import type { PathCertificate } from '../../../domain/x509/path/certificate.ts';
import { partialAnchors } from '../../../domain/x509/path/judge-certificate.ts';
import type { TrustAnchors } from '../../../ports/issuing/trust-anchors.ts';

export interface AnchorSource {
  /** @param chain of the issuer that is to lead to them. @throws AuthorityError CAP-X03 when no anchor may go out at this moment. */
  at(nowMs: number, chain: readonly PathCertificate[]): TrustBundle;
  /** When other anchors may go out, in ms since the epoch; Infinity where a change is told. */
  changesAfter(nowMs: number): number;
  /** As they are in the document, whatever is decided about them; nothing where there is none. */
  readonly given?: TrustBundle;
  /** What works and should not be, and which of the given anchors have ended, each in words that name it. */
  warningsOn(bundle: TrustBundle): readonly string[];
}

export interface AnchorSettings {
  readonly trustDomain: TrustDomain;
  readonly partial: boolean;
  /** What is decided about anchors for all servers, whatever the document of one has. Absent, nothing is. */
  readonly govern?: ((given: TrustBundle) => TrustBundle) | undefined;
}

/** @param place what an operator calls the document. @throws AuthorityError CAP-X03 when the text is no bundle. */
export function anchorsOfDocument(
  { text, place }: { readonly text: string; readonly place: string },
  { trustDomain, partial, govern = (own) => own }: AnchorSettings,
): AnchorSource {
  const refusal = (problem: string): AuthorityError => new AuthorityError('CAP-X03', { detail: `${place} ${problem}` });
  const given = TrustBundle.fromPem(trustDomain, text);
  if ('problem' in given) throw refusal(given.problem);
  return {
    given,
    at: (nowMs, chain) => {
      const bundle = govern(given).at(nowMs, chain);
      if ('problem' in bundle) throw refusal(bundle.problem);
      const [unfit] = partial ? [] : partialAnchors(bundle.anchors);
      if (unfit === undefined) return bundle;
      throw refusal(
        `has ${unfit.subject}, which ${unfit.issuer} signed: Envoy's SPIFFE validator and OpenSSL want a self-signed ` +
          'trust anchor (sds.spiffeValidator: false takes it for proxies that verify by plain trusted_ca)',
      );
    },
    changesAfter: (nowMs) => govern(given).changesAfter(nowMs),
    warningsOn: (bundle) => [
      ...bundle.undistributed
        .filter(({ ended }) => ended)
        .map(({ problem }) => `${place}: trust anchor ${problem}; it is not distributed`),
      ...partialAnchors(bundle.anchors).map(
        ({ subject, issuer }) =>
          `${place}: trust anchor ${subject} is signed by ${issuer}: proxies with the SPIFFE validator and OpenSSL refuse it`,
      ),
    ],
  };
}

export function anchorsInForce(anchors: Pick<TrustAnchors, 'current'>): AnchorSource {
  return { at: () => anchors.current(), changesAfter: () => Infinity, warningsOn: () => [] };
}

/** A trust anchor that was given, and whether it goes out. */
export type GivenAnchor = CaCertificate & { readonly distributed: boolean };

export function givenAnchorsOf({ anchors, undistributed }: TrustBundle): readonly GivenAnchor[] {
  return [
    ...anchors.map((anchor) => ({ ...anchor, distributed: true })),
    ...undistributed.map(({ anchor }) => ({ ...anchor, distributed: false })),
  ];
}
