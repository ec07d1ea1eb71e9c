// The answer to one request, from a look at it to a written status: what was made for it before is written again, or it is
// judged and signed, as often as it may be.
import { AuthorityError } from '../../../domain/errors.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { KubernetesApiError, type KubernetesApi } from '../api/kubernetes-api.ts';
import type { FollowedObjects } from '../api/object-cache.ts';
import type { ReportedRefusal } from '../../../ports/policy/refusal-reporter.ts';
import { mayPassLater } from './answers.ts';
import { KeptAnswers } from './kept-answers.ts';
import { isWaiting, namesIn } from './request-key.ts';
import type { Outcome } from './request-queue.ts';
import { answered, refusalOf, signerName, type Signed, type SigningKind, type Status } from './signing-kind.ts';

export interface AnsweringParts {
  readonly api: Pick<KubernetesApi, 'get' | 'replace'>;
  readonly clock: Clock;
  readonly events: Pick<Events, 'requestGivenUp' | 'unexpected'>;
  readonly requests: SigningKind;
  /** Where the owners of who waits look; absent where nothing is reported to them. */
  readonly report?: ((refusal: ReportedRefusal) => void) | undefined;
}

export interface AnsweringSettings {
  readonly issuerName: string;
  /** Longest that one request may take to be judged and signed, in ms; it is tried again afterwards. */
  readonly deadlineMs: number;
}

/** A refusal is judged anew after a quarter of an hour; by then the kube-controller-manager deletes what is unanswered. */
const REFUSAL_USEFUL_MS = 900_000;
const RETRY: Outcome = { retry: true };
/** What the server calls invalid, or too large with what we add, it hardly takes a moment later. */
const HARDLY_TAKEN = [400, 413, 422];
const HARDLY_TAKEN_RETRY: Outcome = { retry: true, afterMs: 60_000 };
/** Of the Event. */
const GIVEN_UP = 'CertificateNotWritten';

type Judged = Signed & { readonly hasCertificate: boolean };

export class RequestAnswers {
  readonly #parts: AnsweringParts;
  readonly #settings: AnsweringSettings;
  readonly #kept = new KeptAnswers();

  constructor(parts: AnsweringParts, settings: AnsweringSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** What could not be written, in words for an operator. */
  get problem(): string | undefined {
    const unwritten = this.#kept.unwritten();
    if (unwritten === undefined) return undefined;
    const { count, key, problem } = unwritten;
    const more = count > 1 ? `, nor to ${count - 1} more` : '';
    return `no answer can be written to ${this.#nameOf(key)} of ${this.#signerName}${more}: ${problem}`;
  }

  isGivenUp(key: string, uid: string): boolean {
    return this.#kept.isGivenUp(key, uid);
  }

  /** It waits no more, or is gone. */
  forget(key: string): void {
    this.#kept.forget(key);
  }

  /** Forgets those that are not there any more. */
  keepOnly(isThere: (key: string) => boolean): void {
    this.#kept.keepOnly(isThere);
  }

  /** @param tries that were made before. */
  async answer(cache: FollowedObjects, key: string, tries: number, signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.#tried(cache, key, tries, signal);
    const known = cache.get(...namesIn(key));
    if (known !== undefined && isWaiting(known)) return outcome;
    // It went while it was worked on, and nobody will say so again.
    this.#kept.forget(key);
    return 'done';
  }

  async #tried(cache: FollowedObjects, key: string, tries: number, signal: AbortSignal): Promise<Outcome> {
    const { api, requests } = this.#parts;
    try {
      const object = await this.#look(cache, key, signal);
      if (object === undefined) return 'done';
      const status = await this.#statusOf(key, object, tries, signal);
      if (status === undefined) return this.#giveUp(key, object);
      const written = await api.replace(requests.kind, answered(object, status), { signal, subresource: 'status' });
      if (requests.isPending(written)) throw notKept();
      this.#kept.written(key);
      return 'done';
    } catch (error) {
      return this.#failed(cache, key, error, signal);
    }
  }

