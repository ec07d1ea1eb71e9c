// One kind that policies name, from its name to its objects: found by discovery, allowed by our role, then listed and
// watched. Whatever stands in the way is looked at again every ten seconds, for kinds and roles come later than policies.
import type { NamedKind } from '../../../domain/policy/named-kinds.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { KubernetesApiError, type ApiKind, type KubernetesApi } from '../api/kubernetes-api.ts';
import type { FollowedObjects } from '../api/object-cache.ts';
import { lackingVerbs, resourceName } from './access.ts';
import type { Discovery } from './discovery.ts';

export interface KindParts {
  readonly api: Pick<KubernetesApi, 'create'>;
  readonly discovery: Pick<Discovery, 'find'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly events: Pick<Events, 'watchFailing' | 'watchRecovered'>;
  readonly cluster: string;
  /** Its id where it is not the server's own. */
  readonly remoteCluster?: string | undefined;
  /** The objects of a kind, followed for as long as somebody needs them; the same for everybody. */
  readonly follow: (kind: ApiKind, options: { readonly signal: AbortSignal }) => FollowedObjects;
  /** Something else can be said of the kind than before. */
  readonly changed: () => void;
}

const LOOK_AGAIN_MS = 10_000;

export class FollowedKind {
  /** As policies name it now; another of them may come first than did. */
  named: NamedKind;
  readonly #parts: KindParts;
  readonly #end = new AbortController();
  readonly #obstacle: ReportOnce;
  #objects: readonly FollowedObjects[] = [];

  constructor(parts: KindParts, named: NamedKind) {
    this.#parts = parts;
    this.named = named;
    const { events, cluster } = parts;
    this.#obstacle = new ReportOnce((problem) => events.watchFailing({ cluster, kind: named.kind, problem }));
  }

  /** What follows it, once it is followed. */
  get objects(): readonly FollowedObjects[] {
    return this.#objects;
  }

  /** Why it cannot be followed: it is not there, not permitted, or nobody could be asked. */
  get obstacle(): string | undefined {
    return this.#obstacle.problem;
  }

  /** Why nothing can be said of its objects; absent when something can, as it was last known. */
  get unsynced(): string | undefined {
    if (this.#objects.length === 0) return this.obstacle ?? this.#notYet();
    const unknown = this.#objects.find(({ isUnknown }) => isUnknown);
    if (unknown !== undefined) return this.#noSuchKind();
    return this.#objects.every(({ isComplete }) => isComplete) ? undefined : this.#notYet();
  }

  start({ signal }: { readonly signal: AbortSignal }): void {
    void this.#follow(AbortSignal.any([signal, this.#end.signal]));
  }

  /** Nobody needs it any more. */
  stop(): void {
    this.#end.abort(NOT_NEEDED);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const found = await this.#look(signal);
      if (this.#end.signal.aborted) return;
      if (typeof found === 'string') {
        this.#obstacle.found(found);
        this.#parts.changed();
        // The abort is how the loop ends.
        await this.#parts.clock.sleep(LOOK_AGAIN_MS, { signal }).catch(() => undefined);
        continue;
      }
      const { events, cluster } = this.#parts;
      if (this.#obstacle.over()) events.watchRecovered({ cluster, kind: this.named.kind });
      this.#objects = found.map((kind) => this.#parts.follow(kind, { signal }));
      for (const objects of this.#objects) objects.onSync(this.#parts.changed, { signal });
      this.#parts.changed();
      return;
    }
  }

  /** @returns what it is served as, or what stands in the way. */
  async #look(signal: AbortSignal): Promise<readonly ApiKind[] | string> {
    const { kind, apiVersion } = this.named;
    try {
      const found = await this.#parts.discovery.find(kind, apiVersion, { signal });
      if (found.length === 0) return this.#noSuchKind();
      for (const one of found) {
        const lacking = await lackingVerbs(this.#parts.api, one, { signal });
        if (lacking.length > 0) return this.#lacksRole(one);
      }
      return found;
    } catch (error) {
      return error instanceof KubernetesApiError ? error.message : 'unexpected failure';
    }
  }

  #notYet(): string {
    const problem = this.#objects.map((one) => one.problem).find((one) => one !== undefined);
    return `${this.named.kind} objects of ${this.#whose} are not read yet${problem === undefined ? '' : `: ${problem}`}`;
  }

  #noSuchKind(): string {
    const { kind, apiVersion, policy } = this.named;
    const what = apiVersion === undefined ? kind : `${kind} of ${apiVersion}`;
    return `policy ${policy} names ${what}, which ${this.#whose} does not have`;
  }

  #lacksRole(kind: ApiKind): string {
    const { policy } = this.named;
    const { remoteCluster } = this.#parts;
    const who = policy === '' ? 'Capstan' : `policy ${policy}`;
    const where = remoteCluster === undefined ? '' : ` in ${this.#whose}`;
    return `${who} needs get, list and watch on ${resourceName(kind)}${where}; the role lacks it`;
  }

  get #whose(): string {
    const { remoteCluster } = this.#parts;
    return remoteCluster === undefined ? 'the cluster' : `the cluster ${remoteCluster}`;
  }
}

const NOT_NEEDED = new Error('no policy names the kind any more');
