// An API server in memory: objects by kind, namespace and name, one version for all of them, watches, conflicts. A test
// makes it fail, fall silent, forget its history or hold back an answer.
import type { KubernetesObject } from '../../../../src/domain/cluster/snapshot.ts';
import { fieldOf } from '../../../../src/domain/cluster/pod-templates.ts';
import { abortable } from '../../../../src/live/abortable.ts';
import {
  KubernetesApiError,
  type ApiKind,
  type ApiQuery,
  type CallOptions,
  type KubernetesApi,
  type ObjectList,
  type ObjectName,
  type WatchEvent,
  type WriteOptions,
} from '../../../../src/adapters/kubernetes/api/kubernetes-api.ts';

export type FakeCall = 'get' | 'list' | 'create' | 'replace' | 'apply' | 'delete' | 'raw' | 'watch';

interface Watch {
  readonly kind: ApiKind;
  readonly query: ApiQuery;
  readonly pending: (WatchEvent | KubernetesApiError | 'end')[];
  wake: () => void;
}

/** Metadata is filled in as a server would. */
export type GivenObject = Readonly<Record<string, unknown>> & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
};

export class FakeKubernetesApi implements KubernetesApi {
  /** Every call in order, as `create configmaps/shop/name`, subresources as `apply pods/shop/name/status`. */
  readonly calls: string[] = [];
  /** Answers of `raw`, by path. */
  readonly documents = new Map<string, unknown>();
  /** What is replaced keeps the status that it had, as an admission plugin might see to. */
  dropStatus = false;
  /** What `create` answers instead of keeping an object, by kind: a TokenReview, a SelfSubjectAccessReview. */
  readonly reviews = new Map<string, (object: object) => object>();
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #history: { readonly version: number; readonly kind: string; readonly event: WatchEvent }[] = [];
  readonly #watches = new Set<Watch>();
  readonly #failures = new Map<FakeCall, KubernetesApiError>();
  readonly #refused = new Map<string, KubernetesApiError>();
  #held: Promise<undefined> | undefined;
  #version = 100;
  #forgotten = 0;
  #uids = 0;

  /** Open watches. */
  get watches(): number {
    return this.#watches.size;
  }

  /** Puts an object as somebody else would, whatever was there; the same uid as long as it is not removed. */
  put(object: GivenObject): KubernetesObject {
    const known = this.#objects.get(keyOf(object.apiVersion, object.kind, object.metadata));
    return this.#store(object, known);
  }

  /** Removes an object as somebody else would. */
  remove(kind: Pick<ApiKind, 'apiVersion' | 'kind'>, at: ObjectName): void {
    const key = keyOf(kind.apiVersion, kind.kind, at);
    const object = this.#objects.get(key);
    if (object === undefined) throw new Error(`there is no ${key}`);
    this.#objects.delete(key);
    this.#tell('deleted', { ...object, metadata: { ...object.metadata, resourceVersion: this.#next() } });
  }

  stored(kind: Pick<ApiKind, 'apiVersion' | 'kind'>, at: ObjectName): KubernetesObject | undefined {
    return this.#objects.get(keyOf(kind.apiVersion, kind.kind, at));
  }

  /** Every such call fails until `mend`; open watches end with the error when it is of `watch`. */
  fail(call: FakeCall, status: number, reason: string, retryAfterMs?: number): void {
    const message = status === 0 ? 'the API server cannot be reached (ECONNREFUSED)' : `${status} ${reason}`;
    const error = new KubernetesApiError({ status, reason, message, retryAfterMs });
    this.#failures.set(call, error);
    if (call === 'watch') this.#end(error);
  }

  /** Refuses every call whose line in `calls` has this in it. */
  refuse(what: string, status: number, reason: string): void {
    this.#refused.set(what, refusal(status, reason));
  }

