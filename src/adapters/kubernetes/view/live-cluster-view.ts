// The cluster as the API server says, for policies: exactly the kinds that those in force name, followed from the moment a
// policy names them until none does. Nothing here waits for the API server. While it cannot be followed what was last known
// counts for a while (`staleAfter`), and then nothing can be said.
import {
  FollowedSnapshot,
  kindKey,
  type FollowedKinds,
  type ObjectChange,
} from '../../../domain/cluster/followed-snapshot.ts';
import type { ClusterChange } from '../../../domain/cluster/cluster-change.ts';
import type { ClusterSnapshot } from '../../../domain/cluster/snapshot.ts';
import type { NamedKinds } from '../../../domain/policy/named-kinds.ts';
import { abortable } from '../../../live/abortable.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { ClusterView } from '../../../ports/policy/cluster-view.ts';
import type { FollowedObjects } from '../api/object-cache.ts';
import type { ApiKind } from '../api/kubernetes-api.ts';
import { FollowedKind, type KindParts } from './followed-kind.ts';

export interface LiveViewParts extends Omit<KindParts, 'follow' | 'changed'> {
  /** What is followed in any case. */
  readonly shared: readonly FollowedObjects[];
  /** Makes what follows a kind that is not shared; started here. */
  readonly follower: (kind: ApiKind) => FollowedObjects;
  /** Wants the whole of each pod from now on, instead of what authentication reads. */
  readonly wantPodsInFull: () => void;
}

export interface LiveViewSettings {
  /** How long what was last known is believed. */
  readonly staleAfterMs: number;
  /** No other start of a server has it: versions of snapshots begin with it. */
  readonly run: string;
}

export interface UnseenKind {
  readonly kind: string;
  /** Absent where policies name none. */
  readonly apiVersion?: string;
  readonly why: string;
}

/** In what an operator reads. */
const MAX_NAMED = 5;

/** What is followed for at least one kind that policies name. */
interface Follower {
  readonly objects: FollowedObjects;
  readonly end: AbortController;
  users: number;
}

export class LiveClusterView implements ClusterView {
  readonly #parts: LiveViewParts;
  readonly #settings: LiveViewSettings;
  readonly #listeners = new Listeners<[ClusterChange]>();
  readonly #kinds = new Map<string, FollowedKind>();
  readonly #followers = new Map<string, Follower>();
  #snapshot: FollowedSnapshot;
  #pending: ObjectChange[] = [];
  #isDue = false;
  #isStateDue = false;
  #count = 0;
  /** Kinds that policies name beyond the most that are followed. */
  #left = 0;
  /** The snapshot while some of it is too old, for as long as the same is. */
  #stale: { readonly of: FollowedSnapshot; readonly key: string; readonly snapshot: ClusterSnapshot } | undefined;

  constructor(parts: LiveViewParts, settings: LiveViewSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#snapshot = FollowedSnapshot.empty(this.#nextVersion(), new Map(), parts.remoteCluster);
  }

  current(): ClusterSnapshot {
    const { staleAfterMs } = this.#settings;
    // Almost always nothing is in the way, and this is asked for each decision.
    const old = this.#troubled().filter((kind) => ageOf(kind) > staleAfterMs || kind.unsynced !== undefined);
    return old.length === 0 ? this.#snapshot : this.#without(old);
  }

