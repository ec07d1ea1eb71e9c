// Issuers whose leaves may live on and that lead to no trust anchor any more: peers that have the new bundle refuse those
// leaves. It happens when an anchor leaves the file before the last leaf below it is over. Another way up from the same
// issuer helps new leaves only: a client of the CSR API shows the chain that it was given.
import { pathCertificatesOf, readPathCertificate, type PathCertificate } from '../../domain/x509/path/certificate.ts';
import { findPaths } from '../../domain/x509/path/find-paths.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { FormerIssuers } from '../../ports/storage/issuer-records.ts';
import type { Issuers } from '../../ports/issuing/issuers.ts';
import type { TrustAnchors } from '../../ports/issuing/trust-anchors.ts';

export interface StrandedIssuersParts {
  readonly issuers: Issuers;
  readonly anchors: TrustAnchors;
  readonly former: FormerIssuers;
  readonly clock: Clock;
  readonly events: Pick<Events, 'issuerStranded'>;
  /** Subjects of anchors that went when nobody's leaf was known to hang on them. Absent, there are none. */
  readonly left?: () => readonly string[];
}

/** A chain that leaves were given, by an issuer of this process's time or by one that the journal knows. */
interface ServedChain {
  readonly issuer: PathCertificate;
  /** Above the issuer; of those from before the start, what the files have. */
  readonly above: readonly PathCertificate[];
  /** The highest that is known to be of it. */
  readonly top: PathCertificate;
  /** When the last leaf that was given it is over, in ms since the epoch. */
  readonly untilMs: number;
}

interface LivingIssuer {
  readonly certificate: PathCertificate;
  /** When its last leaf is over, in ms since the epoch. */
  readonly untilMs: number;
}

/** Chains that were served in this process's time: more than any rotation needs. */
const MAX_SERVED = 100;

export class StrandedIssuers {
  readonly #parts: StrandedIssuersParts;
  readonly #longestLeafMs: number;
  /** By their text; those in force have no end yet. */
  readonly #served = new Map<string, ServedChain>();
  /** Text of the chain that each issuer serves, by its name. */
  readonly #inForce = new Map<string, string>();
  #stranded: readonly ServedChain[] = [];
  /** Issuers whose leaves may live, as they were read last. */
  #former: readonly LivingIssuer[] = [];

  /** @param settings.longestLeafMs no leaf that is issued from now on lives longer. */
  constructor(parts: StrandedIssuersParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  /** Looks at once, and after each change of issuer or anchors until the signal aborts. */
  async start(options: { readonly signal: AbortSignal }): Promise<void> {
    const { issuers, anchors } = this.#parts;
    const look = (): void => void this.#look(options);
    issuers.onChange(look, options);
    anchors.onChange(look, options);
    await this.#look(options);
  }

  /** Which issuers they are, in words, as long as a leaf of theirs may live; nothing when there are none. */
  problem(): string | undefined {
    if (this.#stranded.length === 0) return undefined;
    const living = new Set(this.#living().map(({ sha256 }) => sha256));
    const nowMs = this.#parts.clock.nowMs();
    const names = this.#stranded
      .filter(({ issuer, untilMs }) => living.has(issuer.sha256) && nowMs < untilMs)
      .map(format);
    return names.length === 0
      ? undefined
      : `leaves may live whose chain leads to no trust anchor any more: ${names.join(', ')}`;
  }

  /** Looks that overlap end in the order in which the record is read, each with the anchors that are in force then. */
  async #look(options: { readonly signal: AbortSignal }): Promise<void> {
    for (const { name, state } of this.#parts.issuers.all()) {
      if (state.kind === 'ready') this.#note(name, state.issuer.chainPems.join(''));
    }
    await this.#readFormer(options);
    const bundle = this.#parts.anchors.current();
    const left = this.#parts.left?.() ?? [];
    const stranded = this.#chains().filter(
      ({ issuer, above, top }) => findPaths(issuer, above, bundle.anchors).length === 0 && !left.includes(top.issuer),
    );
    for (const one of stranded.filter((chain) => !this.#stranded.some((reported) => isSame(reported, chain)))) {
      const { sha256, subject } = one.issuer;
      this.#parts.events.issuerStranded({ issuer: sha256.slice(0, 16), subject, signedBy: one.top.issuer });
    }
    this.#stranded = stranded;
  }

  /** Leaves of this issuer are given this chain from now on, and the one before it no more. */
  #note(name: string, chainPem: string): void {
    const formerPem = this.#inForce.get(name);
    if (chainPem === formerPem) return;
    const former = formerPem === undefined ? undefined : this.#served.get(formerPem);
    if (former !== undefined && formerPem !== undefined) {
      this.#served.set(formerPem, { ...former, untilMs: this.#parts.clock.nowMs() + this.#longestLeafMs });
    }
    const [issuer, ...above] = pathCertificatesOf(chainPem);
    if (issuer === undefined) return;
    this.#served.delete(chainPem);
    this.#served.set(chainPem, { issuer, above, top: above.at(-1) ?? issuer, untilMs: Infinity });
    this.#inForce.set(name, chainPem);
    for (const [first] of [...this.#served].slice(0, Math.max(0, this.#served.size - MAX_SERVED)))
      this.#served.delete(first);
  }

  /** Of every issuer whose leaves may live the chains that those have; what was served before the start is not known. */
  #chains(): readonly ServedChain[] {
    const nowMs = this.#parts.clock.nowMs();
    const served = [...this.#served.values()];
    const known = [...new Map(served.flatMap(({ above }) => above.map((link) => [link.sha256, link]))).values()];
    return this.#living().flatMap((issuer) => {
      const own = served.filter((one) => one.issuer.sha256 === issuer.sha256 && nowMs < one.untilMs);
      return own.length > 0 ? own : [{ issuer, above: known, top: issuer, untilMs: Infinity }];
    });
  }

  #living(): readonly PathCertificate[] {
    const nowMs = this.#parts.clock.nowMs();
    return this.#former.filter(({ untilMs }) => nowMs <= untilMs).map(({ certificate }) => certificate);
  }

  async #readFormer(options: { readonly signal: AbortSignal }): Promise<void> {
    const { former, clock } = this.#parts;
    try {
      const read = await former.issuersAt(clock.nowMs(), options);
      this.#former = read.flatMap(({ certificateDer, untilMs }) => {
        const certificate = readPathCertificate(certificateDer);
        return 'problem' in certificate ? [] : [{ certificate, untilMs }];
      });
    } catch {
      // The journal says by itself that it cannot be read; what was known stays known.
    }
  }
}

function isSame(one: ServedChain, other: ServedChain): boolean {
  return one.issuer.sha256 === other.issuer.sha256 && one.top.sha256 === other.top.sha256;
}

function format({ issuer: { subject, sha256, issuer }, top }: ServedChain): string {
  const by = top.issuer === issuer ? issuer : `${issuer}, below ${top.issuer}`;
  return `${subject} (${sha256.slice(0, 16)}), signed by ${by}`;
}
