// The issuers whose keys are at hand: those in force, and those before them for as long as leaves of theirs may live.
import { bug } from '../../domain/errors.ts';
import { readCaCertificate, type CaCertificate } from '../../domain/x509/ca-certificate.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import type { Issuers } from '../../ports/issuing/issuers.ts';
import type { Signer } from '../../ports/issuing/signer.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { FormerIssuer } from '../../ports/storage/issuer-records.ts';

/** An issuer with its key, as a list needs them. */
export interface SigningIssuer {
  readonly issuer: Issuer;
  readonly signer: Signer;
}

export interface KnownSigner extends SigningIssuer {
  /** Of the configuration. */
  readonly name: string;
  readonly certificate: CaCertificate;
  /** Signs leaves no more. */
  replaced: boolean;
}

export interface KnownSignersParts {
  readonly issuers: Pick<Issuers, 'all'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export class KnownSigners {
  readonly #parts: KnownSignersParts;
  readonly #longestLeafMs: number;
  /** By issuer id. */
  readonly #known = new Map<string, KnownSigner>();
  /** Of each issuer id, when its last leaf ends. */
  #leavesUntil: ReadonlyMap<string, number> = new Map();

  constructor(parts: KnownSignersParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  all(): Iterable<KnownSigner> {
    return this.#known.values();
  }

  /** Looks at who is in force now. One whose key does not answer is in force all the same. */
  follow(former: readonly FormerIssuer[]): void {
    this.#leavesUntil = new Map(former.map(({ certificateDer, untilMs }) => [idOf(certificateDer), untilMs]));
    const inForce = new Map<string, string>();
    for (const { name, state } of this.#parts.issuers.all()) {
      if (state.kind !== 'ready') continue;
      const { issuer, signer } = state;
      inForce.set(name, issuer.id);
      const certificate = this.#known.get(issuer.id)?.certificate ?? certificateOf(issuer);
      this.#known.set(issuer.id, { name, issuer, signer, certificate, replaced: false });
    }
    for (const [id, known] of this.#known) {
      known.replaced = (inForce.get(known.name) ?? id) !== id;
      if (known.replaced && !this.#leavesUntil.has(id)) this.#known.delete(id);
    }
  }

  /**
   * Until when a list of one that was replaced has to hold; 0 for one in force. Its record may be from when it was in force
   * still: no leaf of it lives longer than any may.
   */
  coverMs({ issuer, replaced }: KnownSigner): number {
    const longestMs = this.#parts.clock.nowMs() + this.#longestLeafMs;
    return replaced ? Math.min(longestMs, this.#leavesUntil.get(issuer.id) ?? 0) : 0;
  }

  /** Ids of the certificates with its name and key: they have one list in the eyes of a verifier. */
  namesakesOf({ issuer }: Pick<KnownSigner, 'issuer'>): ReadonlySet<string> {
    const others = [...this.#known.values()].filter(
      ({ issuer: other }) =>
        other.publicKeySha256 === issuer.publicKeySha256 && Buffer.compare(other.subjectDer, issuer.subjectDer) === 0,
    );
    return new Set([issuer.id, ...others.map(({ issuer: other }) => other.id)]);
  }
}

export function certificateOf({ certificateDer }: Issuer): CaCertificate {
  const certificate = readCaCertificate(certificateDer);
  if ('problem' in certificate) throw bug(`an issuer in force ${certificate.problem}`);
  return certificate;
}

function idOf(der: Uint8Array): string {
  const certificate = readCaCertificate(der);
  return 'problem' in certificate ? '' : certificate.sha256.slice(0, 16);
}
