// Writes the status of policy objects, by the one server that leads: soon after an object, the policies in force or the view of
// the cluster changed, and the counts of the day every few minutes. What the API server has already is not written again,
// so that our own writing, which comes back as a change, is the end of it.
import { setImmediate } from 'node:timers/promises';
import { Turns } from '../../../../domain/bounded/turns.ts';
import { Alarm } from '../../../../live/alarm.ts';
import { AuthorityError } from '../../../../domain/errors.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { DayCounts, PolicyCounter } from '../../../../ports/policy/policy-counter.ts';
import { isOfOneObject, KubernetesApiError, type KubernetesApi } from '../../api/kubernetes-api.ts';
import type { KeptPolicy } from '../kept-policy.ts';
import { CLUSTER_ISSUANCE_POLICY, ISSUANCE_POLICY } from '../policy-kinds.ts';
import type { PolicyObjects } from '../policy-objects.ts';
import { isSameStatus, policyStatus, type JudgedPolicy } from './policy-status.ts';

export interface StatusWriterParts {
  readonly api: Pick<KubernetesApi, 'apply'>;
  readonly objects: Pick<PolicyObjects, 'kept' | 'find' | 'onObject'>;
  readonly judge: (object: KeptPolicy) => JudgedPolicy;
  readonly counts: Pick<PolicyCounter, 'of'>;
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
  /** Names of objects by namespace, so that one with ten thousand policies waits for itself; as many as there are objects. */
  readonly #pending = new Turns();
  #problem: string | undefined;
  /** When counts are written next, by the monotonic clock. */
  #countMs = 0;
  /** Why the API server does not take the status of one object: by kind and name, as many as there are objects. */
  readonly #refused = new Map<string, string>();

  constructor(parts: StatusWriterParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
  }

  /** Why statuses are not written, in words for an operator. */
  get problem(): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    const [first] = this.#refused;
    if (first === undefined) return undefined;
    const more = this.#refused.size > 1 ? `; nor of ${this.#refused.size - 1} more` : '';
    return `the status of ${first[0]} is not written: ${first[1]}${more}`;
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
        this.#add(object);
        this.#alarm.ring();
      },
      { signal },
    );
    this.reevaluate();
    this.#countMs = clock.monotonicMs();
    while (!signal.aborted) {
      const end = await this.#alarm.sleep(Math.max(0, this.#countMs - clock.monotonicMs()), { signal });
      if (end === 'aborted') break;
      if (end === 'rung') await this.#pause(SETTLE_MS, signal);
      const withCounts = clock.monotonicMs() >= this.#countMs;
      if (withCounts) {
        this.#countMs = clock.monotonicMs() + COUNT_MS;
        this.#addAll();
      }
      await this.#writeAll(withCounts, signal);
    }
    this.#pending.clear();
    this.#refused.clear();
    this.#problem = undefined;
  }

  #addAll(): void {
    const keys = new Set<string>();
    for (const object of this.#parts.objects.kept()) {
      keys.add(keyOf(object));
      this.#add(object);
    }
    for (const key of this.#refused.keys()) if (!keys.has(key)) this.#refused.delete(key);
  }

  #add({ metadata: { namespace = '', name } }: KeptPolicy): void {
    this.#pending.add(namespace, name);
  }

  /** As many as wait now: counts do not wait for what comes meanwhile, or is to be tried again. */
  async #writeAll(withCounts: boolean, signal: AbortSignal): Promise<void> {
    for (let left = this.#pending.size; left > 0 && !signal.aborted; left -= 1) {
      const { owner: namespace, key: name } = this.#pending.take() ?? {};
      const object = name === undefined ? undefined : this.#parts.objects.find(namespace || undefined, name);
      if (object !== undefined) await this.#writeOne(object, withCounts, signal);
    }
    if (this.#pending.size > 0) this.#alarm.ring();
  }

  async #writeOne(object: KeptPolicy, withCounts: boolean, signal: AbortSignal): Promise<void> {
    await setImmediate();
    const { judge, clock } = this.#parts;
    const counts = withCounts ? await this.#countsOf(object, signal) : undefined;
    const status = policyStatus(judge(object), object.status, {
      generation: object.metadata.generation,
      nowMs: clock.nowMs(),
      counts,
    });
    const key = keyOf(object);
    if (isSameStatus(status, object.status)) return void this.#refused.delete(key);
    try {
      await this.#apply(object, status, signal);
      this.#problem = undefined;
      this.#refused.delete(key);
      await this.#pause(PACE_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof KubernetesApiError)) throw error;
      await this.#pause(this.#failed(object, error), signal);
    }
  }

  /** Those that cannot be asked for stay as they are, until they can. */
  async #countsOf(object: KeptPolicy, signal: AbortSignal): Promise<DayCounts | undefined> {
    try {
      return await this.#parts.counts.of(titleOf(object), { signal });
    } catch (error) {
      if (!signal.aborted && !(error instanceof AuthorityError)) throw error;
      this.#countMs = this.#parts.clock.monotonicMs() + RETRY_MS;
      return undefined;
    }
  }

  /** @returns how long to wait before the next, in ms. */
  #failed(object: KeptPolicy, error: KubernetesApiError): number {
    const { status, message, retryAfterMs } = error;
    const key = keyOf(object);
    this.#refused.delete(key);
    // It is gone, or another by now; the watch says so too.
    if (status === 404 || status === 409) return PACE_MS;
    // Such an object waits for its next change, or for the next counts; nobody else waits for it.
    if (isOfOneObject(error)) {
      this.#refused.set(key, message);
      return PACE_MS;
    }
    this.#problem = `the status of policies is not written: ${message}`;
    this.#add(object);
    return Math.max(RETRY_MS, retryAfterMs ?? 0);
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
