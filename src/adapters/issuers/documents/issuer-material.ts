// Judges the three documents of an issuer together: trust anchors, certificate chain and private key.
// What comes out is whole and fits; what does not is named by its place. Which anchors go out and which path
// is the best changes with time, so what was read can be asked again.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { AuthorityError } from '../../../domain/errors.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import { TrustBundle } from '../../../domain/trust/bundle.ts';
import { Issuer } from '../../../domain/x509/issuer.ts';
import { pathCertificatesOf, type PathCertificate } from '../../../domain/x509/path/certificate.ts';
import { partialAnchors } from '../../../domain/x509/path/judge-certificate.ts';
import type { SubjectAltName } from '../../../domain/x509/template.ts';
import type { AuthorityMaterial } from '../../../ports/issuing/issuer-store.ts';
import { memorySigner } from '../memory/memory-signer.ts';

export type IssuerDocument = 'anchors' | 'chain' | 'key';

/** The texts, and what an operator calls each. */
export interface IssuerDocuments {
  textOf(name: IssuerDocument): string;
  placeOf(name: IssuerDocument): string;
}

export interface MaterialSettings {
  readonly trustDomain: TrustDomain;
  /** Names of the CA's own serving certificate, which the issuer's constraints must allow. */
  readonly servingNames: readonly SubjectAltName[];
  /** Whether a trust anchor that another CA signed will do: proxies without the SPIFFE validator take one. */
  readonly partialAnchors: boolean;
}

export class IssuerMaterial {
  readonly #settings: MaterialSettings;
  readonly #documents: IssuerDocuments;
  readonly #given: TrustBundle;
  readonly #chainPem: string;
  readonly #chain: readonly PathCertificate[];
  readonly #key: KeyObject;

  private constructor(settings: MaterialSettings, documents: IssuerDocuments, given: TrustBundle, key: KeyObject) {
    this.#settings = settings;
    this.#documents = documents;
    this.#given = given;
    this.#key = key;
    this.#chainPem = documents.textOf('chain');
    this.#chain = pathCertificatesOf(this.#chainPem);
  }

  /** @throws AuthorityError CAP-X03 naming the document at fault and what is wrong with it, whenever it is looked at. */
  static read(documents: IssuerDocuments, settings: MaterialSettings): IssuerMaterial {
    const given = TrustBundle.fromPem(settings.trustDomain, documents.textOf('anchors'));
    if ('problem' in given) throw refusal(documents, 'anchors', given.problem);
    const key = readKey(documents.textOf('key'));
    if ('problem' in key) throw refusal(documents, 'key', key.problem);
    return new IssuerMaterial(settings, documents, given, key);
  }

  get trustAnchors(): readonly PathCertificate[] {
    return this.#given.anchors;
  }

  /** @throws AuthorityError CAP-X03 naming the document at fault and what is wrong with it at this moment. */
  at(nowMs: number): AuthorityMaterial {
    const bundle = this.bundleAt(nowMs);
    const { servingNames, trustDomain, partialAnchors: partial } = this.#settings;
    const names = [{ kind: 'uri', value: `spiffe://${trustDomain}` } as const, ...servingNames];
    const issuer = Issuer.fromPem(this.#chainPem, bundle.anchors, { nowMs, names });
    if ('problem' in issuer) throw refusal(this.#documents, issuer.of, issuer.problem);
    this.#demandKeyOf(issuer);
    return { bundle, partialAnchors: partial, signing: { issuer, signer: memorySigner(this.#key, issuer.algorithm) } };
  }

  /** @throws AuthorityError CAP-X03 when no anchor may go out at this moment. */
  bundleAt(nowMs: number): TrustBundle {
    const bundle = this.#given.at(nowMs, this.#chain);
    if ('problem' in bundle) throw refusal(this.#documents, 'anchors', bundle.problem);
    const [partial] = this.#settings.partialAnchors ? [] : partialAnchors(bundle.anchors);
    if (partial === undefined) return bundle;
    throw refusal(
      this.#documents,
      'anchors',
      `has ${partial.subject}, which ${partial.issuer} signed: Envoy's SPIFFE validator and OpenSSL want a self-signed ` +
        'trust anchor (sds.spiffeValidator: false takes it for proxies that verify by plain trusted_ca)',
    );
  }

  /** @returns what works and should not be, and which of the given anchors have ended, each in words that name it. */
  warningsOn({ bundle, signing }: AuthorityMaterial): readonly string[] {
    const [chain, anchors] = [this.#documents.placeOf('chain'), this.#documents.placeOf('anchors')];
    return [
      ...signing.issuer.weaknesses.map((weakness) => `${chain}: ${weakness}`),
      ...bundle.withheld
        .filter(({ ended }) => ended)
        .map(({ problem }) => `${anchors}: trust anchor ${problem}; it is not distributed`),
      ...partialAnchors(bundle.anchors).map(
        ({ subject, issuer }) =>
          `${anchors}: trust anchor ${subject} is signed by ${issuer}: proxies with the SPIFFE validator and OpenSSL refuse it`,
      ),
    ];
  }

  /** @returns the next moment at which what is in force may change, in ms since the epoch; Infinity for never. */
  changesAfter(nowMs: number): number {
    const instants = this.#chain.flatMap(({ notBeforeMs, notAfterMs }) => [notBeforeMs, notAfterMs]);
    return Math.min(this.#given.changesAfter(nowMs), ...instants.filter((instant) => instant > nowMs));
  }

  #demandKeyOf({ publicKey }: Issuer): void {
    const own = createPublicKey(this.#key);
    if (own.equals(publicKey)) return;
    const other = this.#chain.find(({ x509 }) => own.equals(x509.publicKey));
    if (other !== undefined) {
      const problem = `has its certificates in another order: ${other.subject}, whose key ${this.#documents.placeOf('key')} is, comes first`;
      throw refusal(this.#documents, 'chain', problem);
    }
    throw refusal(this.#documents, 'key', `is not the key of the certificate in ${this.#documents.placeOf('chain')}`);
  }
}

function refusal(documents: IssuerDocuments, name: IssuerDocument, problem: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${documents.placeOf(name)} ${problem}` });
}

/** PKCS#8, SEC1 or PKCS#1. The cause is dropped on purpose: OpenSSL's message may quote what it read. */
function readKey(pem: string): KeyObject | { readonly problem: string } {
  if (/^\s*-----BEGIN ENCRYPTED |^\s*Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return { problem: 'is encrypted; Capstan takes an unencrypted key in a file that only its owner may read' };
  }
  try {
    // Indented, as cut out of a YAML file, or behind a byte order mark, it is the same key; chains are read so too.
    return createPrivateKey(pem.replace(/^[\uFEFF \t]+/gm, ''));
  } catch {
    return { problem: 'is not a PEM private key (PKCS#8, SEC1 or PKCS#1)' };
  }
}
