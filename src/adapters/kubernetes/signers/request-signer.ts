// The signer of one issuer for one kind of request: follows those that wait, has each judged and signed, and writes the
// answer, once. What cannot be answered now is tried again; a certificate that could not be written is kept for a moment
// rather than issued twice.
import { AuthorityError } from '../../../domain/errors.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { abortable } from '../../../live/abortable.ts';
import { KubernetesApiError, type KubernetesApi } from '../api/kubernetes-api.ts';
import { followObjects, type CacheParts, type FollowedObjects } from '../api/object-cache.ts';
import type { ObjectChange } from '../api/object-store.ts';
import { mayPassLater } from './answers.ts';
import { RequestQueue, type Outcome } from './request-queue.ts';
import { refusalOf, signerName, type SigningKind, type Status } from './signing-kind.ts';

export interface RequestSignerParts extends CacheParts {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly events: CacheParts['events'] & Pick<Events, 'unexpected'>;
  readonly requests: SigningKind;
}

export interface RequestSignerSettings {
  readonly issuerName: string;
  /** Longest that one request may take to be judged and signed, in ms; it is tried again afterwards. */
  readonly deadlineMs: number;
}

/** How long a status is worth writing: a certificate in it must begin within five minutes of the API server's clock. */
const KEEP_MS = 60_000;
const RETRY: Outcome = { retry: true };
const NEVER_TAKEN = [400, 413, 422];

interface Answer {
  /** Of the object that it answers: one that was made anew under the same name is another. */
  readonly uid: string;
  readonly status: Status;
  readonly atMs: number;
}

export class RequestSigner {
  readonly #parts: RequestSignerParts;
  readonly #settings: RequestSignerSettings;
  /** By key, until they are written; at most as many as are in the queue. */
  readonly #answers = new Map<string, Answer>();
  #cache: FollowedObjects | undefined;
  #problem: string | undefined;

  constructor(parts: RequestSignerParts, settings: RequestSignerSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Why requests are not answered as they should be, in words for an operator. */
  get problem(): string | undefined {
    return this.#problem ?? this.#cache?.problem;
  }

  /** Answers requests until the signal aborts, and ends with what was under way. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { clock, requests } = this.#parts;
    const fields = `spec.signerName=${signerName(this.#settings.issuerName)}`;
    const keep = (object: KubernetesObject): KubernetesObject => keptOf(object, requests.isPending(object));
    const cache = followObjects(this.#parts, requests.kind, { fields }, { keep });
    this.#cache = cache;
    const addAll = (): void => [...cache.list()].forEach((object) => this.#add(queue, object));
    const queue = new RequestQueue({
      clock,
      work: async (key, tries) => this.#answer(cache, key, tries, signal),
      onRoom: addAll,
    });
    const changed = ({ before, after }: ObjectChange): void => {
      if (after !== undefined && isWaiting(after)) this.#add(queue, after);
      else this.#forget(queue, keyOf(after ?? before));
    };
    cache.onChange(changed, { signal });
    cache.start({ signal });
    // The abort is how it ends.
    await abortable(signal, () => () => undefined).catch(() => undefined);
    await queue.end();
    this.#answers.clear();
    this.#problem = undefined;
    this.#cache = undefined;
  }

  #add(queue: RequestQueue, object: KubernetesObject): void {
    if (isWaiting(object)) queue.add(keyOf(object), this.#parts.requests.ownerOf(object));
  }

  #forget(queue: RequestQueue, key: string): void {
    this.#answers.delete(key);
    queue.forget(key);
  }

  async #answer(cache: FollowedObjects, key: string, tries: number, signal: AbortSignal): Promise<Outcome> {
    const { api, requests } = this.#parts;
    const [namespace, name] = namesIn(key);
    try {
      const known = this.#answers.has(key)
        ? // Whatever kept it from being written, the object may be another by now.
          await api.get(requests.kind, { name, ...(namespace !== undefined && { namespace }) }, { signal })
        : cache.get(namespace, name);
      if (known === undefined || !isWaiting(known) || !requests.isPending(known)) return this.#done(key);
      const status = await this.#statusOf(key, known, tries, signal);
      await api.replace(requests.kind, { ...known, status }, { signal, subresource: 'status' });
      this.#problem = undefined;
      return this.#done(key);
    } catch (error) {
      // Nobody waits for it any more.
      if (cache.get(namespace, name) === undefined) return this.#done(key);
      return this.#failed(key, error, signal);
    }
  }

  async #statusOf(key: string, object: KubernetesObject, tries: number, signal: AbortSignal): Promise<Status> {
    const { clock } = this.#parts;
    const { uid } = object.metadata;
    const kept = this.#answers.get(key);
    if (kept?.uid === uid && clock.monotonicMs() - kept.atMs < KEEP_MS) return kept.status;
    const status = await this.#judged(object, tries, signal);
    this.#answers.set(key, { uid, status, atMs: clock.monotonicMs() });
    return status;
  }

  /** @throws AuthorityError for what may pass later. */
  async #judged(object: KubernetesObject, tries: number, signal: AbortSignal): Promise<Status> {
    const { clock, requests } = this.#parts;
    const { issuerName, deadlineMs } = this.#settings;
    const late = new AbortController();
    const stop = clock.after(deadlineMs, () => late.abort(new AuthorityError('CAP-S07')));
    try {
      return await requests.sign(object, issuerName, { signal: AbortSignal.any([signal, late.signal]) });
    } catch (error) {
      if (!(error instanceof AuthorityError) || mayPassLater(error, tries)) throw error;
      return requests.refuse(object, refusalOf(error, clock.nowMs()));
    } finally {
      stop();
    }
  }

