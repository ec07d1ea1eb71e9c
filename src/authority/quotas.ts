// How many certificates a namespace and an identity may have in a minute: a leaky bucket for each, so that
// a burst up to the quota passes and what follows comes at its pace.
import { AuthorityError } from '../domain/errors.ts';
import type { Quotas } from '../domain/policy/documents.ts';
import { Recent } from '../domain/recent.ts';
import type { Reason } from '../domain/reasons.ts';
import type { Clock } from '../ports/clock.ts';

interface Bucket {
  level: number;
  atMs: number;
}

const MINUTE_MS = 60_000;
/** Most buckets of one kind; one that has been left alone longest makes room, which only ever lets more through. */
const MAX_BUCKETS = 20_000;

export class QuotaKeeper {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #namespaces = new Recent<Bucket>(MAX_BUCKETS);
  readonly #identities = new Recent<Bucket>(MAX_BUCKETS);

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /**
   * Counts one certificate.
   * @throws AuthorityError `rate_limited` (CAP-Q03 for the namespace, CAP-Q04 for the identity) with when to try again;
   *   nothing is counted then.
   */
  take(subject: { readonly namespace: string; readonly spiffeId: string }, quotas: Quotas): void {
    const { perNamespacePerMinute, perIdentityPerMinute } = quotas;
    if (perNamespacePerMinute === Infinity && perIdentityPerMinute === Infinity) return;
    const namespace = this.#leaked(this.#namespaces, subject.namespace, perNamespacePerMinute);
    const identity = this.#leaked(this.#identities, subject.spiffeId, perIdentityPerMinute);
    refuseOverflow('CAP-Q03', `namespace ${subject.namespace}`, namespace, perNamespacePerMinute);
    refuseOverflow('CAP-Q04', subject.spiffeId, identity, perIdentityPerMinute);
    namespace.level += 1;
    identity.level += 1;
  }

  #leaked(buckets: Recent<Bucket>, name: string, perMinute: number): Bucket {
    const nowMs = this.#clock.monotonicMs();
    // Policies may give the workloads of one namespace different quotas: each quota has a count of its own.
    const key = `${name} ${perMinute}`;
    const bucket = buckets.get(key) ?? { level: 0, atMs: nowMs };
    const leaked = perMinute === Infinity ? bucket.level : ((nowMs - bucket.atMs) * perMinute) / MINUTE_MS;
    bucket.level = Math.max(0, bucket.level - leaked);
    bucket.atMs = nowMs;
    buckets.set(key, bucket);
    return bucket;
  }
}

function refuseOverflow(reason: Reason, who: string, { level }: Bucket, perMinute: number): void {
  const over = level + 1 - perMinute;
  // Rounding of the leak must not cost a certificate.
  if (over <= 1e-9) return;
  const retryAfterMs = perMinute === 0 ? MINUTE_MS : Math.ceil((over * MINUTE_MS) / perMinute);
  throw new AuthorityError(reason, { detail: `${who} over ${perMinute} a minute`, retryAfterMs });
}
