// How many certificates a namespace and an identity may have in a minute: a leaky bucket for each quota that
// applies to them, so that a burst up to it passes and what follows comes at its pace. Each policy has buckets of
// its own and all must have room: what a local policy says neither divides nor refills what the bundle counts.
import { AuthorityError } from '../../domain/errors.ts';
import type { CountedQuotas } from '../../domain/policy/evaluation/applicable.ts';
import { Recent } from '../../domain/bounded/recent.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Clock } from '../../ports/platform/clock.ts';

interface Bucket {
  level: number;
  atMs: number;
}

/** A bucket as it is now, for one more certificate. */
interface Filling {
  readonly reason: Reason;
  readonly who: string;
  readonly perMinute: number;
  readonly bucket: Bucket;
}

export interface QuotaSubject {
  readonly namespace: string;
  readonly spiffeId: string;
}

const MINUTE_MS = 60_000;
/** Most buckets of one kind; one that has been left alone longest makes room, which only ever lets more through. */
const MAX_BUCKETS = 20_000;

export class QuotaKeeper {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** Those of the bundle are kept apart: no number of local policies makes room among them. */
  readonly #central = new Recent<Bucket>(MAX_BUCKETS);
  readonly #local = new Recent<Bucket>(MAX_BUCKETS);

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /**
   * Counts one certificate in every bucket, or in none.
   * @param counted the bundle's quotas first.
   * @throws AuthorityError `quota_exceeded` (CAP-Q03 for a namespace, CAP-Q04 for an identity) by the first quota that
   *   is used up, with the time after which all of them have room.
   */
  take(subject: QuotaSubject, counted: readonly CountedQuotas[]): void {
    const fillings = counted.flatMap((quotas) => this.#fillingsOf(subject, quotas));
    const full = fillings.filter((filling) => overflow(filling) > 0);
    const [first] = full;
    if (first !== undefined) {
      const retryAfterMs = Math.max(...full.map(timeToRoom));
      throw new AuthorityError(first.reason, { detail: `${first.who} over ${first.perMinute} a minute`, retryAfterMs });
    }
    for (const { bucket } of fillings) bucket.level += 1;
  }

  #fillingsOf({ namespace, spiffeId }: QuotaSubject, { policy, quotas }: CountedQuotas): readonly Filling[] {
    const { perNamespacePerMinute, perIdentityPerMinute } = quotas;
    const ofNamespace = { reason: 'CAP-Q03', who: `namespace ${namespace}`, perMinute: perNamespacePerMinute } as const;
    const ofIdentity = { reason: 'CAP-Q04', who: spiffeId, perMinute: perIdentityPerMinute } as const;
    return [ofNamespace, ofIdentity]
      .filter(({ perMinute }) => perMinute !== Infinity)
      .map((quota) => ({ ...quota, bucket: this.#leaked(policy, quota.who, quota.perMinute) }));
  }

  /** Known by its policy, never by its number: one that is changed goes on from where it stands. */
  #leaked(policy: string | undefined, who: string, perMinute: number): Bucket {
    const buckets = policy === undefined ? this.#central : this.#local;
    const key = policy === undefined ? who : `${policy} ${who}`;
    const nowMs = this.#clock.monotonicMs();
    const bucket = buckets.get(key) ?? { level: 0, atMs: nowMs };
    bucket.level = Math.max(0, bucket.level - ((nowMs - bucket.atMs) * perMinute) / MINUTE_MS);
    bucket.atMs = nowMs;
    buckets.set(key, bucket);
    return bucket;
  }
}

/** Rounding of the leak must not cost a certificate. */
function overflow({ bucket, perMinute }: Filling): number {
  const over = bucket.level + 1 - perMinute;
  return over <= 1e-9 ? 0 : over;
}

function timeToRoom(filling: Filling): number {
  return filling.perMinute === 0 ? MINUTE_MS : Math.ceil((overflow(filling) * MINUTE_MS) / filling.perMinute);
}
