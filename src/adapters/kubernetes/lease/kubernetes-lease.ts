// The right to what one replica does for all, as a Lease object. Its epoch is `leaseTransitions`. Every change of it is
// conditional on the version that was read, so that of two who find it free one gets it; the other is told 409.
//
// What is written under it cannot name the epoch in the same request, as a statement of a database can: the API has no such
// condition. A holder looks whether it still leads before each write, stops before the lease can pass on, and writes on
// the version that it read. A write that was under way at that moment may come after the next holder's first look; it
// changes an object that the next holder watches, and is corrected as any other change is.
import { SharedLease, type GrantedTerm } from '../../../live/shared-lease.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { isApiError, type CallOptions, type KubernetesApi } from '../api/kubernetes-api.ts';
import { isFree, LEASE, microTime, observe, specOf, type LeaseSpec, type Observed } from './lease-object.ts';

export interface KubernetesLeaseParts {
  readonly api: Pick<KubernetesApi, 'get' | 'create' | 'replace'>;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'sleep' | 'after'>;
}

export interface KubernetesLeaseSettings {
  readonly namespace: string;
  /** Of the Lease object. */
  readonly name: string;
  /** Of this process and of no other, also not of its next start. */
  readonly holder: string;
}

/** As Kubernetes' own controllers, but that one that waits looks each 2 s: a holder that dies is followed within 17 s. */
const LEASE_TIMES = { termMs: 15_000, renewEveryMs: 4_000, marginMs: 2_000, lookEveryMs: 2_000 };

export class KubernetesLease extends SharedLease {
  readonly #object: LeaseObject;

  constructor(parts: KubernetesLeaseParts, settings: KubernetesLeaseSettings) {
    const object = new LeaseObject(parts, settings);
    super({ clock: parts.clock, take: async (options) => object.take(options) }, LEASE_TIMES);
    this.#object = object;
  }

  /** Why the lease can be neither taken nor renewed now; nothing when it can, whoever has it. */
  get problem(): string | undefined {
    return this.#object.failure.problem;
  }
}

class LeaseObject {
  readonly failure = new ReportOnce(() => undefined);
  readonly #parts: KubernetesLeaseParts;
  readonly #settings: KubernetesLeaseSettings;
  #observed: Observed | undefined;
  /** The highest epoch that was seen: one that is deleted begins no lower. */
  #highest = 0;

  constructor(parts: KubernetesLeaseParts, settings: KubernetesLeaseSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** An API server that cannot be asked is waited for: it will be back, and whoever waits for the lease has nothing else to do. */
  async take(options: CallOptions): Promise<GrantedTerm | undefined> {
    return this.#heeding(async () => this.#take(options), options);
  }

  async #take(options: CallOptions): Promise<GrantedTerm | undefined> {
    const { api, clock } = this.#parts;
    const { namespace, name, holder } = this.#settings;
    const found = await api.get(LEASE, { namespace, name }, options);
    if (found === undefined) {
      const { apiVersion, kind } = LEASE;
      const epoch = this.#highest + 1;
      const lease = { apiVersion, kind, metadata: { namespace, name }, spec: this.#taken(epoch) };
      return this.#granted(await api.create(LEASE, lease, options), epoch);
    }
    const monotonicMs = clock.monotonicMs();
    this.#observed = observe(found, this.#observed, monotonicMs);
    this.#highest = Math.max(this.#highest, specOf(found).leaseTransitions ?? 0);
    if (!isFree(found, holder, this.#observed, monotonicMs)) return undefined;
    const epoch = this.#highest + 1;
    return this.#granted(await api.replace(LEASE, { ...found, spec: this.#taken(epoch) }, options), epoch);
  }

  #taken(epoch: number): LeaseSpec {
    const now = microTime(this.#parts.clock.nowMs());
    return {
      holderIdentity: this.#settings.holder,
      leaseDurationSeconds: LEASE_TIMES.termMs / 1000,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: epoch,
    };
  }

  #granted(object: KubernetesObject, epoch: number): GrantedTerm {
    this.#highest = epoch;
    let current = object;
    const change = async (part: LeaseSpec, options: CallOptions): Promise<boolean> => {
      const next = await this.#changed(current, part, options);
      if (next !== undefined) current = next;
      return next !== undefined;
    };
    return {
      epoch,
      renew: async (options) => {
        const renewed = await this.#heeding(async () => {
          return change({ renewTime: microTime(this.#parts.clock.nowMs()) }, options);
        }, options);
        if (renewed === undefined) throw new Error('the lease could not be renewed');
        return renewed;
      },
      release: async () => {
        const options = { signal: AbortSignal.timeout(LEASE_TIMES.marginMs) };
        // One that cannot be released passes on when its term is over.
        await change({ holderIdentity: '' }, options).catch(() => undefined);
      },
    };
  }

  /** @returns nothing when the lease is another's, or gone. */
  async #changed(held: KubernetesObject, part: LeaseSpec, options: CallOptions): Promise<KubernetesObject | undefined> {
    const { api } = this.#parts;
    const { namespace, name } = this.#settings;
    try {
      return await api.replace(LEASE, { ...held, spec: { ...specOf(held), ...part } }, options);
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      if (!isApiError(error, 409)) throw error;
    }
    // Somebody wrote a label on it, an answer of ours was lost, or it is another's.
    const found = await api.get(LEASE, { namespace, name }, options);
    if (found === undefined || !isSameTerm(specOf(found), specOf(held))) return undefined;
    return api.replace(LEASE, { ...found, spec: { ...specOf(found), ...part } }, options);
  }

  /** @returns nothing when the API server could not be asked, or somebody was quicker. */
  async #heeding<T>(work: () => Promise<T>, { signal }: CallOptions): Promise<T | undefined> {
    try {
      const done = await work();
      this.failure.over();
      return done;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!isApiError(error, 409)) this.failure.found(error instanceof Error ? error.message : 'unexpected failure');
      return undefined;
    }
  }
}

function isSameTerm(one: LeaseSpec, other: LeaseSpec): boolean {
  return one.holderIdentity === other.holderIdentity && one.leaseTransitions === other.leaseTransitions;
}
