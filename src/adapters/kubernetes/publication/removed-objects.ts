// What an earlier configuration had us publish and this one does not: it is removed, or emptied, once, when we begin to lead. What another
// has written over meanwhile is left to it, so that the next writer can take over without a gap. A role that may not even list
// it has never let us write it, or no longer does; then there is nothing that we could remove.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import type { Events, PublishedKind } from '../../../ports/platform/events.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Publisher } from '../../../ports/issuing/publication.ts';
import { isApiError, type ApiKind, type CallOptions, type KubernetesApi } from '../api/kubernetes-api.ts';
import { cutTo, otherWriterOf, selectorOf, textOf, type Mark, type TextField } from './published-object.ts';

export interface RemovedObjectsParts {
  readonly api: Pick<KubernetesApi, 'list' | 'delete' | 'apply'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly events: Pick<Events, 'objectPublished' | 'publicationFailed'>;
}

const PACE_MS = 10;
const RETRY_MS = 60_000;

export class RemovedObjects implements Publisher {
  readonly #parts: RemovedObjectsParts;
  readonly #what: PublishedKind;
  readonly #kind: ApiKind;
  readonly #name: string | undefined;
  readonly #cut: (object: KubernetesObject) => KubernetesObject;
  readonly #mark: Mark;
  /** Of an object whose readers must not miss it. */
  readonly #emptied: TextField | undefined;
  readonly #failure: ReportOnce;

  constructor(
    parts: RemovedObjectsParts,
    what: {
      readonly object: PublishedKind;
      readonly kind: ApiKind;
      readonly field: TextField;
      /** That all of them have: a role that is for this name alone lets them be listed. */
      readonly name?: string;
      /** Their text is made empty, and they stay: for readers that would go on with what they have. */
      readonly emptied?: boolean;
    },
    mark: Mark,
  ) {
    this.#parts = parts;
    this.#what = what.object;
    this.#kind = what.kind;
    this.#name = what.name;
    this.#cut = cutTo(what.field, (text) => text);
    this.#mark = mark;
    this.#emptied = what.emptied === true ? what.field : undefined;
    const { object } = what;
    this.#failure = new ReportOnce((problem) => parts.events.publicationFailed({ object, place: 'all', problem }));
  }

  wantedChanged(): void {
    // Nothing is wanted.
  }

  /** Resolves when nothing of ours is left. */
  async keep(_wanted: unknown, options: CallOptions): Promise<void> {
    while (!options.signal.aborted && !(await this.#removed(options))) {
      await this.#parts.clock.sleep(RETRY_MS, options).catch(() => undefined);
    }
  }

  async #removed(options: CallOptions): Promise<boolean> {
    const { api, clock } = this.#parts;
    try {
      const query = {
        labels: selectorOf(this.#mark),
        ...(this.#name !== undefined && { fields: `metadata.name=${this.#name}` }),
      };
      const { items } = await api.list(this.#kind, query, options);
      for (const item of items) {
        const seen = this.#cut(item);
        if (otherWriterOf(seen) !== undefined || (this.#emptied !== undefined && textOf(seen) === '')) continue;
        await this.#remove(item, options);
        await clock.sleep(PACE_MS, options);
      }
      return true;
    } catch (error) {
      if (options.signal.aborted || isApiError(error, 403) || isApiError(error, 404)) return true;
      this.#failure.found(error instanceof Error ? error.message : 'unexpected failure');
      return false;
    }
  }

  async #remove({ metadata }: KubernetesObject, options: CallOptions): Promise<void> {
    const { api, events } = this.#parts;
    const { name, namespace, uid, labels, resourceVersion } = metadata;
    const place = { name, ...(namespace !== undefined && { namespace }) };
    if (this.#emptied === undefined) await api.delete(this.#kind, { ...place, uid }, options);
    else {
      const { apiVersion, kind } = this.#kind;
      const [section, field] = this.#emptied;
      const empty = { apiVersion, kind, metadata: { ...place, labels, resourceVersion }, [section]: { [field]: '' } };
      await api.apply(this.#kind, empty, { ...options, force: true });
    }
    const change = this.#emptied === undefined ? 'removed' : 'updated';
    events.objectPublished({ object: this.#what, place: namespace ?? name, change });
  }
}