  #failed(key: string, error: unknown, signal: AbortSignal): Outcome {
    if (signal.aborted) return RETRY;
    if (error instanceof AuthorityError) return retryAfter(error.retryAfterMs);
    if (error instanceof KubernetesApiError) return this.#notWritten(key, error);
    this.#parts.events.unexpected({ where: `signer of ${this.#parts.requests.kind.plural}`, cause: error });
    return RETRY;
  }

  #notWritten(key: string, { status, message, retryAfterMs }: KubernetesApiError): Outcome {
    if (status === 404) return this.#done(key);
    // Somebody else wrote meanwhile; looked at anew.
    if (status === 409) return RETRY;
    const { plural } = this.#parts.requests.kind;
    this.#problem = `no answer can be written to ${plural} of ${signerName(this.#settings.issuerName)}: ${message}`;
    // What the server calls invalid, or too large with what we add, stays so; the certificate in it is on record and goes
    // nowhere.
    return NEVER_TAKEN.includes(status) ? this.#done(key) : retryAfter(retryAfterMs);
  }

  #done(key: string): Outcome {
    this.#answers.delete(key);
    return 'done';
  }
}

function retryAfter(afterMs: number | undefined): Outcome {
  return afterMs === undefined ? RETRY : { retry: true, afterMs };
}

/**
 * One that waits for nobody is kept by its name alone. Of the others only who wrote which field is left out, which the server
 * then leaves as it is: whatever else is missing when a status is written would be gone.
 */
function keptOf(object: KubernetesObject, isPending: boolean): KubernetesObject {
  const { apiVersion, kind, metadata } = object;
  if (isPending) return { ...object, metadata: withoutManagers(metadata) };
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion } };
}

function withoutManagers(metadata: KubernetesObject['metadata']): KubernetesObject['metadata'] {
  const kept = Object.entries(metadata).filter(([field]) => field !== 'managedFields');
  return Object.fromEntries(kept) as unknown as KubernetesObject['metadata'];
}

function isWaiting({ spec }: KubernetesObject): boolean {
  return spec !== undefined;
}

/** No name of Kubernetes has a slash in it. */
function keyOf(object: KubernetesObject | undefined): string {
  return `${object?.metadata.namespace ?? ''}/${object?.metadata.name ?? ''}`;
}

function namesIn(key: string): readonly [string | undefined, string] {
  const at = key.indexOf('/');
  return [at === 0 ? undefined : key.slice(0, at), key.slice(at + 1)];
}
