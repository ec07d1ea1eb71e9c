// The signer of one issuer for one kind of request: follows those that wait, has each judged and signed, and writes the
// answer, once. What cannot be answered now is tried again; an answer that could not be written is kept and written again.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { abortable } from '../../../live/abortable.ts';
import type { KubernetesApi } from '../api/kubernetes-api.ts';
import { followObjects, type CacheParts, type FollowedObjects } from '../api/object-cache.ts';
import type { ObjectChange } from '../api/object-store.ts';
import { RequestAnswers, type AnsweringParts, type AnsweringSettings } from './request-answers.ts';
import { isWaiting, keyOf, namesIn } from './request-key.ts';
import { RequestQueue } from './request-queue.ts';
import { signerName } from './signing-kind.ts';

export interface RequestSignerParts extends CacheParts, AnsweringParts {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly events: CacheParts['events'] & AnsweringParts['events'];
}

export class RequestSigner {
  readonly #parts: RequestSignerParts;
  readonly #issuerName: string;
  /** They stay when another leads for a while: whoever fails to write statuses fails to renew its lease too. */
  readonly #answers: RequestAnswers;
  #cache: FollowedObjects | undefined;

  constructor(parts: RequestSignerParts, settings: AnsweringSettings) {
    this.#parts = parts;
    this.#issuerName = settings.issuerName;
    this.#answers = new RequestAnswers(parts, settings);
  }

  /** Why requests are not answered as they should be, in words for an operator. */
  get problem(): string | undefined {
    // While another leads it is the trouble of that one.
    return this.#cache === undefined ? undefined : (this.#answers.problem ?? this.#cache.problem);
  }

  /** Answers requests until the signal aborts, and ends with what was under way. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { clock, requests } = this.#parts;
    const fields = `spec.signerName=${signerName(this.#issuerName)}`;
    const keep = (object: KubernetesObject): KubernetesObject => keptOf(object, requests.isPending(object));
    const cache = followObjects(this.#parts, requests.kind, { fields }, { keep });
    this.#cache = cache;
    const addAll = (): void => [...cache.list()].forEach((object) => this.#add(queue, object));
    const queue = new RequestQueue({
      clock,
      work: async (key, tries) => this.#answers.answer(cache, key, tries, signal),
      onRoom: addAll,
    });
    const changed = ({ before, after }: ObjectChange): void => {
      if (after !== undefined && isWaiting(after)) this.#add(queue, after);
      else this.#forget(queue, keyOf(after ?? before));
    };
    cache.onChange(changed, { signal });
    cache.onSync(() => this.#answers.keepOnly((key) => cache.get(...namesIn(key)) !== undefined), { signal });
    cache.start({ signal });
    // The abort is how it ends.
    await abortable(signal, () => () => undefined).catch(() => undefined);
    await queue.end();
    this.#cache = undefined;
  }

  #add(queue: RequestQueue, object: KubernetesObject): void {
    const key = keyOf(object);
    if (!isWaiting(object) || this.#answers.isGivenUp(key, object.metadata.uid)) return;
    queue.add(key, this.#parts.requests.ownerOf(object));
  }

  #forget(queue: RequestQueue, key: string): void {
    this.#answers.forget(key);
    queue.forget(key);
  }
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
