// The sequence number of the trust bundle that others fetch (SPIFFE Trust Domain and Bundle, section 4.1.1): of two bundles
// the one with the higher number is the newer. It is the second in which this server took the bundle in force, so it
// needs no store, never goes back over a restart, and of servers that take a change one after the other the first already has a higher
// number than any that still has the former bundle. Two with the same bundle may number it differently, which tells nobody anything wrong.
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import type { TrustAnchors } from '../../ports/issuing/trust-anchors.ts';
import type { Clock } from '../../ports/platform/clock.ts';

export interface SequencedBundle {
  readonly bundle: TrustBundle;
  readonly sequence: number;
}

export interface BundleSequenceParts {
  readonly anchors: TrustAnchors;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export class BundleSequence {
  readonly #parts: BundleSequenceParts;
  #last: SequencedBundle | undefined;

  constructor(parts: BundleSequenceParts) {
    this.#parts = parts;
  }

  /** Follows the anchors until the signal aborts. Called once, when they are loaded. */
  start(options: { readonly signal: AbortSignal }): void {
    this.current();
    this.#parts.anchors.onChange(() => void this.current(), options);
  }

  /** @throws AuthorityError CAP-S01 before anchors are in force. */
  current(): SequencedBundle {
    const bundle = this.#parts.anchors.current();
    if (this.#last?.bundle.digest === bundle.digest) return this.#last;
    const second = Math.floor(this.#parts.clock.nowMs() / 1_000);
    // A clock that is set back, and two changes within a second, count on.
    this.#last = { bundle, sequence: Math.max(second, (this.#last?.sequence ?? 0) + 1) };
    return this.#last;
  }
}
