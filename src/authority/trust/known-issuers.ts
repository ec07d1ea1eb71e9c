// Whose leaves are ours: those of the issuers in force and of their predecessors, as long as a leaf of theirs may live.
// Under a corporate root there are other authorities too, and what they say of this mesh is nothing to us.
import { readCaCertificate, type CaCertificate } from '../../domain/x509/ca-certificate.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { FormerIssuers, IssuerRecords } from '../../ports/storage/issuer-records.ts';
import { readyIssuersOf, type Issuers } from '../../ports/issuing/issuers.ts';

export interface KnownIssuersParts {
  readonly issuers: Issuers;
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
  /** Ends the tries for an older state: the record is of all that are in force. */
  #latest = 0;

  /** @param settings.longestLeafMs no leaf that is issued from now on lives longer. */
  constructor(parts: KnownIssuersParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  /** Reads those of before, then follows changes until the signal aborts. @throws AuthorityError CAP-S04 */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { issuers, former, clock } = this.#parts;
    // Before anything is waited for: an issuer that changes meanwhile is one of ours too.
    issuers.onChange(() => void this.#follow(signal), { signal });
    await this.#keep(signal);
    const known = await former.issuersAt(clock.nowMs(), { signal });
    for (const { certificateDer } of known) this.#know(certificateDer);
  }

  current(): readonly CaCertificate[] {
    return [...this.#known.values()];
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for (const { certificateDer } of readyIssuersOf(this.#parts.issuers)) this.#know(certificateDer);
    const own = ++this.#latest;
    while (!signal.aborted && own === this.#latest) {
      try {
        await this.#keep(signal);
        return;
      } catch {
        // The journal says by itself that it cannot be written.
        await this.#parts.clock.sleep(RETRY_MS, { signal }).catch(() => undefined);
      }
    }
  }

  async #keep(signal: AbortSignal): Promise<void> {
    const inForce = readyIssuersOf(this.#parts.issuers).map(({ id, certificateDer, notAfterMs }) => ({
      id,
      certificateDer,
      notAfterMs,
      longestLeafMs: this.#longestLeafMs,
    }));
    await this.#parts.records.keepIssuers(inForce, { signal });
  }

  #know(der: Uint8Array): void {
    const certificate = readCaCertificate(der);
    if (!('problem' in certificate)) this.#known.set(certificate.sha256, certificate);
  }
}
