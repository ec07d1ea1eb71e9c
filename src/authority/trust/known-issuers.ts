// Whose leaves are ours: those of the issuer in force and of its predecessors, as long as a leaf of theirs may live.
// Under a corporate root there are other authorities too, and what they say of this mesh is nothing to us.
import { readCaCertificate, type CaCertificate } from '../../domain/x509/ca-certificate.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { FormerIssuers, IssuerRecords } from '../../ports/storage/issuer-records.ts';
import type { IssuerStore } from '../../ports/issuing/issuer-store.ts';

export interface KnownIssuersParts {
  readonly issuers: IssuerStore;
  readonly records: IssuerRecords;
  readonly former: FormerIssuers;
  readonly clock: Clock;
}

/** Between tries to note an issuer while the journal cannot be written; nothing is issued meanwhile. */
const RETRY_MS = 1_000;

export class KnownIssuers {
  readonly #parts: KnownIssuersParts;
  readonly #longestLeafMs: number;
  /** By id. Grows by one with each change of issuer; those that are over are left out at the next start. */
  readonly #known = new Map<string, CaCertificate>();

  /** @param settings.longestLeafMs no leaf that is issued from now on lives longer. */
  constructor(parts: KnownIssuersParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  /** Reads those of before, then follows changes until the signal aborts. @throws AuthorityError CAP-S04 */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { issuers, former, clock } = this.#parts;
    await this.#keep(issuers.current().signing.issuer);
    for (const der of former.issuersAt(clock.nowMs())) this.#know(der);
    issuers.onChange(({ signing }) => void this.#follow(signing.issuer, signal), { signal });
  }

  current(): readonly CaCertificate[] {
    return [...this.#known.values()];
  }

  async #follow(issuer: Issuer, signal: AbortSignal): Promise<void> {
    this.#know(issuer.certificateDer);
    while (!signal.aborted && issuer.id === this.#parts.issuers.current().signing.issuer.id) {
      try {
        await this.#keep(issuer);
        return;
      } catch {
        // The journal says by itself that it cannot be written.
        await this.#parts.clock.sleep(RETRY_MS, { signal }).catch(() => undefined);
      }
    }
  }

  async #keep({ id, certificateDer, notAfterMs }: Issuer): Promise<void> {
    await this.#parts.records.keepIssuer({ id, certificateDer, notAfterMs, longestLeafMs: this.#longestLeafMs });
  }

  #know(der: Uint8Array): void {
    const certificate = readCaCertificate(der);
    if (!('problem' in certificate)) this.#known.set(certificate.sha256, certificate);
  }
}
