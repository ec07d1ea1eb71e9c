// Roots strictly before leaves: what an issuer signs is of no use to who does not have its trust anchor yet. An agent that
// starts knows this CA, and istiod, by the anchors that it finds beside it. So trust anchors come in force, and an issuer
// below them signs, when they are published everywhere; until then what is in force stays, and both are published.
import { AuthorityError } from '../../domain/errors.ts';
import { formatQuantity } from '../../domain/text/format-count.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import { Alarm } from '../../live/alarm.ts';
import { Listeners } from '../../live/listeners.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { PublishedRoots } from '../../ports/issuing/root-publication.ts';
import type { TrustAnchors } from '../../ports/issuing/trust-anchors.ts';

export interface RootsBeforeLeavesParts {
  readonly published: PublishedRoots;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep' | 'sleepUntil'>;
  readonly events: Pick<Events, 'rootsLate'>;
}

/** Between a change and the next look at all places: while thousands are written, each write changes one. */
const SETTLE_MS = 100;

export class RootsBeforeLeaves {
  readonly #parts: RootsBeforeLeavesParts;
  readonly #waitMs: number;
  readonly #listeners = new Listeners();
  #anchors: TrustAnchors | undefined;
  /** About to come in force. */
  #pending: TrustBundle | undefined;

  /** @param settings.waitMs longest that anchors wait to be everywhere before they come in force all the same. */
  constructor(parts: RootsBeforeLeavesParts, settings: { readonly waitMs: number }) {
    this.#parts = parts;
    this.#waitMs = settings.waitMs;
  }

  /** From now on these are in force. Called once, when they are loaded. */
  follow(anchors: TrustAnchors, options: { readonly signal: AbortSignal }): void {
    this.#anchors = anchors;
    anchors.onChange(() => this.#listeners.notify(), options);
    this.#listeners.notify();
  }

  /** What is to be published: the anchors in force, and those that are about to be. @throws AuthorityError CAP-S01 before the first. */
  wanted(): TrustBundle {
    if (this.#anchors === undefined) throw new AuthorityError('CAP-S01');
    const inForce = this.#anchors.current();
    return this.#pending === undefined ? inForce : inForce.joinedWith(this.#pending);
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** How many places lack an anchor in force, in words; nothing when none does, or it cannot be known. */
  problem(): string | undefined {
    const bundle = this.#anchors?.current();
    const lacking = bundle && this.#parts.published.lacking(bundle);
    return lacking === undefined || lacking === 0
      ? undefined
      : `the trust anchors in force are missing in ${formatQuantity(lacking, 'place')}`;
  }

  /**
   * Resolves when the anchors are published everywhere, or when the wait is over, which is alarmed: a namespace whose
   * object cannot be written must not stop the mesh. Rejects with the signal's reason when it aborts.
   */
  async before(bundle: TrustBundle, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#parts.published.lacking(bundle) === 0) return;
    this.#pending = bundle;
    this.#listeners.notify();
    try {
      await this.#untilPublished(bundle, signal);
    } finally {
      this.#pending = undefined;
    }
  }

  /**
   * As `before`, for the anchors that are in force when the server starts. Where nobody can know what is published it does
   * not wait: a server that starts while the API server is away serves.
   */
  async atStart(options: { readonly signal: AbortSignal }): Promise<void> {
    const bundle = this.wanted();
    if (this.#parts.published.lacking(bundle) !== undefined) await this.before(bundle, options);
  }

  async #untilPublished(bundle: TrustBundle, signal: AbortSignal): Promise<void> {
    const { published, clock, events } = this.#parts;
    const over = new AbortController();
    const alarm = new Alarm(clock);
    published.onChange(() => alarm.ring(), { signal: AbortSignal.any([signal, over.signal]) });
    const startMs = clock.monotonicMs();
    try {
      while (published.lacking(bundle) !== 0) {
        const leftMs = startMs + this.#waitMs - clock.monotonicMs();
        if (leftMs <= 0) {
          events.rootsLate({ digest: bundle.digest, lacking: published.lacking(bundle), waitedMs: this.#waitMs });
          return;
        }
        if ((await alarm.sleep(leftMs, { signal })) === 'rung') await clock.sleep(SETTLE_MS, { signal });
        signal.throwIfAborted();
      }
    } finally {
      over.abort();
    }
  }
}
