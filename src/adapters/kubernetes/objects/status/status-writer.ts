// Writes the status of policy objects, by the one server that leads: soon after an object, the policies in force or the view of
// the cluster changed, and the counts of the day every few minutes. What the API server has already is not written again,
// so that our own writing, which comes back as a change, is the end of it.
import { setImmediate } from 'node:timers/promises';
import { Alarm } from '../../../../live/alarm.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { KubernetesApiError, type KubernetesApi } from '../../api/kubernetes-api.ts';
import type { KeptPolicy } from '../kept-policy.ts';
import { CLUSTER_ISSUANCE_POLICY, ISSUANCE_POLICY } from '../policy-kinds.ts';
import type { PolicyObjects } from '../policy-objects.ts';
import { isSameStatus, policyStatus, type DayCounts, type JudgedPolicy } from './policy-status.ts';

export interface StatusWriterParts {
  readonly api: Pick<KubernetesApi, 'apply'>;
  readonly objects: Pick<PolicyObjects, 'kept' | 'find' | 'onObject'>;
  readonly judge: (object: KeptPolicy) => JudgedPolicy;
  /** @param title as in `PolicyDecision.applied`. */
  readonly countsOf: (title: string) => DayCounts;
  readonly clock: Clock;
}

/** Between a change and what is written of it: until then what is in force is what is written. */
const SETTLE_MS = 1_000;
/** Between two writings: at most ten a second. */
const PACE_MS = 100;
/** How often counts are written. */
const COUNT_MS = 300_000;
/** After a failure. */
const RETRY_MS = 10_000;

export class PolicyStatusWriter {
  readonly #parts: StatusWriterParts;
  readonly #alarm: Alarm;
  /** By kind and name; as many as there are objects. */
  readonly #pending = new Map<string, KeptPolicy>();
  #problem: string | undefined;

  constructor(parts: StatusWriterParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
  }

  /** Why statuses are not written, in words for an operator. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** What is in force, or what is known of the cluster, has changed. */
  reevaluate(): void {
    this.#addAll();
    this.#alarm.ring();
  }

  /** Writes while this server leads, until the signal aborts. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { objects, clock } = this.#parts;
    objects.onObject(
      (object) => {
        this.#pending.set(keyOf(object), object);
        this.#alarm.ring();
      },
      { signal },
    );
    this.reevaluate();
    let countMs = clock.monotonicMs();
    while (!signal.aborted) {
      const end = await this.#alarm.sleep(Math.max(0, countMs - clock.monotonicMs()), { signal });
      if (end === 'aborted') break;
      const withCounts = end !== 'rung';
      if (withCounts) {
        countMs = clock.monotonicMs() + COUNT_MS;
        this.#addAll();
      } else await this.#pause(SETTLE_MS, signal);
      await this.#writeAll(withCounts, signal);
    }
    this.#pending.clear();
    this.#problem = undefined;
  }

  #addAll(): void {
    for (const object of this.#parts.objects.kept()) this.#pending.set(keyOf(object), object);
  }

  async #writeAll(withCounts: boolean, signal: AbortSignal): Promise<void> {
    for (const [key, { metadata }] of this.#pending) {
      if (signal.aborted) return;
      this.#pending.delete(key);
      const object = this.#parts.objects.find(metadata.namespace, metadata.name);
      if (object !== undefined) await this.#writeOne(object, withCounts, signal);
    }
  }

  async #writeOne(object: KeptPolicy, withCounts: boolean, signal: AbortSignal): Promise<void> {
    await setImmediate();
    const { judge, countsOf, clock } = this.#parts;
    const status = policyStatus(judge(object), object.status, {
      generation: object.metadata.generation,
      nowMs: clock.nowMs(),
      counts: withCounts ? countsOf(titleOf(object)) : undefined,
    });
    if (isSameStatus(status, object.status)) return;
    try {
      await this.#apply(object, status, signal);
      this.#problem = undefined;
      await this.#pause(PACE_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof KubernetesApiError)) throw error;
      // It is gone, or another by now; the watch says so too.
      if (error.status === 404 || error.status === 409) return;
      this.#problem = `the status of policies is not written: ${error.message}`;
      this.#pending.set(keyOf(object), object);
      await this.#pause(Math.max(RETRY_MS, error.retryAfterMs ?? 0), signal);
    }
  }

  async #apply({ apiVersion, kind, metadata }: KeptPolicy, status: object, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid } = metadata;
    const named = { name, uid, ...(namespace !== undefined && { namespace }) };
    const of = namespace === undefined ? CLUSTER_ISSUANCE_POLICY : ISSUANCE_POLICY;
    const options = { signal, subresource: 'status', force: true };
    await this.#parts.api.apply(of, { apiVersion, kind, metadata: named, status }, options);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    // The abort is how the loop ends.
    await this.#parts.clock.sleep(ms, { signal }).catch(() => undefined);
  }
}

function keyOf({ kind, metadata: { namespace = '', name } }: KeptPolicy): string {
  return `${kind} ${namespace}/${name}`;
}

function titleOf({ metadata: { namespace, name } }: KeptPolicy): string {
  return namespace === undefined ? `cluster ${name}` : `namespace ${namespace}/${name}`;
}
