// Whose leaves are ours: those of the issuers in force and of their predecessors, as long as a leaf of theirs may live.
// Under a corporate root there are other authorities too, and what they say of this mesh is nothing to us.
import { readCaCertificate, type CaCertificate } from '../../domain/x509/ca-certificate.ts';
import { abortable, NEVER } from '../../live/abortable.ts';
import { every } from '../../live/every.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { FormerIssuers, IssuerRecords } from '../../ports/storage/issuer-records.ts';
import { readyIssuersOf, type Issuers } from '../../ports/issuing/issuers.ts';

export interface KnownIssuersParts {
  readonly issuers: Issuers;
  readonly records: IssuerRecords;
  readonly former: FormerIssuers;
  readonly clock: Clock;
}

/** Those in force are noted again within this time: another server on the same store takes what it does not sign with for former. */
const [KEEP_MS, KEEPS_IN_LEAF] = [3_600_000, 4];
/** Between looks for issuers of other servers, however many certificates of strangers are shown. */
const LOOK_MS = 1_000;
/** Between tries to note an issuer while the journal cannot be written; nothing is issued meanwhile. */
const RETRY_MS = 1_000;

export class KnownIssuers {
  readonly #parts: KnownIssuersParts;
  readonly #longestLeafMs: number;
  /** By id. Grows by one with each change of issuer; those that are over are left out at the next start. */
  readonly #known = new Map<string, CaCertificate>();
  #looked: { readonly atMs: number; readonly answer: Promise<void> } | undefined;
  /** Ends the tries for an older state: the record is of all that are in force. */
  #latest = 0;

  /** @param settings.longestLeafMs no leaf that is issued from now on lives longer. */
  constructor(parts: KnownIssuersParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  /** Reads those of before, then follows changes until the signal aborts. @throws AuthorityError CAP-S04 */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { issuers, clock } = this.#parts;
    // Before anything is waited for: an issuer that changes meanwhile is one of ours too.
    issuers.onChange(() => void this.#follow(signal), { signal });
    await this.#keep(signal);
    await this.#read({ signal });
    const everyMs = Math.min(KEEP_MS, this.#longestLeafMs / KEEPS_IN_LEAF);
    void every(everyMs, clock, async () => this.#follow(signal), { signal });
  }

  /**
   * Looks for what other servers on the same store sign with, at most once a second: all who ask within it share its answer.
   * @throws AuthorityError CAP-S04 when it cannot be read.
   */
  async look({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#looked === undefined || nowMs - this.#looked.atMs >= LOOK_MS)
      this.#looked = { atMs: nowMs, answer: this.#read({ signal: NEVER }) };
    const { answer } = this.#looked;
    await abortable<undefined>(signal, ({ resolve, reject }) => {
      answer.then(() => resolve(undefined), reject);
      return () => undefined;
    });
  }

  current(): readonly CaCertificate[] {
    return [...this.#known.values()];
  }

  async #read(options: { readonly signal: AbortSignal }): Promise<void> {
    const { former, clock } = this.#parts;
    const known = await former.issuersAt(clock.nowMs(), options);
    for (const { certificateDer } of known) this.#know(certificateDer);
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
