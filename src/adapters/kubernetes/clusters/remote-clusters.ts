// Clusters beside the own one, each by its kubeconfig: one that is given is followed, one that is taken away ends, and nothing
// restarts. A kubeconfig that breaks leaves its cluster as it was.
import { hash } from 'node:crypto';
import { AuthorityError } from '../../../domain/errors.ts';
import { ReportEachOnce } from '../../../live/report-once.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { ApiAccess } from '../api/access/api-access.ts';
import { kubeconfigAccess } from '../api/access/kubeconfig.ts';
import type { KnownCluster, KnownClusters } from './known-clusters.ts';

/** A kubeconfig as it was found: its text, or why there is none. */
export type GivenKubeconfig = { readonly place: string } & ({ readonly text: string } | { readonly problem: string });

export interface RemoteClustersParts {
  readonly clusters: KnownClusters;
  readonly events: Pick<Events, 'remoteCluster' | 'remoteClusterFailed'>;
  /** Makes what asks and follows a cluster; nothing is started by it. */
  readonly connect: (id: string, access: ApiAccess) => Pick<KnownCluster, 'api' | 'caches' | 'workloads'>;
}

/** Where kubeconfigs come from; of two for one cluster that of the folder counts. */
const SOURCES = ['directory', 'secrets'] as const;
export type RemoteSource = (typeof SOURCES)[number];

/** Each holds its pods in memory, and its API server is asked by itself. */
const MAX_CLUSTERS = 100;
/** As in `cluster.id`. */
const ID = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

interface Remote {
  readonly digest: string;
  readonly cluster: KnownCluster;
  readonly end: AbortController;
}

export class RemoteClusters {
  readonly #parts: RemoteClustersParts;
  readonly #given = new Map<RemoteSource, ReadonlyMap<string, GivenKubeconfig>>();
  readonly #remotes = new Map<string, Remote>();
  readonly #problems = new ReportEachOnce();

  constructor(parts: RemoteClustersParts) {
    this.#parts = parts;
  }

  /** Why kubeconfigs are not taken, or their clusters not followed, the first of them; each is in the log. */
  get problem(): string | undefined {
    const [broken] = this.#problems.problems.values();
    if (broken !== undefined) return broken;
    const troubled = this.#remotes.values().find(({ cluster }) => cluster.workloads.problem !== undefined);
    return troubled && `cluster ${troubled.cluster.id}: ${troubled.cluster.workloads.problem ?? ''}`;
  }

  /** How old what is known of each is, in ms. */
  ages(): readonly { readonly cluster: string; readonly staleMs: number }[] {
    return [...this.#remotes.values()].map(({ cluster: { id, workloads } }) => ({
      cluster: id,
      staleMs: workloads.staleMs(),
    }));
  }

  /** Takes all that a source gives now, by cluster id. @param options.signal ends what is begun here. */
  update(
    source: RemoteSource,
    given: ReadonlyMap<string, GivenKubeconfig>,
    { signal }: { readonly signal: AbortSignal },
  ): void {
    this.#given.set(source, given);
    const all = new Map(SOURCES.toReversed().flatMap((one) => [...(this.#given.get(one) ?? [])]));
    for (const id of this.#remotes.keys()) if (!all.has(id)) this.#end(id);
    const problems = new Map<string, string>();
    for (const [id, one] of all) {
      const problem = this.#take(id, one, signal);
      if (problem !== undefined) problems.set(id, problem);
    }
    const { fresh } = this.#problems.look(problems);
    for (const id of fresh) this.#parts.events.remoteClusterFailed({ cluster: id, problem: problems.get(id) ?? '' });
  }

  /** @returns why it is not taken. */
  #take(id: string, given: GivenKubeconfig, signal: AbortSignal): string | undefined {
    const { place } = given;
    if (!ID.test(id)) return `${place} is not named like the id of a cluster`;
    if (id === this.#parts.clusters.own.id) return `${place} is named like the server's own cluster (cluster.id)`;
    if ('problem' in given) return `${place} ${given.problem}`;
    const digest = hash('sha256', given.text, 'hex');
    if (this.#remotes.get(id)?.digest === digest) return undefined;
    if (!this.#remotes.has(id) && this.#remotes.size >= MAX_CLUSTERS) {
      return `${place} is of one cluster more than ${MAX_CLUSTERS}`;
    }
    try {
      const access = kubeconfigAccess(given.text, place);
      if (this.#remotes.has(id)) this.#end(id);
      this.#begin(id, access, digest, signal);
      return undefined;
    } catch (error) {
      if (error instanceof AuthorityError) return error.detail ?? error.message;
      throw error;
    }
  }

  #begin(id: string, access: ApiAccess, digest: string, signal: AbortSignal): void {
    const end = new AbortController();
    const both = AbortSignal.any([signal, end.signal]);
    const cluster = { id, ...this.#parts.connect(id, access), signal: both };
    this.#remotes.set(id, { digest, cluster, end });
    this.#parts.events.remoteCluster({ cluster: id, state: 'added', server: access.server.origin });
    this.#parts.clusters.add(cluster);
    cluster.workloads.start({ signal: both });
  }

  #end(id: string): void {
    const remote = this.#remotes.get(id);
    if (remote === undefined) return;
    this.#remotes.delete(id);
    this.#parts.clusters.remove(id);
    remote.end.abort(new Error(`the cluster ${id} is not known any more`));
    this.#parts.events.remoteCluster({ cluster: id, state: 'removed' });
  }
}
