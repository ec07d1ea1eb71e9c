// Local policies that are objects, owner by owner as the folder of policies gives them: each namespace is an owner, with the
// bounds that its folder would have, and what belongs to no namespace is the cluster layer's.
import { AuthorityError } from '../../../domain/errors.ts';
import { watchLoop, type WatchedThing, type WatchLoopSettings } from '../../../live/watch-loop.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { LocalPolicyObject, LocalPolicyObjects } from '../../../ports/policy/local-policy-objects.ts';
import { CLUSTER_LAYER, ownerOf } from '../source/owner.ts';
import { MAX_POLICIES } from '../source/assemble-policies.ts';
import {
  MAX_BYTES_OF_NAMESPACES,
  MAX_NAMESPACES,
  NAMESPACE_BOUNDS,
  type OwnersTexts,
  type OwnerTexts,
} from '../source/read-owners.ts';

/**
 * Between a change and the look at it, and so between two looks: who edits an object again and again has everybody's
 * policies put together that often and no more.
 */
const PACE: WatchLoopSettings = { rereadMs: 60_000, debounceMs: 500 };
const SUFFIX = '.json';

interface Parts {
  readonly objects: LocalPolicyObjects;
  readonly clock: Clock;
  /** Ends what is fetched. */
  readonly running: AbortSignal;
}

export class ObjectOwners implements DocumentSource<OwnersTexts> {
  readonly #parts: Parts;
  /** What owners had at the last look: who changed nothing since is not looked at again. */
  #known = new Map<string, OwnerTexts>();
  readonly #changed = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
    const { objects, running } = parts;
    objects.onChange((namespace) => this.#changed.add(namespace ?? CLUSTER_LAYER), { signal: running });
  }

  async read(): Promise<OwnersTexts> {
    const groups = Map.groupBy(this.#parts.objects.all(), ({ namespace }) => namespace ?? CLUSTER_LAYER);
    if (groups.size > MAX_NAMESPACES + 1) {
      throw new AuthorityError('CAP-X03', { detail: `there are policies of more than ${MAX_NAMESPACES} namespaces` });
    }
    const changed = new Set(this.#changed);
    this.#changed.clear();
    const owners = new Map<string, OwnerTexts>();
    for (const owner of new Set([CLUSTER_LAYER, ...groups.keys()])) {
      const known = changed.has(owner) ? undefined : this.#known.get(owner);
      owners.set(owner, known ?? (await this.#textsOf(owner, groups.get(owner) ?? [])));
    }
    this.#known = owners;
    return withinBounds(owners, groups);
  }

  placeOf(file: string): string {
    const { objects } = this.#parts;
    const owner = ownerOf(file);
    if (owner === CLUSTER_LAYER) return objects.placeOf({ name: withoutSuffix(file) });
    return objects.placeOf({ namespace: owner, name: withoutSuffix(file.slice(owner.length + 1)) });
  }

  onChange(listener: () => Promise<void> | void, options: { readonly signal: AbortSignal }): void {
    const { objects, clock } = this.#parts;
    const watch: WatchedThing['watch'] = (changed, round) => objects.onChange(() => changed(), round);
    void watchLoop({ watch, read: listener }, clock, PACE, options);
  }

  async #textsOf(owner: string, objects: readonly LocalPolicyObject[]): Promise<OwnerTexts> {
    const problem = beyondBounds(owner, objects);
    if (problem !== undefined) return { problem: new AuthorityError('CAP-X03', { detail: problem }) };
    const texts = new Map<string, string>();
    try {
      for (const object of objects) {
        const text = object.text ?? (await this.#parts.objects.read(object, { signal: this.#parts.running }));
        if (text !== undefined) texts.set(fileOf(object), text);
      }
      return { texts, each: true };
    } catch (error) {
      if (!(error instanceof AuthorityError)) throw error;
      this.#changed.add(owner);
      return { problem: error };
    }
  }
}

/** As a path below the folder of policies, of which owners are made. */
function fileOf({ namespace, name }: LocalPolicyObject): string {
  return `${namespace === undefined ? '' : `${namespace}/`}${name}${SUFFIX}`;
}

function withoutSuffix(file: string): string {
  return file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : file;
}

function beyondBounds(owner: string, objects: readonly LocalPolicyObject[]): string | undefined {
  const isCluster = owner === CLUSTER_LAYER;
  const most = isCluster ? MAX_POLICIES : NAMESPACE_BOUNDS.maxFiles;
  const maxBytes = isCluster ? MAX_BYTES_OF_NAMESPACES : NAMESPACE_BOUNDS.maxBytes;
  const whose = isCluster ? 'the cluster' : `namespace ${owner}`;
  if (objects.length > most) return `${whose} has more than ${most} policies`;
  if (bytesOf(objects) > maxBytes) return `the policies of ${whose} hold more than ${maxBytes} bytes`;
  return undefined;
}

/** The smallest are taken first, so that nobody pays for who holds more. */
function withinBounds(
  owners: ReadonlyMap<string, OwnerTexts>,
  groups: ReadonlyMap<string, readonly LocalPolicyObject[]>,
): OwnersTexts {
  const bytes = new Map([...owners.keys()].map((owner) => [owner, bytesOf(groups.get(owner) ?? [])]));
  const namespaces = [...owners].filter(([owner, one]) => owner !== CLUSTER_LAYER && 'texts' in one);
  if (namespaces.reduce((sum, [owner]) => sum + (bytes.get(owner) ?? 0), 0) <= MAX_BYTES_OF_NAMESPACES) return owners;
  const bounded = new Map(owners);
  let total = 0;
  for (const [owner] of namespaces.sort(([a], [b]) => (bytes.get(a) ?? 0) - (bytes.get(b) ?? 0))) {
    total += bytes.get(owner) ?? 0;
    const detail = `namespace ${owner} has no room: all namespaces hold more than ${MAX_BYTES_OF_NAMESPACES} bytes`;
    if (total > MAX_BYTES_OF_NAMESPACES) bounded.set(owner, { problem: new AuthorityError('CAP-X03', { detail }) });
  }
  return bounded;
}

function bytesOf(objects: readonly LocalPolicyObject[]): number {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0);
}