  mend(...calls: readonly FakeCall[]): void {
    for (const call of calls.length === 0 ? this.#failures.keys() : calls) this.#failures.delete(call);
  }

  /** Nothing can be reached until `mend`. */
  goDown(): void {
    const calls = ['get', 'list', 'create', 'replace', 'apply', 'delete', 'raw', 'watch'] as const;
    for (const call of calls) this.fail(call, 0, 'Unreachable');
  }

  /** The versions that were given out are too old for a watch from now on: 410, also on open ones. */
  expire(): void {
    this.#forgotten = this.#version;
    this.#end(new KubernetesApiError({ status: 410, reason: 'Expired', message: '410 too old resource version' }));
  }

  /** Ends open watches in order, as the server does when their time is over. */
  endWatches(): void {
    this.#end('end');
  }

  /** Holds back every answer until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#held = promise;
    return () => {
      this.#held = undefined;
      resolve(undefined);
    };
  }

  async get(kind: ApiKind, at: ObjectName, options: CallOptions): Promise<KubernetesObject | undefined> {
    await this.#called('get', `${kind.plural}/${nameOf(at)}`, options);
    return this.stored(kind, at);
  }

  async list(kind: ApiKind, query: ApiQuery, options: CallOptions): Promise<ObjectList> {
    await this.#called('list', kind.plural, options);
    const items = this.#objects.values().filter((object) => isOf(kind, object) && selects(query, object));
    return { items: [...items], resourceVersion: String(this.#version) };
  }

  async *pages(kind: ApiKind, query: ApiQuery, options: CallOptions): AsyncGenerator<ObjectList, void, void> {
    yield await this.list(kind, query, options);
  }

  async create(kind: ApiKind, object: object, options: WriteOptions): Promise<KubernetesObject> {
    const given = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: {}, ...object } as unknown as GivenObject;
    await this.#called('create', `${kind.plural}/${nameOf(given.metadata)}${sub(options)}`, options);
    const review = this.reviews.get(kind.kind);
    if (review !== undefined) return { ...given, ...review(object) } as unknown as KubernetesObject;
    const { generateName, name = `${String(generateName)}${this.#uids}` } = given.metadata as {
      generateName?: string;
      name?: string;
    };
    const named = { ...given, metadata: { ...given.metadata, name } } as GivenObject;
    if (this.stored(kind, named.metadata) !== undefined) throw refusal(409, 'AlreadyExists');
    return this.#store(named, undefined, options);
  }

  async replace(kind: ApiKind, object: KubernetesObject, options: WriteOptions): Promise<KubernetesObject> {
    await this.#called('replace', `${kind.plural}/${nameOf(object.metadata)}${sub(options)}`, options);
    const known = this.stored(kind, object.metadata);
    if (known === undefined) throw refusal(404, 'NotFound');
    if (known.metadata.resourceVersion !== object.metadata.resourceVersion) throw refusal(409, 'Conflict');
    return this.#store(this.dropStatus ? { ...object, status: known['status'] } : object, known, options);
  }

  /** Mappings are merged, everything else is replaced; who owns which field is not kept. */
  async apply(
    kind: ApiKind,
    object: object,
    options: WriteOptions & { readonly force?: boolean },
  ): Promise<KubernetesObject> {
    const given = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: {}, ...object } as unknown as GivenObject;
    await this.#called('apply', `${kind.plural}/${nameOf(given.metadata)}${sub(options)}`, options);
    const known = this.stored(kind, given.metadata);
    if (known === undefined && options.subresource !== undefined) throw refusal(404, 'NotFound');
    const { resourceVersion } = given.metadata;
    if (resourceVersion !== undefined && resourceVersion !== known?.metadata.resourceVersion) {
      throw refusal(409, 'Conflict');
    }
    return this.#store(merged(known ?? {}, given) as GivenObject, known, options);
  }

  async delete(kind: ApiKind, at: ObjectName & { readonly uid?: string }, options: CallOptions): Promise<void> {
    await this.#called('delete', `${kind.plural}/${nameOf(at)}`, options);
    const known = this.stored(kind, at);
    if (known === undefined) return;
    if (at.uid !== undefined && at.uid !== known.metadata.uid) throw refusal(409, 'Conflict');
    this.remove(kind, at);
  }

  async raw(path: string, options: CallOptions): Promise<unknown> {
    await this.#called('raw', path, options);
    if (!this.documents.has(path)) throw refusal(404, 'NotFound');
    return this.documents.get(path);
  }

