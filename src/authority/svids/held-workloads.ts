// The workloads whose certificates and private keys are in memory, by `workloadKey`. What nobody watches is kept
// for whoever comes back, and makes room for whoever comes new. A namespace has a share: it makes room among its
// own, so that it can take neither all places nor, by coming and going, what is kept for the others.
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import type { LatestValue } from '../../live/latest-value.ts';
import type { SvidRotation } from './svid-rotation.ts';
import type { SvidState, Watcher, Watchers } from '../surface/surface.ts';

export interface HeldWorkload {
  readonly key: string;
  readonly namespace: string;
  readonly state: LatestValue<SvidState>;
  readonly rotation: SvidRotation;
  readonly watches: Set<Watchers>;
  /** Who came last: what policy says of the workload while nobody watches. Nothing is issued by it. */
  last: Caller;
}

export interface HoldingSettings {
  /** Most workloads at once. */
  readonly maxIdentities: number;
  /** Most of them that one namespace may have. */
  readonly maxIdentitiesPerNamespace: number;
}

interface Namespace {
  readonly held: Set<HeldWorkload>;
  /** Its own of `#unwatched`. */
  readonly unwatched: Set<HeldWorkload>;
}

export class HeldWorkloads {
  readonly #settings: HoldingSettings;
  readonly #byKey = new Map<string, HeldWorkload>();
  /** Bounded by what is held: a namespace goes with its last workload. */
  readonly #namespaces = new Map<string, Namespace>();
  /** Longest unwatched first. */
  readonly #unwatched = new Set<HeldWorkload>();

  constructor(settings: HoldingSettings) {
    this.#settings = settings;
  }

  all(): readonly HeldWorkload[] {
    return [...this.#byKey.values()];
  }

  /** Of one namespace, or of all. */
  in(namespace: string | undefined): readonly HeldWorkload[] {
    return namespace === undefined ? this.all() : [...(this.#namespaces.get(namespace)?.held ?? NOTHING)];
  }

  /** Joins those who watch a workload, if it is held. */
  watch(key: string, watchers: Watchers, caller: Caller): HeldWorkload | undefined {
    const workload = this.#byKey.get(key);
    if (workload === undefined) return undefined;
    workload.last = caller;
    workload.watches.add(watchers);
    this.#unwatched.delete(workload);
    this.#namespaces.get(workload.namespace)?.unwatched.delete(workload);
    return workload;
  }

  unwatch(workload: HeldWorkload, watchers: Watchers): void {
    workload.watches.delete(watchers);
    if (workload.watches.size > 0 || this.#byKey.get(workload.key) !== workload) return;
    this.#unwatched.add(workload);
    this.#namespaces.get(workload.namespace)?.unwatched.add(workload);
  }

  /** @throws AuthorityError CAP-Q01 when everything that could make room is watched. */
  makeRoomIn(namespace: string): void {
    const { maxIdentities, maxIdentitiesPerNamespace } = this.#settings;
    const { held = NOTHING, unwatched = NOTHING } = this.#namespaces.get(namespace) ?? {};
    if (held.size >= maxIdentitiesPerNamespace) {
      this.#evictOneOf(unwatched, `namespace ${namespace} has ${held.size} workloads on SDS, its share`);
    } else if (this.#byKey.size >= maxIdentities) {
      this.#evictOneOf(this.#unwatched, 'too many workloads are held for SDS');
    }
  }

  add(workload: HeldWorkload): void {
    const { key, namespace } = workload;
    this.#byKey.set(key, workload);
    const place = this.#namespaces.get(namespace) ?? { held: new Set(), unwatched: new Set() };
    place.held.add(workload);
    this.#namespaces.set(namespace, place);
  }

  /** Ends it at once: whoever comes next is decided anew. */
  remove(workload: HeldWorkload): void {
    const { key, namespace, rotation } = workload;
    rotation.stop();
    if (this.#byKey.get(key) !== workload) return;
    this.#byKey.delete(key);
    this.#unwatched.delete(workload);
    const place = this.#namespaces.get(namespace);
    if (place === undefined) return;
    place.unwatched.delete(workload);
    place.held.delete(workload);
    if (place.held.size === 0) this.#namespaces.delete(namespace);
  }

  /** What is being decided stays until it is, so that decisions under way are bounded as well. */
  #evictOneOf(unwatched: ReadonlySet<HeldWorkload>, full: string): void {
    const oldest = unwatched.values().find(({ rotation }) => !rotation.undecided);
    if (oldest === undefined) throw new AuthorityError('CAP-Q01', { detail: full });
    this.remove(oldest);
  }
}

const NOTHING: ReadonlySet<HeldWorkload> = new Set();

/** Whose proof counts now for a workload, whichever of its watches it came by. */
export function provenAmong(watches: ReadonlySet<Watchers>): Watcher | undefined {
  for (const watchers of watches) {
    const watcher = watchers.proven();
    if (watcher !== undefined) return watcher;
  }
  return undefined;
}
