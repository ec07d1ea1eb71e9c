// Live questions about the pods of a node, so few that no ztunnel and no crowd of them can wear the API server out: those
// about one account on one node are one question while it is under way, and each ztunnel, and all of
// them at one API server, have a rate.
import { AuthorityError } from '../../domain/errors.ts';
import { Recent } from '../../domain/bounded/recent.ts';
import { NEVER, orAborted } from '../../live/abortable.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { NodeAccount, NodePods } from '../../ports/cluster/node-pods.ts';
import type { KnownPod } from '../../ports/cluster/workload-directory.ts';

/** Questions a second of one ztunnel, which has one connection, and of all of a server; as many may come at once. */
export const EACH_PER_SECOND = 5;
export const ALL_PER_SECOND = 50;
/** ztunnels whose rate is remembered; more than a cluster has nodes. One that is forgotten begins with a full measure. */
const MAX_PROXIES = 10_000;
/** Until the next question is due, and so long that all that wait do not come back together. */
const RETRY_AFTER_MS = 1_000;

interface Measure {
  readonly left: number;
  readonly atMs: number;
}

export class NodePodLookups {
  readonly #pods: NodePods;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #underWay = new Map<string, Promise<readonly KnownPod[]>>();
  readonly #each = new Recent<Measure>(MAX_PROXIES);
  readonly #allPerSecond: number;
  #all: Measure;

  /** @param processes how many share what the server may ask. */
  constructor(pods: NodePods, clock: Pick<Clock, 'monotonicMs'>, processes = 1) {
    this.#allPerSecond = Math.max(1, Math.floor(ALL_PER_SECOND / processes));
    this.#pods = pods;
    this.#clock = clock;
    this.#all = { left: this.#allPerSecond, atMs: clock.monotonicMs() };
  }

  /**
   * @param proxy names the ztunnel that asks, by the UID of its pod.
   * @throws AuthorityError CAP-Q05 beyond the rates; as `NodePods`.
   */
  async podsOn(
    proxy: string,
    account: NodeAccount,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<readonly KnownPod[]> {
    const key = `${account.node} ${account.namespace}/${account.serviceAccount}`;
    const known = this.#underWay.get(key);
    if (known !== undefined) return orAborted(known, signal);
    this.#take(proxy);
    // Others may wait for the same answer: one who leaves takes nothing from them. The API's client bounds its time.
    const asked = this.#pods.podsOn(account, { signal: NEVER }).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asked);
    // Whoever waits hears of a failure; nobody may wait any more.
    asked.catch(() => undefined);
    return orAborted(asked, signal);
  }

  #take(proxy: string): void {
    const nowMs = this.#clock.monotonicMs();
    const each = refilled(this.#each.get(proxy), EACH_PER_SECOND, nowMs);
    const all = refilled(this.#all, this.#allPerSecond, nowMs);
    if (each < 1 || all < 1) {
      const whose =
        each < 1 ? `more than ${EACH_PER_SECOND} a second of one ztunnel` : `more than ${this.#allPerSecond} a second`;
      throw new AuthorityError('CAP-Q05', { detail: whose, retryAfterMs: RETRY_AFTER_MS });
    }
    this.#each.set(proxy, { left: each - 1, atMs: nowMs });
    this.#all = { left: all - 1, atMs: nowMs };
  }
}

function refilled(measure: Measure | undefined, perSecond: number, nowMs: number): number {
  if (measure === undefined) return perSecond;
  return Math.min(perSecond, measure.left + ((nowMs - measure.atMs) / 1_000) * perSecond);
}
