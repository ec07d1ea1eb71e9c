// The namespaces, and the ConfigMap of one name in each, as the API server says: one watch more than there is in any case,
// whatever the number of namespaces. Every process has it, to know what is published; one of all writes.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { CONFIG_MAP } from '../api/kinds.ts';
import { followObjects, type CacheParts, type FollowedObjects } from '../api/object-cache.ts';
import { cutTo, interning, type TextField } from './published-object.ts';

export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly terminating: boolean;
}

/** Different texts that are kept once: more than there are bundles at a time. */
const MAX_TEXTS = 16;

export class SeenNamespaces {
  readonly #namespaces: FollowedObjects;
  readonly #configMaps: FollowedObjects;
  readonly #name: string;

  /** @param namespaces all of them, followed by others. @param settings.name of the ConfigMap. */
  constructor(
    parts: CacheParts,
    namespaces: FollowedObjects,
    { name, field }: { readonly name: string; readonly field: TextField },
  ) {
    this.#name = name;
    this.#namespaces = namespaces;
    const keep = cutTo(field, interning(MAX_TEXTS));
    this.#configMaps = followObjects(parts, CONFIG_MAP, { fields: `metadata.name=${name}` }, { keep });
  }

  start(options: { readonly signal: AbortSignal }): void {
    this.#configMaps.start(options);
  }

  async whenSynced(options: { readonly signal: AbortSignal }): Promise<void> {
    await Promise.all([this.#namespaces.whenSynced(options), this.#configMaps.whenSynced(options)]);
  }

  get synced(): boolean {
    return this.#namespaces.synced && this.#configMaps.synced;
  }

  /** Why what is published cannot be followed now, in words; nothing when it can. */
  get problem(): string | undefined {
    return this.#namespaces.problem ?? this.#configMaps.problem;
  }

  namespace(name: string): NamespaceFacts | undefined {
    const found = this.#namespaces.get(undefined, name);
    return found && factsOf(found);
  }

  *namespaces(): Iterable<NamespaceFacts> {
    for (const namespace of this.#namespaces.list()) yield factsOf(namespace);
  }

  configMap(namespace: string): KubernetesObject | undefined {
    return this.#configMaps.get(namespace, this.#name);
  }

  /** Calls `listener` with each namespace that changed or whose ConfigMap did, and with none after each whole list. */
  onChange(listener: (namespace?: string) => void, options: { readonly signal: AbortSignal }): void {
    this.#namespaces.onChange(({ before, after }) => listener((after ?? before)?.metadata.name), options);
    this.#configMaps.onChange(({ before, after }) => listener((after ?? before)?.metadata.namespace), options);
    this.#namespaces.onSync(() => listener(), options);
    this.#configMaps.onSync(() => listener(), options);
  }
}

function factsOf({ metadata }: KubernetesObject): NamespaceFacts {
  const { name, labels = {} } = metadata;
  return { name, labels, terminating: 'deletionTimestamp' in metadata };
}
