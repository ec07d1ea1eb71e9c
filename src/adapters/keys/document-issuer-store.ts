// Issuer and trust anchors from documents, taken together or not at all. A broken or half-finished edit
// leaves the last good state in force and says so once.
import { createHash } from 'node:crypto';
import { AuthorityError } from '../../domain/errors.ts';
import type { TrustDomain } from '../../domain/identity/trust-domain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DocumentSource } from '../../ports/document-source.ts';
import type { Events } from '../../ports/events.ts';
import type { AuthorityMaterial, IssuerStore } from '../../ports/issuer-store.ts';
import { issuerMaterial } from './issuer-material.ts';

export interface StoreParts {
  /** `anchors`, `chain` and `key`, all PEM. */
  readonly documents: DocumentSource;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed' | 'issuerInForce' | 'bundleInForce'>;
  readonly clock: Clock;
}

export class DocumentIssuerStore implements IssuerStore {
  readonly #parts: StoreParts;
  readonly #trustDomain: TrustDomain;
  readonly #listeners = new Set<(material: AuthorityMaterial) => void>();
  #material: AuthorityMaterial | undefined;
  /** Digest of the documents in force. */
  #inForce: string | undefined;
  /** What the last look complained of: the same problem is told once. */
  #problem: string | undefined;

  constructor(parts: StoreParts, settings: { readonly trustDomain: TrustDomain }) {
    this.#parts = parts;
    this.#trustDomain = settings.trustDomain;
  }

  /** Loads once, then follows changes until the signal aborts. @throws AuthorityError CAP-X03 when the first load fails. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#load();
    this.#parts.documents.onChange(async () => this.#reload(), { signal });
  }

  current(): AuthorityMaterial {
    if (this.#material === undefined) throw new AuthorityError('CAP-S01');
    return this.#material;
  }

  /** Why nothing can be signed now; nothing when it can. */
  problem(nowMs: number): string | undefined {
    if (this.#material === undefined) return 'no issuer is loaded';
    const { notBeforeMs, notAfterMs } = this.#material.signing.issuer;
    if (notBeforeMs > nowMs) return `the issuer certificate is not valid before ${new Date(notBeforeMs).toISOString()}`;
    return notAfterMs > nowMs ? undefined : 'the issuer certificate has expired';
  }

  onChange(listener: (material: AuthorityMaterial) => void, { signal }: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  async #reload(): Promise<void> {
    try {
      await this.#load();
      this.#problem = undefined;
    } catch (error) {
      const problem = error instanceof AuthorityError ? error.message : 'unexpected failure';
      if (problem !== this.#problem) this.#parts.events.reloadFailed({ source: 'issuer', problem });
      this.#problem = problem;
    }
  }

  async #load(): Promise<void> {
    const { documents, clock } = this.#parts;
    const texts = await documents.read();
    const digest = createHash('sha256')
      .update(JSON.stringify([...texts]))
      .digest('hex');
    if (digest === this.#inForce) {
      this.#unchanged();
      return;
    }
    const read = {
      textOf: (name: string) => texts.get(name) ?? '',
      placeOf: (name: string) => documents.placeOf(name),
    };
    this.#install(issuerMaterial(read, this.#trustDomain, clock.nowMs()));
    this.#inForce = digest;
  }

  /** A broken edit that is taken back is worth telling; to those who listen nothing has changed. */
  #unchanged(): void {
    const { signing } = this.current();
    if (this.#problem !== undefined) this.#parts.events.reloaded({ source: 'issuer', revision: signing.issuer.id });
  }

  #install(material: AuthorityMaterial): void {
    const { events } = this.#parts;
    const { bundle, signing } = material;
    this.#material = material;
    events.reloaded({ source: 'issuer', revision: signing.issuer.id });
    events.issuerInForce({ issuer: signing.issuer.id, notAfterMs: signing.issuer.notAfterMs });
    events.bundleInForce({ digest: bundle.digest, anchors: bundle.anchors.length, notAfterMs: bundle.firstNotAfterMs });
    for (const listener of this.#listeners) listener(material);
  }
}
