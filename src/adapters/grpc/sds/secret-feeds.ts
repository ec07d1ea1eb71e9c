// Which secrets are available, watched once for all streams: one watch per workload, one for the
// bundle, however many streams there are. Every secret is validated once, when it comes in; after a bad one
// the last good one stays available.
import { AuthorityError } from '../../../domain/errors.ts';
import { SpiffeId } from '../../../domain/identity/spiffe-id.ts';
import { workloadKey } from '../../../domain/identity/workload-key.ts';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { SvidState, Watcher, WorkloadSecrets } from '../../../authority/surface/surface.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { FanOut, type Follower } from './fan-out.ts';
import { bundleContent, svidContent, type BundleShape, type Availability, type Unavailable } from './secret-content.ts';
import { bundleProblem, svidProblem } from './session/validate.ts';

/** Follows a feed until it leaves it. */
export interface FeedFollower extends Follower {
  readonly watcher: Watcher;
  /** There will be no more updates, because of this error. */
  abandon(error: Error): void;
}

export interface FeedParts {
  readonly secrets: WorkloadSecrets;
  readonly clock: Clock;
  readonly events: Pick<Events, 'secretInvalid'>;
}

type ByShape = Readonly<Record<BundleShape, Availability>>;

const UNTIMELY: Unavailable = {
  unavailable: new AuthorityError('CAP-S01', { detail: 'the secret in hand is not valid now' }),
};
const INVALID: Unavailable = { unavailable: new AuthorityError('CAP-X01') };

export class SecretFeed {
  readonly #followers = new Set<FeedFollower>();
  readonly #stop = new AbortController();
  readonly #fanOut: FanOut;
  readonly #onIdle: () => void;
  #available: ByShape | undefined;

  constructor(fanOut: FanOut, onIdle: () => void) {
    this.#fanOut = fanOut;
    this.#onIdle = onIdle;
  }

  /** What there is to send at this moment; `undefined` while nothing is known yet. */
  availability(shape: BundleShape, nowMs: number): Availability | undefined {
    const availability = this.#available?.[shape];
    if (availability === undefined || !('version' in availability)) return availability;
    return availability.notBeforeMs <= nowMs && nowMs < availability.notAfterMs ? availability : UNTIMELY;
  }

  /** The watcher that joined last, of those whose credential has not expired. */
  proven(nowMs: number): Watcher | undefined {
    let newest: Watcher | undefined;
    for (const { watcher } of this.#followers) if (isProven(watcher, nowMs)) newest = watcher;
    return newest;
  }

  join(follower: FeedFollower): void {
    this.#followers.add(follower);
  }

  /** The last one to leave ends the watch. */
  leave(follower: FeedFollower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0 || this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#onIdle();
  }

  /** Follows `watch` until everybody has left. `judge` answers `undefined` for what must not be sent. */
  async run<T>(
    watch: (options: { readonly signal: AbortSignal }) => AsyncIterable<T>,
    judge: (value: T) => ByShape | undefined,
  ): Promise<void> {
    const { signal } = this.#stop;
    // The follower that started it must have the feed before the feed can abandon it.
    await Promise.resolve();
    try {
      for await (const value of watch({ signal })) this.#take(judge(value));
      this.#fail(new AuthorityError('CAP-S03'));
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #take(judged: ByShape | undefined): void {
    this.#available = judged ?? this.#available ?? both(INVALID);
    this.#fanOut.add(this.#followers);
  }

  /** Ends after everybody has left are no failures. */
  #fail(error: Error): void {
    for (const follower of [...this.#followers]) follower.abandon(error);
  }
}

export class SecretFeeds {
  readonly #parts: FeedParts;
  readonly #fanOut = new FanOut();
  /** By `workloadKey`; bounded by the streams and fetches that follow. */
  readonly #svids = new Map<string, SecretFeed>();
  #bundle: SecretFeed | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  followSvid(follower: FeedFollower): SecretFeed {
    const { secrets, clock } = this.#parts;
    const key = workloadKey(follower.watcher.caller);
    const known = this.#svids.get(key);
    const feed = known ?? new SecretFeed(this.#fanOut, () => this.#svids.delete(key));
    feed.join(follower);
    if (known !== undefined) return feed;
    this.#svids.set(key, feed);
    const watchers = { proven: () => feed.proven(clock.nowMs()) };
    void feed.run(
      (options) => secrets.watchSvid(watchers, options),
      (state) => this.#judgeSvid(state),
    );
    return feed;
  }

  followBundle(follower: FeedFollower): SecretFeed {
    const known = this.#bundle;
    const feed = known ?? new SecretFeed(this.#fanOut, () => (this.#bundle = undefined));
    feed.join(follower);
    if (known !== undefined) return feed;
    this.#bundle = feed;
    void feed.run(
      (options) => this.#parts.secrets.watchBundle(options),
      (bundle) => this.#judgeBundle(bundle),
    );
    return feed;
  }

  #judgeSvid(state: SvidState): ByShape | undefined {
    if (state.kind === 'unavailable') return both({ unavailable: state.error });
    const { svid } = state;
    const problem = svidProblem(svid, this.#parts.clock.nowMs());
    return this.#valid(problem, svid.identity) ? both(svidContent(svid)) : undefined;
  }

  #judgeBundle(bundle: TrustBundle): ByShape | undefined {
    const problem = bundleProblem(bundle, this.#parts.clock.nowMs());
    if (!this.#valid(problem, SpiffeId.ofTrustDomain(bundle.trustDomain))) return undefined;
    return { plain: bundleContent(bundle, 'plain'), 'spiffe-validator': bundleContent(bundle, 'spiffe-validator') };
  }

  #valid(problem: string | undefined, identity: SpiffeId): boolean {
    if (problem !== undefined) this.#parts.events.secretInvalid({ identity: identity.uri, problem });
    return problem === undefined;
  }
}

function both(availability: Availability): ByShape {
  return { plain: availability, 'spiffe-validator': availability };
}

/** Whether the watcher's credential has not expired. */
export function isProven({ caller: { expiresAtMs } }: Watcher, nowMs: number): boolean {
  return expiresAtMs === undefined || nowMs < expiresAtMs;
}
