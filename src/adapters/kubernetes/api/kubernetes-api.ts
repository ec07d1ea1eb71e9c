// The Kubernetes API as the parts of this room ask it: objects as data, one method for each verb. What is written is of
// the field manager `capstan`. One connection, its time-outs and bounds are behind it (kubernetes-client.ts).
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';

/** A kind as it is served: `{ apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true }`. */
export interface ApiKind {
  /** `v1`, or `group/version`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** The resource, as it stands in a path. */
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface ObjectName {
  readonly name: string;
  /** Absent for objects of the cluster itself. */
  readonly namespace?: string;
}

/** Which objects to list or watch. */
export interface ApiQuery {
  /** Absent: all namespaces, or the cluster itself. */
  readonly namespace?: string;
  /** A label selector, such as `istio/multiCluster=true`. */
  readonly labels?: string;
  /** A field selector, such as `spec.nodeName=node-1`. */
  readonly fields?: string;
}

export interface CallOptions {
  readonly signal: AbortSignal;
}

/** Of a call that changes something. */
export interface WriteOptions extends CallOptions {
  /** `status`, `approval`, `token`: a part of the object that is written by itself. */
  readonly subresource?: string;
  /** The server checks and admits, and stores nothing. */
  readonly dryRun?: boolean;
}

export type WatchEvent =
  /** The server has taken the watch; nothing may have changed yet. */
  | { readonly type: 'open' }
  | { readonly type: 'added' | 'modified' | 'deleted'; readonly object: KubernetesObject }
  /** Everything up to here has been told (KEP-956). */
  | { readonly type: 'bookmark'; readonly resourceVersion: string };

export interface ObjectList {
  readonly items: readonly KubernetesObject[];
  /** From where a watch goes on. */
  readonly resourceVersion: string;
}

/**
 * Every method rejects with KubernetesApiError when the server refuses or cannot be asked within the time-out (10 s for a
 * call, its wait for a place included), and with the signal's reason when that aborts. Objects come as the server spells
 * them; items of a list have their `apiVersion` and `kind`.
 */
export interface KubernetesApi {
  /** @returns nothing when there is no such object, or no such kind (404). */
  get(kind: ApiKind, at: ObjectName, options: CallOptions): Promise<KubernetesObject | undefined>;
  /** All objects, read page by page; a query with more than 200,000 is refused. */
  list(kind: ApiKind, query: ApiQuery, options: CallOptions): Promise<ObjectList>;
  /** As `list`, for who cuts objects before keeping them: each page is given when it has come. The last gives the version. */
  pages(kind: ApiKind, query: ApiQuery, options: CallOptions): AsyncIterable<ObjectList>;
  /**
   * Also for what is only asked: a TokenReview, a SelfSubjectAccessReview. With a subresource the object names what it is of.
   */
  create(kind: ApiKind, object: object, options: WriteOptions): Promise<KubernetesObject>;
  /** Conditional on the object's `metadata.resourceVersion`: 409 when it has another by now. */
  replace(kind: ApiKind, object: KubernetesObject, options: WriteOptions): Promise<KubernetesObject>;
  /**
   * Server-side apply. Fields that the server does not know are refused.
   * @param options.force takes fields over from other managers instead of 409.
   */
  apply(kind: ApiKind, object: object, options: WriteOptions & { readonly force?: boolean }): Promise<KubernetesObject>;
  /** Nothing when it is gone already. @param at.uid 409 when the object has another by now. */
  delete(kind: ApiKind, at: ObjectName & { readonly uid?: string }, options: CallOptions): Promise<void>;
  /**
   * What is no object: discovery, OpenID Connect.
   * @param path from the root, such as `/openid/v1/jwks`.
   * @param options.accept a form of JSON, where there are several.
   */
  raw(path: string, options: CallOptions & { readonly accept?: string }): Promise<unknown>;
  /**
   * What changes after a version. Ends when the server ends it, within a minute: the caller goes on from the last version.
   * Rejects with 410 when that is too old.
   */
  watch(kind: ApiKind, query: ApiQuery, resourceVersion: string, options: CallOptions): AsyncIterable<WatchEvent>;
}

/** What the API server answered instead. Never leaves src/adapters/kubernetes. */
export class KubernetesApiError extends Error {
  /** Of HTTP; 0 when the server was not reached or did not answer in time. */
  readonly status: number;
  /** As in the server's Status object: `Expired`, `Forbidden`, `AlreadyExists`. `Unreachable`, `Timeout` and `NoCredentials` are ours. */
  readonly reason: string;
  /** The server, or our own bound, asks to wait this long: a minute at most. */
  readonly retryAfterMs: number | undefined;

  constructor(
    facts: {
      readonly status: number;
      readonly reason: string;
      /** In words for an operator; may quote the server, and never a token. */
      readonly message: string;
      readonly retryAfterMs?: number | undefined;
    },
    cause?: unknown,
  ) {
    super(facts.message, cause === undefined ? {} : { cause });
    this.name = 'KubernetesApiError';
    this.status = facts.status;
    this.reason = facts.reason;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** @returns whether it is the API server's refusal with this status. */
export function isApiError(error: unknown, status: number): error is KubernetesApiError {
  return error instanceof KubernetesApiError && error.status === status;
}

const OF_ONE_OBJECT = [400, 404, 409, 413, 422, 500];

/**
 * @returns whether the refusal may be of the one object that was written: others are not to wait for it. Who owns the object
 *   may see to it that it is refused for ever.
 */
export function isOfOneObject({ status }: KubernetesApiError): boolean {
  return OF_ONE_OBJECT.includes(status);
}
