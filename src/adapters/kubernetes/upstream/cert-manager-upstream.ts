// cert-manager as the CA above an issuer. An approval may take longer than anybody waits for one answer, so the request stays
// in the cluster, and who asks again finds it there.
import { AuthorityError } from '../../../domain/errors.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { IntermediateRequest, IntermediateUpstream } from '../../../ports/issuing/intermediate-upstream.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { KubernetesApiError, type KubernetesApi } from '../api/kubernetes-api.ts';
import {
  asksFor,
  CERTIFICATE_REQUEST,
  contentOf,
  newestFirst,
  outcomeOf,
  requestObject,
  selectorFor,
  type Outcome,
  type RequestPlace,
} from './certificate-request.ts';
import { dispensable } from './dispensable-requests.ts';

export interface CertManagerParts {
  readonly api: Pick<KubernetesApi, 'list' | 'create' | 'get' | 'watch' | 'delete'>;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'sleep' | 'after'>;
}

/** Less than who asks gives an upstream, so that what is waited for can be said. */
const WITHIN_MS = 20_000;
const LOOK_AGAIN_MS = 1_000;
/** An outcome that was reported is reported again for this long; then another request is made, for its reason may be gone. */
const REPORTED_FOR_MS = 600_000;

interface Waits {
  readonly signal: AbortSignal;
}

export class CertManagerUpstream implements IntermediateUpstream {
  readonly place: string;
  readonly #parts: CertManagerParts;
  readonly #at: RequestPlace;
  /** The last request whose outcome was reported, and when. */
  #reported: { readonly uid: string; readonly atMs: number } | undefined;

  constructor(parts: CertManagerParts, place: RequestPlace) {
    this.#parts = parts;
    this.#at = place;
    const { kind, name } = place.reference;
    this.place = `cert-manager, ${kind} ${name}, by a CertificateRequest in ${place.namespace}`;
  }

  async sign(request: IntermediateRequest, { signal }: Waits): Promise<string> {
    const { clock } = this.#parts;
    const late = new AbortController();
    const takeBack = clock.after(WITHIN_MS, () => late.abort());
    const either = AbortSignal.any([signal, late.signal]);
    try {
      return await this.#signed(request, { signal: either });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AuthorityError) throw error;
      if (late.signal.aborted) throw this.#problem(`the API server did not answer within ${WITHIN_MS / 1_000} s`);
      throw this.#problem(this.#meaning(error), error);
    } finally {
      takeBack();
    }
  }

  async #signed(request: IntermediateRequest, options: Waits): Promise<string> {
    const { api } = this.#parts;
    const { namespace } = this.#at;
    const content = contentOf(this.#at, request);
    const query = { namespace, labels: selectorFor(this.#at) };
    const { items } = await api.list(CERTIFICATE_REQUEST, query, options);
    const known = items.filter((one) => asksFor(one, content) && !this.#isStale(one));
    const found =
      known.toSorted(newestFirst)[0] ??
      (await api.create(CERTIFICATE_REQUEST, requestObject(this.#at, request), options));
    const outcome = await this.#settled(found, options);
    await this.#tidy(items, found, options);
    const { name, uid } = found.metadata;
    if (outcome.kind !== 'waiting' && this.#reported?.uid !== uid) {
      this.#reported = { uid, atMs: this.#parts.clock.monotonicMs() };
    }
    if (outcome.kind === 'issued') return outcome.chainPem;
    throw this.#problem(`CertificateRequest ${name} ${outcome.problem}`);
  }

  #isStale({ metadata: { uid } }: KubernetesObject): boolean {
    const reported = this.#reported;
    return reported?.uid === uid && this.#parts.clock.monotonicMs() - reported.atMs >= REPORTED_FOR_MS;
  }

  /** What has become of it; what it waits for, when that takes too long. */
  async #settled(created: KubernetesObject, options: Waits): Promise<Outcome> {
    let [object, outcome] = [created, outcomeOf(created)];
    while (outcome.kind === 'waiting') {
      try {
        object = await this.#next(object, options);
        outcome = outcomeOf(object);
      } catch (error) {
        if (!options.signal.aborted) throw error;
        return outcome;
      }
    }
    return outcome;
  }

  /** @returns it after a change, or as it is a moment later. */
  async #next(
    { metadata: { name, uid, resourceVersion } }: KubernetesObject,
    options: Waits,
  ): Promise<KubernetesObject> {
    const { api, clock } = this.#parts;
    const { namespace } = this.#at;
    const query = { namespace, fields: `metadata.name=${name}` };
    try {
      for await (const event of api.watch(CERTIFICATE_REQUEST, query, resourceVersion, options)) {
        if (event.type === 'deleted') throw this.#gone(name);
        if ('object' in event) return event.object;
      }
    } catch (error) {
      if (!(error instanceof KubernetesApiError)) throw error;
    }
    // A watch that ended, or could not be had.
    await clock.sleep(LOOK_AGAIN_MS, options);
    const found = await api.get(CERTIFICATE_REQUEST, { namespace, name }, options);
    if (found?.metadata.uid !== uid) throw this.#gone(name);
    return found;
  }

  /** Nobody waits for it: what is not deleted now is deleted the next time. */
  async #tidy(items: readonly KubernetesObject[], current: KubernetesObject, options: Waits): Promise<void> {
    const { api, clock } = this.#parts;
    const { namespace } = this.#at;
    const old = dispensable(items, clock.nowMs()).filter(({ metadata }) => metadata.uid !== current.metadata.uid);
    await Promise.allSettled(
      old.map(async ({ metadata: { name, uid } }) =>
        api.delete(CERTIFICATE_REQUEST, { namespace, name, uid }, options),
      ),
    );
  }

  /** What an operator does about a refusal of the API server. */
  #meaning(error: unknown): string {
    if (!(error instanceof KubernetesApiError)) return 'failed unexpectedly';
    const { status, message } = error;
    const { namespace } = this.#at;
    if (status === 404)
      return `${message}; are cert-manager (cert-manager.io/v1) and the namespace ${namespace} there?`;
    if (status === 403) return `${message}; the chart's role for it is in ${namespace}`;
    return message;
  }

  #gone(name: string): AuthorityError {
    return this.#problem(`CertificateRequest ${name} was deleted before anybody signed it; another one is made`);
  }

  #problem(what: string, cause?: unknown): AuthorityError {
    return new AuthorityError('CAP-S16', { detail: `${this.place}: ${what}`, cause });
  }
}
