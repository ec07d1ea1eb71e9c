// Judges the documents of an issuer together: certificate chain, private key, and the trust anchors that it must lead to.
// What comes out is whole and fits; what does not is named by its place. Which anchors go out and which path
// is the best changes with time, so what was read can be asked again.
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { TrialMaterial } from '../../../authority/trust/issuer-trial.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import { Issuer } from '../../../domain/x509/issuer.ts';
import { pathCertificatesOf, type PathCertificate } from '../../../domain/x509/path/certificate.ts';
import type { HostName } from '../../../domain/x509/template.ts';
import type { KeyDocument, KeyPlace, OpenedKey, SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import type { TrustAnchors } from '../../../ports/issuing/trust-anchors.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import { anchorsInForce, anchorsOfDocument, type AnchorSource } from './anchor-source.ts';

/** `secret` opens the key; it is absent where none is configured. */
type IssuerDocument = 'anchors' | 'chain' | 'key' | 'secret';

/** The texts, and what an operator calls each. */
interface IssuerDocuments {
  textOf(name: IssuerDocument): string;
  placeOf(name: IssuerDocument): string;
}

export interface MaterialSettings {
  readonly trustDomain: TrustDomain;
  /** Names of the CA's own serving certificate, which the issuer's constraints must allow. */
  readonly servingNames: readonly HostName[];
  /** Whether a trust anchor that another CA signed will do: proxies without the SPIFFE validator take one. */
  readonly partialAnchors: boolean;
  /** Whether a key is warned of that lies more openly than it should. */
  readonly keyWarnings: boolean;
}

export interface MaterialSource {
  readonly documents: Pick<DocumentSource, 'placeOf'>;
  readonly opener: SignerOpener;
  /** What an additional issuer must lead to. Absent, the documents bring the anchors. */
  readonly trustAnchors?: TrustAnchors;
  /** What is decided about the anchors of the documents. Absent, nothing is. */
  readonly governed?: GovernedDocuments | undefined;
}

/** Other anchors may go out after each change. */
export interface GovernedDocuments {
  govern(given: TrustBundle): TrustBundle;
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}

export class IssuerMaterial {
  readonly #settings: MaterialSettings;
  readonly #documents: IssuerDocuments;
  readonly #anchors: AnchorSource;
  readonly #chainPem: string;
  readonly #chain: readonly PathCertificate[];
  readonly #key: OpenedKey;
  readonly #publicKey: KeyObject;

  private constructor(settings: MaterialSettings, documents: IssuerDocuments, anchors: AnchorSource, key: OpenedKey) {
    this.#settings = settings;
    this.#documents = documents;
    this.#anchors = anchors;
    this.#key = key;
    this.#publicKey = createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' });
    this.#chainPem = documents.textOf('chain');
    this.#chain = pathCertificatesOf(this.#chainPem);
  }

  /** @throws AuthorityError CAP-X03 naming the document at fault and what is wrong with it, whenever it is looked at. */
  static async read(
    texts: ReadonlyMap<string, string>,
    { documents, opener, trustAnchors, governed }: MaterialSource,
    settings: MaterialSettings,
    options: { readonly signal: AbortSignal },
  ): Promise<IssuerMaterial> {
    const textOf = (name: IssuerDocument): string => texts.get(name) ?? '';
    const placeOf = (name: IssuerDocument): string => documents.placeOf(name);
    const { trustDomain, partialAnchors: partial } = settings;
    const given = { text: textOf('anchors'), place: placeOf('anchors') };
    const govern = governed && ((own: TrustBundle) => governed.govern(own));
    const anchors =
      trustAnchors === undefined
        ? anchorsOfDocument(given, { trustDomain, partial, govern })
        : anchorsInForce(trustAnchors);
    const key = await opener.open(keyDocumentOf(texts), options);
    if ('problem' in key) throw refusal({ placeOf }, 'key', key.problem);
    return new IssuerMaterial(settings, { textOf, placeOf }, anchors, key);
  }

  /** The anchors in the documents, whatever is decided about them; nothing for an additional issuer. */
  get anchorsGiven(): TrustBundle | undefined {
    return this.#anchors.given;
  }

  /** Absent where the key is always at hand. */
  get keyPlace(): KeyPlace | undefined {
    return this.#key.place;
  }

  /** Nobody will sign with its key any more. */
  release(): void {
    this.#key.release?.();
  }

  /** @throws AuthorityError CAP-X03 naming the document at fault and what is wrong with it at this moment. */
  at(nowMs: number): TrialMaterial {
    const bundle = this.bundleAt(nowMs);
    const { servingNames, trustDomain, partialAnchors } = this.#settings;
    const names = [{ kind: 'uri', value: `spiffe://${trustDomain}` } as const, ...servingNames];
    const issuer = Issuer.fromPem(this.#chainPem, bundle.anchors, { nowMs, names });
    if ('problem' in issuer) throw refusal(this.#documents, issuer.of, issuer.problem);
    this.#demandKeyOf(issuer);
    return { bundle, partialAnchors, issuer, signer: this.#key.signerFor(issuer.algorithm) };
  }

  /** @throws AuthorityError CAP-X03 when no anchor may go out at this moment. */
  bundleAt(nowMs: number): TrustBundle {
    return this.#anchors.at(nowMs, this.#chain);
  }

  /** @returns what works and should not be, and which of the given anchors have ended, each in words that name it. */
  warningsOn({ bundle, issuer }: TrialMaterial): readonly string[] {
    const [chain, key] = [this.#documents.placeOf('chain'), this.#documents.placeOf('key')];
    const { warning } = this.#key;
    return [
      ...issuer.weaknesses.map((weakness) => `${chain}: ${weakness}`),
      ...(warning === undefined || !this.#settings.keyWarnings ? [] : [`${key} ${warning}`]),
      ...this.#anchors.warningsOn(bundle),
    ];
  }

  /** @returns the next moment at which what is in force may change, in ms since the epoch; Infinity for never. */
  changesAfter(nowMs: number): number {
    const instants = this.#chain.flatMap(({ notBeforeMs, notAfterMs }) => [notBeforeMs, notAfterMs]);
    return Math.min(this.#anchors.changesAfter(nowMs), ...instants.filter((instant) => instant > nowMs));
  }

  #demandKeyOf({ publicKey }: Issuer): void {
    const own = this.#publicKey;
    if (own.equals(publicKey)) return;
    const other = this.#chain.find(({ x509 }) => own.equals(x509.publicKey));
    if (other !== undefined) {
      const problem = `has its certificates in another order: ${other.subject}, whose key ${this.#documents.placeOf('key')} is, comes first`;
      throw refusal(this.#documents, 'chain', problem);
    }
    const problem = `is not the key of the certificate in ${this.#documents.placeOf('chain')}`;
    throw refusal(this.#documents, 'key', problem);
  }
}

function keyDocumentOf(texts: ReadonlyMap<string, string>): KeyDocument {
  const [certificate] = pathCertificatesOf(texts.get('chain') ?? '');
  const secret = texts.get('secret');
  return {
    text: texts.get('key') ?? '',
    ...(secret !== undefined && { secret }),
    ...(certificate !== undefined && { spki: certificate.spki }),
  };
}

function refusal(documents: Pick<IssuerDocuments, 'placeOf'>, name: IssuerDocument, problem: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${documents.placeOf(name)} ${problem}` });
}
