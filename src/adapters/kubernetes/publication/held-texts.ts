// What the texts of published objects hold: thousands of objects have the same one, which is read once.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import { heldIn, type PublishedPlace } from '../../../domain/trust/rotation/published-place.ts';
import { textOf } from './published-object.ts';

/** Different texts that are remembered: one, and during a change two. */
const MAX_TEXTS = 16;

type Held = Pick<PublishedPlace, 'digest' | 'anchors'>;

export class HeldTexts {
  readonly #known = new Map<string, Held>();

  of(text: string | undefined, trustDomain: TrustDomain): Held {
    if (text === undefined) return { anchors: [] };
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_TEXTS) this.#known.clear();
    const held = heldIn(text, trustDomain);
    this.#known.set(text, held);
    return held;
  }

  /** @param current cut by `cutTo`; absent where nothing is there. */
  place(
    where: Pick<PublishedPlace, 'kind' | 'name'>,
    current: KubernetesObject | undefined,
    trustDomain: TrustDomain,
  ): PublishedPlace {
    const version = current?.metadata.resourceVersion;
    return { ...where, ...(version !== undefined && { version }), ...this.of(textOf(current), trustDomain) };
  }
}
