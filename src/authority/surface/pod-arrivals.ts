// Requests that wait for a pod to come to a node: ztunnel asks for a workload's certificate as soon as the kubelet tells
// it, which may be before the watch has told us. As many wait as there are requests in flight.
import type { Clock } from '../../ports/platform/clock.ts';
import type { NodeAccount } from '../../ports/cluster/node-pods.ts';
import type { WorkloadDirectory } from '../../ports/cluster/workload-directory.ts';
import { Alarm } from '../../live/alarm.ts';

export class PodArrivals {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Alarm>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  follow(directory: Pick<WorkloadDirectory, 'onPod'>, options: { readonly signal: AbortSignal }): void {
    directory.onPod(({ node, namespace, serviceAccount }) => {
      if (node === undefined) return;
      for (const alarm of this.#waiting.get(keyOf({ node, namespace, serviceAccount })) ?? []) alarm.ring();
    }, options);
  }

  /**
   * Looks now, and again whenever such a pod comes, until something is found.
   * @returns nothing when nothing was found by then. @throws the signal's reason when it aborts.
   */
  async find<T>(
    account: NodeAccount,
    look: () => T | undefined,
    deadlineMs: number,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<T | undefined> {
    for (;;) {
      const found = look();
      const leftMs = deadlineMs - this.#clock.monotonicMs();
      if (found !== undefined || leftMs <= 0) return found;
      await this.#arrivalWithin(leftMs, keyOf(account), signal);
      signal.throwIfAborted();
    }
  }

  async #arrivalWithin(ms: number, key: string, signal: AbortSignal): Promise<void> {
    const alarm = new Alarm(this.#clock);
    const alarms = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, alarms.add(alarm));
    try {
      await alarm.sleep(ms, { signal });
    } finally {
      alarms.delete(alarm);
      if (alarms.size === 0) this.#waiting.delete(key);
    }
  }
}

function keyOf({ node, namespace, serviceAccount }: NodeAccount): string {
  return `${node} ${namespace}/${serviceAccount}`;
}