  async *watch(
    kind: ApiKind,
    query: ApiQuery,
    resourceVersion: string,
    options: CallOptions,
  ): AsyncGenerator<WatchEvent, void, void> {
    await this.#called('watch', kind.plural, options);
    if (Number(resourceVersion) < this.#forgotten) throw refusal(410, 'Expired');
    const missed = this.#history.filter((one) => one.version > Number(resourceVersion) && one.kind === kindKey(kind));
    const watch: Watch = {
      kind,
      query,
      pending: [{ type: 'open' }, ...missed.map(({ event }) => event).filter((event) => concerns(query, event))],
      wake: () => undefined,
    };
    this.#watches.add(watch);
    try {
      for (;;) {
        const next = watch.pending.shift();
        if (next === 'end') return;
        if (next instanceof KubernetesApiError) throw next;
        if (next !== undefined) yield next;
        else {
          await abortable<undefined>(options.signal, ({ resolve }) => {
            watch.wake = () => resolve(undefined);
            return () => undefined;
          });
        }
      }
    } finally {
      this.#watches.delete(watch);
    }
  }

  async #called(call: FakeCall, what: string, { signal }: CallOptions): Promise<void> {
    this.calls.push(`${call} ${what}`);
    signal.throwIfAborted();
    await this.#held;
    const refused = this.#refused.entries().find(([part]) => `${call} ${what}`.includes(part));
    if (refused !== undefined) throw refused[1];
    const failure = this.#failures.get(call);
    if (failure !== undefined) throw failure;
  }

  #store(object: GivenObject, known: KubernetesObject | undefined, { dryRun = false } = {}): KubernetesObject {
    if (!dryRun) this.#uids += 1;
    const uid = known?.metadata.uid ?? `uid-${this.#uids}`;
    const resourceVersion = dryRun ? '' : this.#next();
    const stored = { ...object, metadata: { uid, ...object.metadata, resourceVersion } } as unknown as KubernetesObject;
    if (dryRun) return stored;
    this.#objects.set(keyOf(stored.apiVersion, stored.kind, stored.metadata), stored);
    this.#tell(known === undefined ? 'added' : 'modified', stored);
    return stored;
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }

  #tell(type: 'added' | 'modified' | 'deleted', object: KubernetesObject): void {
    const event: WatchEvent = { type, object };
    this.#history.push({ version: this.#version, kind: kindKey(object), event });
    for (const watch of this.#watches) {
      if (!isOf(watch.kind, object) || !concerns(watch.query, event)) continue;
      watch.pending.push(event);
      watch.wake();
    }
  }

  #end(how: KubernetesApiError | 'end'): void {
    for (const watch of this.#watches) {
      watch.pending.push(how);
      watch.wake();
    }
  }
}

function refusal(status: number, reason: string): KubernetesApiError {
  return new KubernetesApiError({ status, reason, message: `${status} ${reason}` });
}

function sub({ subresource }: WriteOptions): string {
  return subresource === undefined ? '' : `/${subresource}`;
}

function nameOf({
  namespace,
  name,
}: {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}): string {
  return [namespace, name].filter((part) => part !== undefined).join('/');
}

function kindKey({ apiVersion, kind }: Pick<ApiKind, 'apiVersion' | 'kind'>): string {
  return `${apiVersion} ${kind}`;
}

function keyOf(apiVersion: string, kind: string, at: ObjectName): string {
  return `${apiVersion} ${kind} ${nameOf(at)}`;
}

function isOf(kind: ApiKind, object: KubernetesObject): boolean {
  return kindKey(kind) === kindKey(object);
}

function concerns(query: ApiQuery, event: WatchEvent): boolean {
  return !('object' in event) || selects(query, event.object);
}

/** Equality alone, of labels and of fields. */
function selects({ namespace, labels, fields }: ApiQuery, object: KubernetesObject): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  const holds = (selector: string | undefined, valueOf: (name: string) => string | undefined): boolean =>
    selector === undefined ||
    selector.split(',').every((term) => {
      const [name = '', value = ''] = term.split(/==?/);
      return (valueOf(name) ?? '') === value;
    });
  return (
    holds(labels, (name) => object.metadata.labels?.[name]) &&
    holds(fields, (path) => fieldOf(object, path.split('.')) as string | undefined)
  );
}

function merged(before: object, given: object): object {
  const entries = Object.entries(given).map(([name, value]: [string, unknown]) => {
    const former = (before as Record<string, unknown>)[name];
    return [name, isMapping(former) && isMapping(value) ? merged(former, value) : value];
  });
  return { ...before, ...(Object.fromEntries(entries) as object) };
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
