// The workloads whose certificates and private keys are in memory, by `workloadKey`. What nobody watches is kept
// for whoever comes back, and makes room for whoever comes new.
import { AuthorityError } from '../domain/errors.ts';
import type { LatestValue } from './latest-value.ts';
import type { SvidRotation } from './svid-rotation.ts';
import type { SvidState, Watcher, Watchers } from './surface.ts';

export interface HeldWorkload {
  readonly key: string;
  readonly namespace: string;
  readonly state: LatestValue<SvidState>;
  readonly rotation: SvidRotation;
  readonly watches: Set<Watchers>;
}

export class HeldWorkloads {
  readonly #most: number;
  readonly #byKey = new Map<string, HeldWorkload>();

  /** @param most workloads at once. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Joins those who watch a workload, if it is held. */
  watch(key: string, watchers: Watchers): HeldWorkload | undefined {
    const workload = this.#byKey.get(key);
    workload?.watches.add(watchers);
    return workload;
  }

  all(): readonly HeldWorkload[] {
    return [...this.#byKey.values()];
  }

  /** @throws AuthorityError CAP-Q01 when there is no room. */
  demandRoom(): void {
    if (this.#byKey.size >= this.#most) {
      throw new AuthorityError('CAP-Q01', { detail: 'too many workloads are held for SDS' });
    }
  }

  add(workload: HeldWorkload): void {
    this.#byKey.set(workload.key, workload);
  }

  /** Ends it at once: whoever comes next is decided anew. */
  remove(workload: HeldWorkload): void {
    workload.rotation.stop();
    if (this.#byKey.get(workload.key) === workload) this.#byKey.delete(workload.key);
  }
}

/** Whose proof counts now for a workload, whichever of its watches it came by. */
export function provenAmong(watches: ReadonlySet<Watchers>): Watcher | undefined {
  for (const watchers of watches) {
    const watcher = watchers.proven();
    if (watcher !== undefined) return watcher;
  }
  return undefined;
}
