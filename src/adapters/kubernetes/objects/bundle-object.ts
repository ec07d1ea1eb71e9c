// The policy bundle and its signature in a ConfigMap or a Secret, as documents. Whoever may write the object may do no more than
// whoever may write a file: the signature decides. It is asked for and followed by its name alone, so that a role may be
// limited to it.
import { AuthorityError } from '../../../domain/errors.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import { CONFIG_MAP, SECRET } from '../api/kinds.ts';
import { KubernetesApiError, type ApiKind, type KubernetesApi, type ObjectName } from '../api/kubernetes-api.ts';
import { followObjects, type CacheParts, type FollowedObjects } from '../api/object-cache.ts';

export interface BundleObjectParts extends Omit<CacheParts, 'api'> {
  readonly api: Pick<KubernetesApi, 'get' | 'pages' | 'watch'>;
  /** Ends what is asked for. */
  readonly running: AbortSignal;
}

export interface BundleObjectSettings {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly namespace: string;
  readonly name: string;
}

/** Its keys. */
const BUNDLE = 'bundle.yaml';
const SIGNATURE = `${BUNDLE}.sig`;

export class BundleObject implements DocumentSource {
  readonly #parts: BundleObjectParts;
  readonly #kind: ApiKind;
  readonly #at: ObjectName & { readonly namespace: string };
  readonly #followed: FollowedObjects;

  constructor(parts: BundleObjectParts, { kind, namespace, name }: BundleObjectSettings) {
    this.#parts = parts;
    this.#kind = kind === 'Secret' ? SECRET : CONFIG_MAP;
    this.#at = { namespace, name };
    this.#followed = followObjects(parts, this.#kind, { namespace, fields: `metadata.name=${name}` });
  }

  /** Why it is not followed now, in words for an operator. */
  get problem(): string | undefined {
    return this.#followed.problem;
  }

  /** As the API server has it at this moment. */
  async read(): Promise<ReadonlyMap<string, string>> {
    const { api, running: signal } = this.#parts;
    const found = await api.get(this.#kind, this.#at, { signal }).catch((cause: unknown) => {
      if (!(cause instanceof KubernetesApiError)) throw cause;
      throw new AuthorityError('CAP-X03', { detail: `${this.#place} cannot be read: ${cause.message}`, cause });
    });
    if (found === undefined) throw new AuthorityError('CAP-X03', { detail: `${this.#place} does not exist` });
    const texts = textsOf(found);
    if (!texts.has(BUNDLE)) throw new AuthorityError('CAP-X03', { detail: `${this.#place} has no key ${BUNDLE}` });
    return texts;
  }

  placeOf(name: string): string {
    return `${this.#place}/${name}`;
  }

  /** Follows the object from now on. */
  onChange(listener: () => Promise<void> | void, { signal }: { readonly signal: AbortSignal }): void {
    let turn = Promise.resolve();
    let waiting = false;
    const look = (): void => {
      // One look that has not begun sees whatever changes meanwhile.
      if (waiting) return;
      waiting = true;
      turn = turn.then(async () => {
        waiting = false;
        await listener();
      });
    };
    this.#followed.onChange(look, { signal });
    this.#followed.onSync(look, { signal });
    this.#followed.start({ signal });
  }

  get #place(): string {
    return `${this.#kind.plural}/${this.#at.namespace}/${this.#at.name}`;
  }
}

function textsOf({ kind, data }: KubernetesObject): ReadonlyMap<string, string> {
  const values = (data ?? {}) as Readonly<Record<string, string>>;
  const decode = (value: string): string => (kind === 'Secret' ? Buffer.from(value, 'base64').toString('utf8') : value);
  return new Map(
    [BUNDLE, SIGNATURE].flatMap((key): readonly (readonly [string, string])[] => {
      const value = values[key];
      return value === undefined ? [] : [[key, decode(value)]];
    }),
  );
}
