// What is known of one proxy through all its streams. Envoy opens a stream for each secret and builds its
// TLS contexts from all of them: while it holds a certificate that it rejected, a new bundle fails with it,
// and Envoy blames the bundle. Rejected bytes are remembered here beyond a stream, because Envoy calls them
// accepted when they come again, and uses them for nothing.
import type { RejectionFacts } from '../../../../ports/platform/events.ts';
import type { SecretKind } from '../session/resource-names.ts';
import { inOtherBytes, type Availability, type SecretContent } from '../secret-content.ts';
import type { NamedSecret } from '../session/session.ts';

/** What one of the proxy's streams rejected. */
export interface Rejection extends RejectionFacts {
  /** In ms since the epoch. */
  readonly rejectedAtMs: number;
}

/** A stream of the proxy; the news is given in the middle of another's message, so it must not throw. */
export interface ProxyStream {
  /** Look at `bundleHeld`, `rejected` and `fitting` again. */
  proxyChanged(): void;
}

/** Rejected versions remembered; the oldest is forgotten. */
const MAX_REJECTED = 32;

export class KnownProxy {
  readonly #streams = new Set<ProxyStream>();
  /** By version, oldest first. */
  readonly #rejected = new Map<string, SecretKind>();
  /** What nothing has healed yet, newest of each kind. */
  readonly #unhealed = new Map<SecretKind, Rejection>();
  /** Counts the occasions on which a rejected bundle may be offered anew, in other bytes. */
  #edition = 0;
  #anew: { readonly of: Availability; readonly edition: number; readonly availability: Availability } | undefined;

  /** No changed bundle may go to this proxy: its last certificate was rejected, and no other was accepted since. */
  get bundleOnHold(): boolean {
    return this.#unhealed.has('svid');
  }

  /** What it rejected and what no secret of the kind that it accepted has healed since. */
  get rejections(): readonly Rejection[] {
    return [...this.#unhealed.values()];
  }

  /**
   * Versions that must not be sent on a stream of this proxy.
   * @param resumes whether the stream's client says that it holds secrets from before: one that holds none may be
   *   a new process, which has not judged a certificate yet. A bundle always goes in other bytes.
   */
  rejected(resumes: boolean): readonly string[] {
    return [...this.#rejected].flatMap(([version, kind]) => (resumes || kind === 'bundle' ? [version] : []));
  }

  /** Whether nothing would be lost by forgetting it. */
  get forgettable(): boolean {
    return this.#streams.size === 0 && this.#rejected.size === 0;
  }

  get connected(): boolean {
    return this.#streams.size > 0;
  }

  /** The proxy is back, perhaps as another process: what it rejected as a bundle is worth another try. */
  join(stream: ProxyStream): void {
    if (this.#streams.size === 0) this.#tryAnew();
    this.#streams.add(stream);
  }

  leave(stream: ProxyStream): void {
    this.#streams.delete(stream);
  }

  /** @returns the offer, or the same anchors in bytes that this proxy has not rejected yet. */
  fitting(availability: Availability): Availability {
    if ('unavailable' in availability || availability.kind !== 'bundle' || !this.#rejected.has(availability.version))
      return availability;
    if (this.#edition === 0) return availability;
    if (this.#anew?.of !== availability || this.#anew.edition !== this.#edition) {
      this.#anew = {
        of: availability,
        edition: this.#edition,
        availability: inOtherBytes(availability, this.#edition),
      };
    }
    return this.#anew.availability;
  }

  acknowledged(secrets: readonly NamedSecret[]): void {
    for (const { content } of secrets) {
      // Envoy accepts rejected bytes when they come again, without using them.
      if (this.#rejected.has(content.version)) continue;
      if (content.kind === 'bundle') this.#unhealed.delete('bundle');
      else this.#certificateAccepted();
    }
  }

  rejects(secrets: readonly NamedSecret[], rejection: Rejection): void {
    for (const { content } of secrets) {
      this.#remember(content);
      this.#unhealed.set(content.kind, rejection);
    }
    this.#tell();
  }

  #certificateAccepted(): void {
    if (this.#unhealed.size === 0) return;
    this.#unhealed.delete('svid');
    this.#tryAnew();
    this.#tell();
  }

  #tryAnew(): void {
    if (this.#unhealed.has('bundle')) this.#edition += 1;
  }

  #remember({ version, kind }: SecretContent): void {
    this.#rejected.delete(version);
    this.#rejected.set(version, kind);
    for (const oldest of [...this.#rejected.keys()].slice(0, -MAX_REJECTED)) this.#rejected.delete(oldest);
  }

  #tell(): void {
    for (const stream of [...this.#streams]) stream.proxyChanged();
  }
}
