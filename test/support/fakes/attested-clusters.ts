// The clusters of callers as a test says: the own one, and remote ones by their ids.
import type { AttestedCluster, AttestedClusters } from '../../../src/ports/cluster/attested-clusters.ts';
import type { Gone } from '../../../src/ports/cluster/workload-directory.ts';
import { FakeWorkloadDirectory } from './kubernetes/fake-workload-directory.ts';

export class FakeAttestedClusters implements AttestedClusters {
  readonly own = new FakeWorkloadDirectory();
  /** What a server of before heard of the own cluster. */
  seenBeforeMs: number | undefined;
  readonly #remote = new Map<string, FakeWorkloadDirectory>();

  remote(id: string): FakeWorkloadDirectory {
    const known = this.#remote.get(id) ?? new FakeWorkloadDirectory();
    this.#remote.set(id, known);
    return known;
  }

  forget(id: string): void {
    this.#remote.delete(id);
  }

  of(remoteCluster: string | undefined): AttestedCluster | undefined {
    const workloads = remoteCluster === undefined ? this.own : this.#remote.get(remoteCluster);
    return workloads && { workloads, seenBeforeStartMs: () => this.seenBeforeMs };
  }

  onGone(
    listener: (gone: Gone, remoteCluster: string | undefined) => void,
    options: { readonly signal: AbortSignal },
  ): void {
    this.own.onGone((gone) => listener(gone, undefined), options);
    for (const [id, workloads] of this.#remote) workloads.onGone((gone) => listener(gone, id), options);
  }
}
