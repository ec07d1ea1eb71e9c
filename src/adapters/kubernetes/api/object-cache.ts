// The objects of one kind, kept as the API server says: a list, then a watch from its version on. A watch that ends goes
// on where it ended; one whose version is too old (410) lists again, and what is the same stays the same object. While the
// server cannot be followed what was last known stays, and `staleMs` says how old it is.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { Listeners } from '../../../live/listeners.ts';
import { abortable } from '../../../live/abortable.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events, WatchEnd } from '../../../ports/platform/events.ts';
import type { Random } from '../../../ports/platform/random.ts';
import { isApiError, KubernetesApiError, type ApiKind, type ApiQuery, type KubernetesApi } from './kubernetes-api.ts';
import { KEPT_BOUNDS, KeptBytes, type KeptBounds } from './kept-bytes.ts';
import { ObjectStore, type ObjectChange } from './object-store.ts';
import { RetryPace } from './retry-pace.ts';

export interface CacheParts {
  readonly api: Pick<KubernetesApi, 'pages' | 'watch'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly random: Pick<Random, 'fraction'>;
  readonly events: Pick<Events, 'watchFailing' | 'watchRecovered' | 'watchRestarted' | 'objectsLeftOut'>;
  /** Which cluster, for messages and metrics. */
  readonly cluster: string;
}

export interface CacheSettings {
  /** What is kept of an object: it must keep `apiVersion`, `kind` and of `metadata` all but annotations and labels. */
  readonly keep?: (object: KubernetesObject) => KubernetesObject;
  /** Keys by which objects are found, for each name of an index. */
  readonly indexes?: Readonly<Record<string, (object: KubernetesObject) => readonly string[]>>;
  /** KEPT_BOUNDS when absent. */
  readonly bounds?: KeptBounds;
}

/** A watch that ends at once is not opened more often than this. */
const LEAST_WATCH_MS = 1_000;

/** @returns what follows all objects of a kind that a query selects, once it is started. */
export function followObjects(
  parts: CacheParts,
  kind: ApiKind,
  query: ApiQuery = {},
  settings: CacheSettings = {},
): FollowedObjects {
  return new FollowedObjects(parts, kind, query, settings);
}

export class FollowedObjects {
  readonly kind: ApiKind;
  readonly #parts: CacheParts;
  readonly #query: ApiQuery;
  readonly #kept: KeptBytes;
  readonly #store: ObjectStore;
  readonly #changes = new Listeners<[ObjectChange]>();
  readonly #synced = new Listeners();
  readonly #failure: ReportOnce;
  #keep: (object: KubernetesObject) => KubernetesObject;
  /** From where the next watch goes on; absent, the next round lists. */
  #version: string | undefined;
  #isSynced = false;
  #answeredMs = -Infinity;
  readonly #pace: RetryPace;
  /** Ends the round under way. */
  #relist: AbortController | undefined;
  #isKeptOtherwise = false;
  /** Of the last refusal. */
  #lastStatus = 0;
  /** The last watch did not begin, because its version was too old. */
  #isExpired = false;

