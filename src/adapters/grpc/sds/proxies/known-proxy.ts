// What is known of one proxy through all its streams. Envoy opens a stream for each secret and builds its
// TLS contexts from all of them: while it holds a certificate that it rejected, a new bundle fails with it,
// and Envoy blames the bundle. Rejected bytes are remembered here beyond a stream, because Envoy calls them
// accepted when they come again, and uses them for nothing.
import { MAX_REJECTION, type AcknowledgedLeaf } from '../../../../domain/trust/rotation/evidence.ts';
import type { ProxyNote } from '../../../../ports/storage/evidence.ts';
import type { RejectionFacts } from '../../../../ports/platform/events.ts';
import type { SecretKind } from '../session/resource-names.ts';
import { withOtherBytes, type Availability, type SecretContent } from '../secret-content.ts';
import type { NamedSecret } from '../session/session.ts';

/** What one of the proxy's streams rejected. */
export interface Rejection extends RejectionFacts {
  /** In ms since the epoch. */
  readonly rejectedAtMs: number;
}

/** A stream of the proxy; it is notified while another stream's message is handled, so it must not throw. */
export interface ProxyStream {
  /** Look at `bundleHeld`, `rejected` and `sendable` again. */
  proxyChanged(): void;
}

/** What it has of trust bundles, and which certificate it presents. */
export type TrustStanding = Pick<ProxyNote, 'bundle' | 'timeMs' | 'leaf' | 'rejected'>;
type BundleStanding = Omit<TrustStanding, 'leaf'>;

/** Rejected versions remembered; the oldest is forgotten. */
const MAX_REJECTED = 32;

export class KnownProxy {
  readonly #streams = new Set<ProxyStream>();
  /** By version, oldest first. */
  readonly #rejected = new Map<string, SecretKind>();
  /** Rejections after which the proxy has accepted nothing of the kind; the newest of each kind. */
  readonly #openRejections = new Map<SecretKind, Rejection>();
  /** How often a rejected bundle was allowed to be sent again, in other bytes. */
  #reissues = 0;
  #bundle: BundleStanding | undefined;
  /** Digest of the one that it acknowledged before that, which a part of it has that rejects the newest. */
  #bundleBefore: string | undefined;
  /** Stays when its last stream ends: it may be back with the same. */
  #leaf: AcknowledgedLeaf | undefined;
  #reissued: { readonly of: Availability; readonly reissues: number; readonly availability: Availability } | undefined;

  /** No changed bundle may go to this proxy: its last certificate was rejected, and no other was accepted since. */
  get bundleOnHold(): boolean {
    return this.#openRejections.has('svid');
  }

  /** What it rejected and has accepted nothing of the same kind since. */
  get rejections(): readonly Rejection[] {
    return [...this.#openRejections.values()];
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

  /** The proxy is back, perhaps as another process: a bundle that it rejected may be sent once more. */
  join(stream: ProxyStream): void {
    if (this.#streams.size === 0) {
      this.#allowReissue();
      // Perhaps it has none: what it has it says again.
      this.#bundle = undefined;
      this.#bundleBefore = undefined;
    }
    this.#streams.add(stream);
  }

  leave(stream: ProxyStream): void {
    this.#streams.delete(stream);
  }

  /** @returns the same, or for a rejected bundle its anchors in bytes that this proxy has not rejected yet. */
  sendable(availability: Availability): Availability {
    if ('unavailable' in availability || availability.kind !== 'bundle' || !this.#rejected.has(availability.version))
      return availability;
    if (this.#reissues === 0) return availability;
    if (this.#reissued?.of !== availability || this.#reissued.reissues !== this.#reissues) {
      this.#reissued = {
        of: availability,
        reissues: this.#reissues,
        availability: withOtherBytes(availability, this.#reissues),
      };
    }
    return this.#reissued.availability;
  }

  /** What it has, as far as its streams have asked for a bundle. */
  get standing(): TrustStanding | undefined {
    return this.#bundle && { ...this.#bundle, ...(this.#leaf !== undefined && { leaf: this.#leaf }) };
  }

  asksForBundle(nowMs: number): void {
    this.#bundle ??= { timeMs: nowMs };
  }

  /** It acknowledged this secret, or came with it. */
  has(content: SecretContent, nowMs: number): void {
    if (content.kind === 'bundle') this.#hasBundle(content.bundle.digest, nowMs);
    else this.#leaf = { trustAnchor: content.svid.trustAnchor, notAfterMs: content.svid.notAfterMs };
  }

  acknowledged(secrets: readonly NamedSecret[], nowMs: number): void {
    for (const { content } of secrets) {
      // Envoy accepts rejected bytes when they come again, without using them.
      if (this.#rejected.has(content.version)) continue;
      this.has(content, nowMs);
      if (content.kind === 'bundle') this.#openRejections.delete('bundle');
      else this.#acceptCertificate();
    }
  }

  rejects(secrets: readonly NamedSecret[], rejection: Rejection): void {
    for (const { content } of secrets) {
      this.#remember(content);
      this.#openRejections.set(content.kind, rejection);
      if (content.kind === 'bundle') this.#rejectBundle(content.bundle.digest, rejection);
    }
    this.#notify();
  }

  #hasBundle(bundle: string, timeMs: number): void {
    if (this.#bundle?.bundle !== bundle) this.#bundleBefore = this.#bundle?.bundle;
    this.#bundle = { bundle, timeMs };
  }

  /** What one of its streams rejects it does not have, whatever another said of the same before. */
  #rejectBundle(digest: string, { message, rejectedAtMs: timeMs }: Rejection): void {
    const rejected = { message: message.slice(0, MAX_REJECTION), timeMs };
    const { bundle = digest, timeMs: sinceMs = timeMs } = this.#bundle ?? {};
    const has = bundle === digest ? this.#bundleBefore : bundle;
    this.#bundle = { ...(has !== undefined && { bundle: has }), timeMs: sinceMs, rejected };
  }

  #acceptCertificate(): void {
    if (this.#openRejections.size === 0) return;
    this.#openRejections.delete('svid');
    this.#allowReissue();
    this.#notify();
  }

  #allowReissue(): void {
    if (this.#openRejections.has('bundle')) this.#reissues += 1;
  }

  #remember({ version, kind }: SecretContent): void {
    this.#rejected.delete(version);
    this.#rejected.set(version, kind);
    for (const oldest of [...this.#rejected.keys()].slice(0, -MAX_REJECTED)) this.#rejected.delete(oldest);
  }

  #notify(): void {
    for (const stream of [...this.#streams]) stream.proxyChanged();
  }
}
