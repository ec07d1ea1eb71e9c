// The Kubernetes API over HTTPS. Every call has a time-out, a place among the calls of this process, and an answer of
// bounded size; nothing is retried here unless the caller says so, who knows whether it may be done twice. It is long because
// it is all that goes over the wire.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { readAnswer, TOO_LARGE, unreachable } from './api-answer.ts';
import type { ApiConnection, ApiRequest } from './api-connection.ts';
import { CallPlaces } from './call-places.ts';
import { pathOfKind } from './kinds.ts';
import { readOnce, type ReadAgain } from './patient-reads.ts';
import {
  isApiError,
  KubernetesApiError,
  type ApiKind,
  type ApiQuery,
  type CallOptions,
  type KubernetesApi,
  type ObjectList,
  type ObjectName,
  type WatchEvent,
  type WriteOptions,
} from './kubernetes-api.ts';
import { servedObject } from './served-object.ts';
import { watchEvents } from './watch-events.ts';

const CALL_TIMEOUT_MS = 10_000;
/** The server ends a watch after this long, so that one whose connection is dead in silence is noticed soon. */
const WATCH_SECONDS = 40;
/** Beyond which a watch that should have ended counts as dead. */
const WATCH_GRACE_MS = 5_000;
/** Objects of one page; half of it as often as the page does not fit. Parsing one takes a few milliseconds. */
const PAGE = 250;
const MAX_LISTED = 200_000;
/** A list that is too long is not read again at once. */
const TOO_MANY_AGAIN_MS = 60_000;
/** What is created there is kept nowhere: it asks what somebody may do. */
const QUESTIONS = 'authorization.k8s.io/';
const MANAGER = 'capstan';
const APPLY = 'application/apply-patch+yaml';

type Query = Readonly<Record<string, string | undefined>>;

export class KubernetesClient implements KubernetesApi {
  readonly #connection: ApiConnection;
  readonly #clock: Clock;
  readonly #places: CallPlaces;
  readonly #read: ReadAgain;

  /** @param parts.read whether what is only read is read again where it fails; absent, it is not. */
  constructor(
    {
      connection,
      clock,
      read = readOnce,
    }: { readonly connection: ApiConnection; readonly clock: Clock; readonly read?: ReadAgain },
    places = new CallPlaces(clock),
  ) {
    this.#read = read;
    this.#connection = connection;
    this.#clock = clock;
    this.#places = places;
  }

