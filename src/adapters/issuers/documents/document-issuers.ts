// All issuers of the configuration, each kept at its last good state by itself: one that breaks takes nothing from the others.
import type { PathCertificate } from '../../../domain/x509/path/certificate.ts';
import type { Issuers, NamedIssuer } from '../../../ports/issuing/issuers.ts';
import type { KeyInventory } from '../../../ports/issuing/key-inventory.ts';
import type { TrustAnchors } from '../../../ports/issuing/trust-anchors.ts';
import type { DocumentIssuer } from './document-issuer.ts';
import type { IssuerStart } from './issuer-parts.ts';

export class DocumentIssuers implements Issuers {
  /** The default one, which brings the trust anchors. */
  readonly first: DocumentIssuer;
  readonly #additional: readonly DocumentIssuer[];

  /** @param additional in the order of the configuration. */
  constructor(first: DocumentIssuer, additional: readonly DocumentIssuer[]) {
    this.first = first;
    this.#additional = additional;
  }

  /** Loads all, then follows changes until the signal aborts. @throws AuthorityError as the start of the default one. */
  async start(options: IssuerStart): Promise<void> {
    await this.first.start(options);
    await Promise.all(this.#additional.map(async (one) => one.start(options)));
  }

  /** @returns the keys that lie beside that of the issuer; nothing where there are none, or it is not in force. */
  inventoryOf(name: string): KeyInventory | undefined {
    return [this.first, ...this.#additional].find((one) => one.name === name)?.inventory;
  }

  /** @returns the certificates that the issuers' files have now, in force or not. @throws AuthorityError when they cannot be read. */
  async given(): Promise<readonly PathCertificate[]> {
    const all = await Promise.all([this.first, ...this.#additional].map(async (one) => one.given()));
    return all.flatMap((certificate) => certificate ?? []);
  }

  get trustAnchors(): TrustAnchors {
    return this.first.trustAnchors;
  }

  all(): readonly [NamedIssuer, ...NamedIssuer[]] {
    return [this.first.named, ...this.#additional.map(({ named }) => named)];
  }

  onChange(listener: (name: string) => void, options: { readonly signal: AbortSignal }): void {
    for (const one of [this.first, ...this.#additional]) one.onChange(() => listener(one.name), options);
  }

  /** What is wrong with each additional issuer; nothing when all of them are as their files say. */
  additionalProblem(nowMs: number): string | undefined {
    const problems = this.#additional.flatMap((one) => {
      const health = one.health(nowMs);
      if (health.state === 'ready') return [];
      return [`${one.name}: ${health.state === 'not ready' ? `it signs nothing: ${health.why}` : health.why}`];
    });
    return problems.length === 0 ? undefined : problems.join('; ');
  }
}