  staleMs(): number {
    const ages = [...this.#parts.shared, ...this.#objects()].map((objects) => objects.staleMs());
    return Math.max(0, ...ages.filter((age) => age !== Infinity));
  }

  /** Why some of it cannot be followed: what policies ask of it is, or will be, answered with UNAVAILABLE. */
  get problem(): string | undefined {
    const obstacles = [...this.#kinds.values()].flatMap(({ obstacle }) => obstacle ?? []);
    const failures = this.#objects().flatMap(({ kind, problem }) => (problem ? [`${kind.plural}: ${problem}`] : []));
    const tooMany = this.#left === 0 ? [] : [`policies name ${this.#left} more kinds than are followed`];
    const all = [...new Set([...obstacles, ...failures, ...tooMany])];
    return all.length === 0 ? undefined : all.slice(0, MAX_NAMED).join('; ');
  }

  /** Of which kinds that policies name nothing can be said now, and why. */
  unseen(): readonly UnseenKind[] {
    const snapshot = this.current();
    return [...this.#kinds.values()].flatMap(({ named: { kind, apiVersion } }) => {
      const query = { kind, ...(apiVersion !== undefined && { apiVersion }) };
      const why = snapshot.unsyncedFor?.(query);
      return why === undefined ? [] : [{ ...query, why }];
    });
  }

  onChange(listener: (change: ClusterChange) => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** Follows these kinds from now on and no others. */
  need({ kinds, left }: NamedKinds, { signal }: { readonly signal: AbortSignal }): void {
    this.#left = left;
    if (kinds.some(({ kind, inFull }) => kind === 'Pod' && inFull)) this.#parts.wantPodsInFull();
    const wanted = new Map(kinds.map((named) => [kindKey(named), named]));
    for (const [key, known] of this.#kinds) {
      if (wanted.has(key)) continue;
      known.stop();
      this.#kinds.delete(key);
    }
    for (const [key, named] of wanted) {
      const known = this.#kinds.get(key);
      if (known !== undefined) {
        known.named = named;
        continue;
      }
      const kind = new FollowedKind(this.#kindParts(), named);
      this.#kinds.set(key, kind);
      kind.start({ signal });
    }
    this.#stateChanged();
  }

  /** Resolves once each kind is read or cannot be followed. @throws the signal's reason when it aborts first. */
  async settled({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const isSettled = (): boolean =>
      this.#kinds.values().every(({ unsynced, obstacle }) => unsynced === undefined || obstacle !== undefined);
    if (isSettled()) return;
    await abortable<undefined>(signal, ({ resolve }) => {
      const over = new AbortController();
      this.#listeners.add(() => {
        if (isSettled()) resolve(undefined);
      }, over);
      return () => over.abort();
    });
  }

  #kindParts(): KindParts {
    return {
      ...this.#parts,
      follow: (kind, options) => this.#follow(kind, options),
      changed: () => this.#stateChanged(),
    };
  }

  #follow(kind: ApiKind, { signal }: { readonly signal: AbortSignal }): FollowedObjects {
    const key = keyOf(kind);
    const follower = this.#followers.get(key) ?? this.#begin(key, kind);
    follower.users += 1;
    signal.addEventListener('abort', () => this.#leave(key, follower), { once: true });
    return follower.objects;
  }

  #begin(key: string, kind: ApiKind): Follower {
    const shared = this.#parts.shared.find((one) => keyOf(one.kind) === key);
    const follower = { objects: shared ?? this.#parts.follower(kind), end: new AbortController(), users: 0 };
    const { objects, end } = follower;
    this.#followers.set(key, follower);
    for (const after of objects.list()) this.#note({ before: undefined, after });
    objects.onChange((change) => this.#note(change), end);
    if (shared === undefined) objects.start(end);
    return follower;
  }

  #leave(key: string, follower: Follower): void {
    follower.users -= 1;
    if (follower.users > 0) return;
    follower.end.abort();
    this.#followers.delete(key);
    for (const before of follower.objects.list()) this.#note({ before, after: undefined });
  }

  /** Changes of one moment become one snapshot. */
  #note(change: ObjectChange): void {
    this.#pending.push(change);
    this.#due();
  }

  #stateChanged(): void {
    this.#isStateDue = true;
    this.#due();
  }

  #due(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => this.#renew());
  }

  #renew(): void {
    const changes = this.#pending;
    const isStateDue = this.#isStateDue;
    [this.#pending, this.#isDue, this.#isStateDue] = [[], false, false];
    if (changes.length > 0) this.#snapshot = this.#snapshot.after(changes, this.#nextVersion());
    const before = this.#snapshot.change;
    if (isStateDue) this.#snapshot = this.#snapshot.following(this.#states(), this.#nextVersion());
    this.#listeners.notify(isStateDue ? 'everything' : before);
  }

  #states(): FollowedKinds {
    return new Map(this.#kinds.entries().map(([key, kind]) => [key, kind.unsynced]));
  }

  #objects(): readonly FollowedObjects[] {
    return [...this.#followers.values()].map(({ objects }) => objects);
  }

  #troubled(): readonly FollowedKind[] {
    const troubled: FollowedKind[] = [];
    for (const kind of this.#kinds.values()) {
      if (kind.objects.some(({ problem }) => problem !== undefined)) troubled.push(kind);
    }
    return troubled;
  }

  #without(old: readonly FollowedKind[]): ClusterSnapshot {
    const key = old.map(({ named }) => kindKey(named)).join();
    if (this.#stale?.of !== this.#snapshot || this.#stale.key !== key) {
      const states = new Map(this.#states());
      for (const kind of old) states.set(kindKey(kind.named), kind.unsynced ?? tooOld(kind));
      const snapshot = this.#snapshot.following(states, `${this.#snapshot.version}-stale-${this.#nextVersion()}`);
      this.#stale = { of: this.#snapshot, key, snapshot };
    }
    return this.#stale.snapshot;
  }

  #nextVersion(): string {
    this.#count += 1;
    return `${this.#settings.run}.${this.#count}`;
  }
}

function keyOf({ apiVersion, plural }: ApiKind): string {
  return `${apiVersion} ${plural}`;
}

function ageOf(kind: FollowedKind): number {
  return Math.max(...kind.objects.map((objects) => objects.staleMs()));
}

function tooOld({ named, objects }: FollowedKind): string {
  const problem = objects.map((one) => one.problem).find((one) => one !== undefined) ?? '';
  return `${named.kind} objects of the cluster have not been followed for too long: ${problem}`;
}
