// Issuer and trust anchors from documents: `anchors`, `chain` and `key`, taken together or not at
// all. A half-finished edit, where key and certificate do not fit yet, leaves the last good state.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { AuthorityError } from '../../domain/errors.ts';
import type { TrustDomain } from '../../domain/identity/trust-domain.ts';
import { TrustBundle } from '../../domain/trust/bundle.ts';
import { Issuer } from '../../domain/x509/issuer.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DocumentSource } from '../../ports/document-source.ts';
import type { Events } from '../../ports/events.ts';
import type { AuthorityMaterial, IssuerStore } from '../../ports/issuer-store.ts';
import { memorySigner } from './memory-signer.ts';

export interface StoreParts {
  readonly documents: DocumentSource;
  readonly events: Events;
  readonly clock: Clock;
}

export class DocumentIssuerStore implements IssuerStore {
  readonly #parts: StoreParts;
  readonly #trustDomain: TrustDomain;
  readonly #listeners = new Set<(material: AuthorityMaterial) => void>();
  #material: AuthorityMaterial | undefined;
  /** What was read last, good or bad: the same text is not judged, nor complained of, twice. */
  #lastRead = '';

  constructor(parts: StoreParts, settings: { readonly trustDomain: TrustDomain }) {
    this.#parts = parts;
    this.#trustDomain = settings.trustDomain;
  }

  /** Loads once and then follows changes. @throws AuthorityError CAP-X03 when the first load fails. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const documents = await this.#parts.documents.read();
    this.#lastRead = JSON.stringify([...documents]);
    this.#install(this.#judge(documents));
    this.#parts.documents.onChange(() => void this.#reload(), { signal });
  }

  current(): AuthorityMaterial {
    if (this.#material === undefined) throw new AuthorityError('CAP-S01');
    return this.#material;
  }

  /** Why nothing can be signed now; nothing when it can. */
  problem(nowMs: number): string | undefined {
    if (this.#material === undefined) return 'no issuer is loaded';
    return this.#material.signing.issuer.notAfterMs > nowMs ? undefined : 'the issuer certificate has expired';
  }

  onChange(listener: (material: AuthorityMaterial) => void, { signal }: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  async #reload(): Promise<void> {
    try {
      const documents = await this.#parts.documents.read();
      const text = JSON.stringify([...documents]);
      if (text === this.#lastRead) return;
      this.#lastRead = text;
      this.#install(this.#judge(documents));
    } catch (error) {
      const problem = error instanceof AuthorityError ? error.message : 'unexpected failure';
      this.#parts.events.reloadFailed({ source: 'issuer', problem });
    }
  }

  #judge(documents: ReadonlyMap<string, string>): AuthorityMaterial {
    const bundle = TrustBundle.fromPem(this.#trustDomain, documents.get('anchors') ?? '');
    if ('problem' in bundle) throw invalid('trust anchors', bundle.problem);
    const issuer = Issuer.fromPem(documents.get('chain') ?? '', bundle.anchors);
    if ('problem' in issuer) throw invalid('issuer chain', issuer.problem);
    if (issuer.notAfterMs <= this.#parts.clock.nowMs()) throw invalid('issuer chain', 'has expired');
    const key = readKey(documents.get('key') ?? '');
    if (!createPublicKey(key).equals(issuer.publicKey)) throw invalid('issuer key', "is not the certificate's key");
    return { bundle, signing: { issuer, signer: memorySigner(key, issuer.algorithm) } };
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

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause is dropped on purpose: OpenSSL's message may quote what it read.
    throw invalid('issuer key', 'is not an unencrypted PEM private key');
  }
}

function invalid(what: string, problem: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${what} ${problem}` });
}
