// Looks at a rotation of trust anchors as a whole: what every live workload is known to have and to hang on, where anchors are
// published, what issuers lead to, and what follows of that for its next step.
import {
  obstaclesTo,
  planOf,
  type Obstacle,
  type OwnCertificate,
  type PhasePlan,
  type StandingIssuer,
} from '../../domain/trust/rotation/gate.ts';
import type { RotationProgress } from '../../domain/trust/rotation/progress.ts';
import {
  placesHolding,
  placesLacking,
  shownOf,
  type PublishedPlace,
  type ShownPlaces,
} from '../../domain/trust/rotation/published-place.ts';
import { shasOf, type AnchorRotation } from '../../domain/trust/rotation/rotation.ts';
import { formatSpan } from '../../domain/text/format-time.ts';
import { BELIEVED_AFTER_MS, type SettledTime } from '../../live/settled-time.ts';
import type { TrustAnchors } from '../../ports/issuing/trust-anchors.ts';
import type { AnchorPlaces } from '../../ports/issuing/root-publication.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { LiveProgress } from './live-progress.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface RotationReviewParts {
  readonly anchors: Pick<TrustAnchors, 'current'>;
  readonly progress: Pick<LiveProgress, 'look'>;
  /** Absent where anchors are published nowhere. */
  readonly published?: AnchorPlaces;
  readonly issuers: (options: Waits) => Promise<readonly StandingIssuer[]>;
  /** The CA's own certificates. */
  readonly own: (options: Waits) => Promise<readonly OwnCertificate[]>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly settled: Pick<SettledTime, 'aheadMs'>;
}

export interface ReviewedRotation {
  /** What is said of workloads is of that moment; in ms since the epoch. */
  readonly atMs: number;
  readonly progress: RotationProgress;
  /** Where the anchors are published; absent while that cannot be known. */
  readonly published?: ShownPlaces;
  /** What stands against the next step. */
  readonly obstacles: readonly Obstacle[];
  readonly plan: readonly PhasePlan[];
}

export class RotationReview {
  readonly #parts: RotationReviewParts;
  readonly #spreadMs: number;

  /** @param settings.spreadMs over which renewals over SDS are spread. */
  constructor(parts: RotationReviewParts, settings: { readonly spreadMs: number }) {
    this.#parts = parts;
    this.#spreadMs = settings.spreadMs;
  }

  /**
   * @returns nothing while workloads are still being read: ask again.
   * @throws AuthorityError CAP-S04 when what is known of workloads cannot be read: nothing may be concluded then.
   */
  async look(rotation: AnchorRotation, options: Waits): Promise<ReviewedRotation | undefined> {
    const { clock, issuers, own } = this.#parts;
    const read = await this.#parts.progress.look(rotation, options);
    if (read === undefined) return undefined;
    const { progress, atMs } = read;
    const places = await this.#places(rotation, options);
    const known = { issuers: await issuers(options), own: await own(options) };
    const surroundings = { ...known, ...(places !== undefined && { places }) };
    return {
      atMs,
      progress,
      ...(places !== undefined && { published: shownOf(places, behindIn(places, rotation)) }),
      obstacles: this.#withClock(obstaclesTo(rotation, progress, surroundings)),
      plan: planOf(rotation, progress, { nowMs: clock.nowMs(), spreadMs: this.#spreadMs }),
    };
  }

  /** Who counts as live by a clock that is not believed yet looks to an operator as if it were over. */
  #withClock(obstacles: readonly Obstacle[]): readonly Obstacle[] {
    const aheadMs = this.#parts.settled.aheadMs();
    if (aheadMs === 0 || obstacles.length === 0) return obstacles;
    const [ahead, believed] = [aheadMs, BELIEVED_AFTER_MS].map(formatSpan);
    const text = `the clock was set forwards by ${ahead}: until it has been so for ${believed} nobody counts as over by that`;
    return [{ text }, ...obstacles];
  }

  /** Not known before this process itself has the new anchors in force. */
  async #places({ added }: AnchorRotation, options: Waits): Promise<readonly PublishedPlace[] | undefined> {
    const { anchors, published } = this.#parts;
    const inForce = shasOf(anchors.current().anchors);
    if (!shasOf(added).every((sha256) => inForce.includes(sha256))) return undefined;
    return published === undefined ? [] : published.places(options);
  }
}

function behindIn(places: readonly PublishedPlace[], { phase, added, old }: AnchorRotation): readonly PublishedPlace[] {
  return phase === 'retire' ? placesHolding(places, shasOf(old)) : placesLacking(places, shasOf(added));
}