  async get(kind: ApiKind, at: ObjectName, options: CallOptions): Promise<KubernetesObject | undefined> {
    const found = await unlessGone(this.#read(async () => this.#call({ path: pathOf(kind, at) }, options), options));
    return found as KubernetesObject | undefined;
  }

  async list(kind: ApiKind, query: ApiQuery, options: CallOptions): Promise<ObjectList> {
    const items: KubernetesObject[] = [];
    let resourceVersion = '';
    for await (const page of this.pages(kind, query, options)) {
      items.push(...page.items);
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  }

  async *pages(kind: ApiKind, query: ApiQuery, options: CallOptions): AsyncGenerator<ObjectList, void, void> {
    let [limit, at, listed] = [PAGE, undefined as string | undefined, 0];
    do {
      const asked = { limit, at };
      const page = await this.#read(async () => this.#page(kind, query, asked, options), options);
      if (page === undefined) {
        if (limit === 1) throw tooLarge(kind);
        limit = Math.ceil(limit / 2);
        continue;
      }
      // One that is empty and yet not the last counts too: whoever answers so could do it for ever.
      listed += page.items.length || limit;
      if (listed > MAX_LISTED) throw tooMany(kind);
      yield { items: page.items, resourceVersion: page.metadata.resourceVersion };
      at = page.metadata.continue;
      if (at === undefined || at === '') return;
    } while (!options.signal.aborted);
    options.signal.throwIfAborted();
  }

  async create(kind: ApiKind, object: object, options: WriteOptions): Promise<KubernetesObject> {
    const { name, namespace } = metadataOf(object);
    const { subresource } = options;
    const all = pathOfKind(kind, namespace);
    const path = subresource === undefined ? all : `${all}/${encodeURIComponent(name ?? '')}/${subresource}`;
    const write = async () => this.#write({ method: 'POST', path, body: object }, {}, options);
    return kind.apiVersion.startsWith(QUESTIONS) ? this.#read(write, options) : write();
  }

  async replace(kind: ApiKind, object: KubernetesObject, options: WriteOptions): Promise<KubernetesObject> {
    const path = pathOf(kind, object.metadata, options.subresource);
    return this.#write({ method: 'PUT', path, body: object }, {}, options);
  }

  async apply(
    kind: ApiKind,
    object: object,
    options: WriteOptions & { readonly force?: boolean },
  ): Promise<KubernetesObject> {
    const { name = '', namespace } = metadataOf(object);
    const path = pathOf(kind, { name, ...(namespace !== undefined && { namespace }) }, options.subresource);
    const { apiVersion, kind: named } = kind;
    // JSON is YAML; a patch of this type must name its kind.
    const body = { apiVersion, kind: named, ...object };
    const query = { force: options.force === true ? 'true' : undefined, fieldValidation: 'Strict' };
    return this.#write({ method: 'PATCH', path, body, contentType: APPLY }, query, options);
  }

  async delete(kind: ApiKind, at: ObjectName & { readonly uid?: string }, options: CallOptions): Promise<void> {
    const preconditions = at.uid === undefined ? {} : { preconditions: { uid: at.uid } };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...preconditions };
    await unlessGone(this.#call({ method: 'DELETE', path: pathOf(kind, at), body }, options));
  }

  async raw(path: string, { signal, accept }: CallOptions & { readonly accept?: string }): Promise<unknown> {
    const asked = { path, ...(accept !== undefined && { accept }) };
    return this.#read(async () => this.#call(asked, { signal }), { signal });
  }

  async *watch(
    kind: ApiKind,
    query: ApiQuery,
    resourceVersion: string,
    { signal }: CallOptions,
  ): AsyncGenerator<WatchEvent, void, void> {
    const path = withQuery(pathOfKind(kind, query.namespace), {
      ...selectorsOf(query),
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(WATCH_SECONDS),
      resourceVersion,
    });
    const over = new CallTime(this.#clock, CALL_TIMEOUT_MS, signal);
    try {
      const response = await this.#connection.send({ path }, { signal: over.signal });
      over.extend(WATCH_SECONDS * 1_000 + WATCH_GRACE_MS);
      // Only a refusal has a body that ends.
      if (response.statusCode !== 200) await readAnswer(response);
      yield { type: 'open' };
      yield* watchEvents(response as AsyncIterable<Buffer>);
    } catch (error) {
      throw meant(error, { signal, over, words: 'a watch was not answered, or did not end in its time' });
    } finally {
      over.end();
    }
  }

  async #page(
    kind: ApiKind,
    query: ApiQuery,
    { limit, at }: { readonly limit: number; readonly at: string | undefined },
    options: CallOptions,
  ): Promise<Page | undefined> {
    const path = withQuery(pathOfKind(kind, query.namespace), {
      ...selectorsOf(query),
      limit: String(limit),
      continue: at,
    });
    try {
      const page = (await this.#call({ path }, options)) as Page;
      const { apiVersion, kind: name } = kind;
      return { ...page, items: page.items.map((item) => ({ ...servedObject(item), apiVersion, kind: name })) };
    } catch (error) {
      if (error instanceof KubernetesApiError && error.reason === TOO_LARGE) return undefined;
      throw error;
    }
  }

  async #write(request: ApiRequest, query: Query, { signal, dryRun }: WriteOptions): Promise<KubernetesObject> {
    const common = { fieldManager: MANAGER, dryRun: dryRun === true ? 'All' : undefined };
    const path = withQuery(request.path, { ...query, ...common });
    return (await this.#call({ ...request, path }, { signal })) as KubernetesObject;
  }

  async #call(request: ApiRequest, { signal }: CallOptions): Promise<unknown> {
    const over = new CallTime(this.#clock, CALL_TIMEOUT_MS, signal);
    try {
      const leave = await this.#places.take({ signal: over.signal });
      try {
        return await readAnswer(await this.#connection.send(request, { signal: over.signal }));
      } finally {
        leave();
      }
    } catch (error) {
      const words = `the API server did not answer within ${CALL_TIMEOUT_MS / 1_000} s`;
      throw meant(error, { signal, over, words });
    } finally {
      over.end();
    }
  }
}

/** Made once: Node makes an exception with its stack for each abort that is given no reason. */
const OVER = new Error('the time of the call is over');

/** A call's own time, beside the signal of who makes it. */
class CallTime {
  readonly signal: AbortSignal;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #over = new AbortController();
  #end: () => void;

  constructor(clock: Pick<Clock, 'after'>, ms: number, signal: AbortSignal) {
    this.#clock = clock;
    this.signal = AbortSignal.any([signal, this.#over.signal]);
    this.#end = this.#after(ms);
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** So much from now on. */
  extend(ms: number): void {
    this.#end();
    this.#end = this.#after(ms);
  }

  end(): void {
    this.#end();
  }

  #after(ms: number): () => void {
    return this.#clock.after(ms, () => this.#over.abort(OVER));
  }
}

/** @returns what to reject with: Node says in many ways that something was aborted. */
function meant(
  error: unknown,
  { signal, over, words }: { readonly signal: AbortSignal; readonly over: CallTime; readonly words: string },
): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof KubernetesApiError) return error;
  return over.isOver ? new KubernetesApiError({ status: 0, reason: 'Timeout', message: words }) : unreachable(error);
}

interface Page {
  readonly items: readonly KubernetesObject[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

function pathOf(kind: ApiKind, { name, namespace }: ObjectName, subresource?: string): string {
  const path = `${pathOfKind(kind, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function withQuery(path: string, query: Query): string {
  const said = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return said.length === 0 ? path : `${path}?${new URLSearchParams(said).toString()}`;
}

function selectorsOf({ labels, fields }: ApiQuery): Query {
  return { labelSelector: labels, fieldSelector: fields };
}

function metadataOf(object: object): { readonly name?: string; readonly namespace?: string } {
  const { metadata } = object as { readonly metadata?: { readonly name?: string; readonly namespace?: string } };
  return metadata ?? {};
}

/** What is not there is no failure of who asks whether it is. */
async function unlessGone(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (isApiError(error, 404)) return undefined;
    throw error;
  }
}

function tooLarge({ plural }: ApiKind): KubernetesApiError {
  return new KubernetesApiError({
    status: 0,
    reason: TOO_LARGE,
    message: `one of the ${plural} is too large to be read`,
  });
}

function tooMany({ plural }: ApiKind): KubernetesApiError {
  const message = `there are more than ${MAX_LISTED} ${plural}`;
  return new KubernetesApiError({ status: 0, reason: 'TooMany', message, retryAfterMs: TOO_MANY_AGAIN_MS });
}