  /** @returns the object as it is, while it waits for us. */
  async #look(cache: FollowedObjects, key: string, signal: AbortSignal): Promise<KubernetesObject | undefined> {
    const { api, requests } = this.#parts;
    const [namespace, name] = namesIn(key);
    const object = this.#kept.has(key)
      ? // Whatever kept the answer from being written, the object may be another by now.
        await api.get(requests.kind, { name, ...(namespace !== undefined && { namespace }) }, { signal })
      : cache.get(namespace, name);
    return object !== undefined && isWaiting(object) && requests.isPending(object) ? object : undefined;
  }

  /** @returns nothing where no answer is left, and none may be made. */
  async #statusOf(
    key: string,
    object: KubernetesObject,
    tries: number,
    signal: AbortSignal,
  ): Promise<Status | undefined> {
    const { clock } = this.#parts;
    const { uid } = object.metadata;
    const kept = this.#kept.usefulOf(key, uid, clock.monotonicMs());
    if (kept !== undefined || this.#kept.isSpent(key, uid)) return kept;
    const { status, hasCertificate, usefulForMs } = await this.#judged(object, tries, signal);
    this.#kept.keep(key, uid, { status, hasCertificate, usefulUntilMs: clock.monotonicMs() + usefulForMs });
    return status;
  }

  /** @throws AuthorityError for what may pass later. */
  async #judged(object: KubernetesObject, tries: number, signal: AbortSignal): Promise<Judged> {
    const { clock, requests } = this.#parts;
    const { issuerName, deadlineMs } = this.#settings;
    const late = new AbortController();
    const stop = clock.after(deadlineMs, () => late.abort(new AuthorityError('CAP-S07')));
    try {
      const options = { signal: AbortSignal.any([signal, late.signal]) };
      return { ...(await requests.sign(object, issuerName, options)), hasCertificate: true };
    } catch (error) {
      if (!(error instanceof AuthorityError) || mayPassLater(error, tries)) throw error;
      const status = requests.refuse(refusalOf(error, clock.nowMs()));
      return { status, usefulForMs: REFUSAL_USEFUL_MS, hasCertificate: false };
    } finally {
      stop();
    }
  }

  #failed(cache: FollowedObjects, key: string, error: unknown, signal: AbortSignal): Outcome {
    // Nobody waits for it any more, or for us.
    if (signal.aborted || cache.get(...namesIn(key)) === undefined) return RETRY;
    if (error instanceof AuthorityError) return retryAfter(error.retryAfterMs);
    if (error instanceof KubernetesApiError) return this.#notWritten(key, error);
    this.#parts.events.unexpected({ where: `signer of ${this.#parts.requests.kind.plural}`, cause: error });
    return RETRY;
  }

  #notWritten(key: string, { status, message, retryAfterMs }: KubernetesApiError): Outcome {
    if (status === 404) return 'done';
    // Somebody else wrote meanwhile; looked at anew.
    if (status === 409) return RETRY;
    const isLast = HARDLY_TAKEN.includes(status);
    this.#kept.notWritten(key, message, isLast);
    return isLast ? HARDLY_TAKEN_RETRY : retryAfter(retryAfterMs);
  }

  /** The certificates in what could not be written are on record, and go nowhere. */
  #giveUp(key: string, object: KubernetesObject): Outcome {
    const { events, report, requests } = this.#parts;
    const { certificates, problem } = this.#kept.giveUp(key);
    const request = this.#nameOf(key);
    events.requestGivenUp({ kind: requests.kind.plural, request, signer: this.#signerName, certificates, problem });
    const involved = requests.waiterOf(object);
    const message = `the API server takes no answer to ${request}, which is given up: ${problem}`;
    if (involved !== undefined) report?.({ involved, reason: GIVEN_UP, message });
    return 'done';
  }

  get #signerName(): string {
    return signerName(this.#settings.issuerName);
  }

  #nameOf(key: string): string {
    return [this.#parts.requests.kind.plural, ...namesIn(key)].filter((part) => part !== undefined).join('/');
  }
}

/** As an admission plugin of the API server might have it, which answers that all is well. */
function notKept(): KubernetesApiError {
  const message = 'the API server took the answer and kept nothing of it';
  return new KubernetesApiError({ status: 200, reason: 'NotKept', message });
}

function retryAfter(afterMs: number | undefined): Outcome {
  return afterMs === undefined ? RETRY : { retry: true, afterMs };
}