  constructor(parts: CacheParts, kind: ApiKind, query: ApiQuery, settings: CacheSettings) {
    this.#parts = parts;
    this.kind = kind;
    this.#query = query;
    const { keep = whole, indexes = {}, bounds = KEPT_BOUNDS } = settings;
    const { events, cluster } = parts;
    this.#keep = keep;
    this.#kept = new KeptBytes(bounds, (namespace) => {
      events.objectsLeftOut({ cluster, kind: kind.plural, namespace });
    });
    this.#store = new ObjectStore(indexes, this.#kept);
    this.#pace = new RetryPace(parts);
    this.#failure = new ReportOnce((problem) => events.watchFailing({ cluster, kind: kind.plural, problem }));
  }

  /** Whether everything was listed once. */
  get synced(): boolean {
    return this.#isSynced;
  }

  /** Why the API server is not followed now, in words for an operator; absent while it is. */
  get problem(): string | undefined {
    return this.#failure.problem;
  }

  /** The namespaces that have more than their share of memory: some of their objects are as if they were not there. */
  get leftOut(): readonly string[] {
    return this.#kept.leftOut;
  }

  /** Whether all of what is to be kept was listed: not while more of each object is wanted than was kept. */
  get isComplete(): boolean {
    return this.#isSynced && !this.#isKeptOtherwise;
  }

  /** Whether the API server has no such kind, as it said when it was asked last. */
  get isUnknown(): boolean {
    return this.problem !== undefined && this.#lastStatus === 404;
  }

  get size(): number {
    return this.#store.size;
  }

  /** Milliseconds since the API server last said something, while it is not followed; 0 while it is, Infinity before all. */
  staleMs(): number {
    if (this.#isSynced && this.problem === undefined) return 0;
    return this.#parts.clock.monotonicMs() - this.#answeredMs;
  }

  get(namespace: string | undefined, name: string): KubernetesObject | undefined {
    return this.#store.get(namespace, name);
  }

  /** In no particular order. @param namespace all, when it is left out. */
  list(namespace?: string): Iterable<KubernetesObject> {
    return this.#store.list(namespace);
  }

  byIndex(index: string, key: string): Iterable<KubernetesObject> {
    return this.#store.byIndex(index, key);
  }

  /** Calls `listener` after each change, those of the first list included, until the signal aborts. */
  onChange(listener: (change: ObjectChange) => void, options: { readonly signal: AbortSignal }): void {
    this.#changes.add(listener, options);
  }

  /** Calls `listener` each time that all objects were listed, the first time included. */
  onSync(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#synced.add(listener, options);
  }

  /** Keeps something else of the objects from now on: they are listed again. */
  keepOtherwise(keep: (object: KubernetesObject) => KubernetesObject): void {
    if (keep === this.#keep) return;
    this.#keep = keep;
    this.#isKeptOtherwise = true;
    this.#relist?.abort(KEPT_OTHERWISE);
  }

  /** Begins to follow, until the signal aborts. Never rejects. */
  start({ signal }: { readonly signal: AbortSignal }): void {
    void this.#follow(signal);
  }

  /** Resolves once everything was listed. @throws the signal's reason when it aborts first. */
  async whenSynced({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#isSynced) return;
    await abortable<undefined>(signal, ({ resolve }) => {
      const over = new AbortController();
      this.#synced.add(() => resolve(undefined), { signal: over.signal });
      return () => over.abort();
    });
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const beganMs = this.#parts.clock.monotonicMs();
      const relist = new AbortController();
      this.#relist = relist;
      try {
        const round = { signal: AbortSignal.any([signal, relist.signal]) };
        if (this.#isKeptOtherwise) this.#version = undefined;
        this.#version ??= await this.#list(round);
        await this.#watch(this.#version, round);
        // Ended in order. What was left out may have room by now.
        if (this.#kept.hasRoom) this.#version = undefined;
        await this.#pause(LEAST_WATCH_MS - (this.#parts.clock.monotonicMs() - beganMs), signal);
      } catch (error) {
        if (!relist.signal.aborted) await this.#failed(error, signal);
      }
    }
  }

  async #list(options: { readonly signal: AbortSignal }): Promise<string> {
    const [keep, anew] = [this.#keep, this.#isKeptOtherwise];
    const relisting = this.#store.relisting({ anew });
    const notify = (change: ObjectChange | undefined): void => {
      if (change !== undefined) this.#changes.notify(change);
    };
    let version = '';
    for await (const page of this.#parts.api.pages(this.kind, this.#query, options)) {
      this.#answered();
      // A page at a time, so that others have their turns between.
      for (const item of page.items) notify(relisting.put(keep(item)));
      version = page.resourceVersion;
    }
    options.signal.throwIfAborted();
    this.#isSynced = true;
    if (keep === this.#keep) this.#isKeptOtherwise = false;
    relisting.end().forEach(notify);
    this.#followed();
    this.#synced.notify();
    return version;
  }

  async #watch(version: string, options: { readonly signal: AbortSignal }): Promise<void> {
    for await (const event of this.#parts.api.watch(this.kind, this.#query, version, options)) {
      this.#answered();
      this.#followed();
      this.#isExpired = false;
      if (event.type === 'bookmark') this.#version = event.resourceVersion;
      else if (event.type !== 'open') this.#take(event.type, event.object);
    }
    this.#answered();
  }

  #take(type: 'added' | 'modified' | 'deleted', object: KubernetesObject): void {
    const kept = this.#keep(object);
    const change = type === 'deleted' ? this.#store.delete(kept) : this.#store.put(kept);
    this.#version = object.metadata.resourceVersion;
    if (change !== undefined) this.#changes.notify(change);
  }

  #answered(): void {
    this.#answeredMs = this.#parts.clock.monotonicMs();
  }

  #followed(): void {
    this.#pace.followed();
    const { events, cluster } = this.#parts;
    if (this.#failure.over()) events.watchRecovered({ cluster, kind: this.kind.plural });
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { events, cluster } = this.#parts;
    events.watchRestarted({ cluster, kind: this.kind.plural, reason: endOf(error) });
    if (isApiError(error, 410)) {
      // The list that follows says whether something is wrong; it is not made again and again without a pause.
      this.#version = undefined;
      if (!this.#isExpired) {
        this.#isExpired = true;
        return;
      }
    }
    this.#lastStatus = error instanceof KubernetesApiError ? error.status : 0;
    this.#failure.found(error instanceof KubernetesApiError ? error.message : 'unexpected failure');
    await this.#pause(this.#pace.afterFailure(error), signal);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    // The abort is how the loop ends.
    if (ms > 0) await this.#parts.clock.sleep(ms, { signal }).catch(() => undefined);
  }
}

const KEPT_OTHERWISE = new Error('other parts of the objects are kept');

function endOf(error: unknown): WatchEnd {
  if (!(error instanceof KubernetesApiError)) return 'failed';
  const { status } = error;
  if (status === 410) return 'expired';
  if (status === 429) return 'throttled';
  if (status === 0) return 'unreachable';
  return status < 500 ? 'refused' : 'failed';
}

function whole(object: KubernetesObject): KubernetesObject {
  return object;
}
