// Issuers whose leaves may live on and that lead to no trust anchor any more: peers that have the new bundle refuse those
// leaves. It happens when an anchor leaves the file before the last leaf below it is over.
import { pathCertificatesOf, readPathCertificate, type PathCertificate } from '../domain/x509/path/certificate.ts';
import { findPaths, isAmong } from '../domain/x509/path/find-paths.ts';
import type { Clock } from '../ports/clock.ts';
import type { Events } from '../ports/events.ts';
import type { FormerIssuers } from '../ports/issuer-records.ts';
import type { AuthorityMaterial, IssuerStore } from '../ports/issuer-store.ts';

export interface StrandedIssuersParts {
  readonly issuers: IssuerStore;
  readonly former: FormerIssuers;
  readonly clock: Clock;
  readonly events: Pick<Events, 'issuerStranded'>;
}

/** Certificates above former issuers, of this process's time: more than any rotation needs. */
const MAX_ABOVE = 100;

export class StrandedIssuers {
  readonly #parts: StrandedIssuersParts;
  /** What stood above an issuer, by fingerprint; the file has only what stands above the present one. */
  readonly #above = new Map<string, PathCertificate>();
  #stranded: readonly PathCertificate[] = [];

  constructor(parts: StrandedIssuersParts) {
    this.#parts = parts;
  }

  /** Looks at once, and after each change of issuer or anchors until the signal aborts. */
  start({ signal }: { readonly signal: AbortSignal }): void {
    const { issuers } = this.#parts;
    this.#look(issuers.current());
    issuers.onChange((material) => this.#look(material), { signal });
  }

  /** Which issuers they are, in words, as long as a leaf of theirs may live; nothing when there are none. */
  problem(): string | undefined {
    if (this.#stranded.length === 0) return undefined;
    const living = this.#living();
    const names = this.#stranded.filter((one) => isAmong(one, living)).map(inWords);
    return names.length === 0
      ? undefined
      : `leaves may live whose issuer leads to no trust anchor any more: ${names.join(', ')}`;
  }

  #look({ bundle, signing }: AuthorityMaterial): void {
    for (const link of pathCertificatesOf(signing.issuer.chainPems.slice(1).join('')))
      this.#above.set(link.sha256, link);
    for (const [first] of [...this.#above].slice(0, Math.max(0, this.#above.size - MAX_ABOVE)))
      this.#above.delete(first);
    const above = [...this.#above.values()];
    const stranded = this.#living().filter((one) => findPaths(one, above, bundle.anchors).length === 0);
    for (const one of stranded.filter((issuer) => !isAmong(issuer, this.#stranded))) {
      const { sha256, subject, issuer } = one;
      this.#parts.events.issuerStranded({ issuer: sha256.slice(0, 16), subject, signedBy: issuer });
    }
    this.#stranded = stranded;
  }

  #living(): readonly PathCertificate[] {
    const { former, clock } = this.#parts;
    try {
      const read = former.issuersAt(clock.nowMs()).map(readPathCertificate);
      return read.flatMap((certificate) => ('problem' in certificate ? [] : [certificate]));
    } catch {
      // The journal says by itself that it cannot be read; what was known stays known.
      return this.#stranded;
    }
  }
}

function inWords({ subject, sha256, issuer }: PathCertificate): string {
  return `${subject} (${sha256.slice(0, 16)}), signed by ${issuer}`;
}
