// The clusters beside the own one whose callers are known here: by a folder of kubeconfigs, and by Secrets where that is
// asked for.
import { watchedDirectory } from '../../../adapters/files/watched-directory.ts';
import { HttpsConnection } from '../../../adapters/kubernetes/api/api-connection.ts';
import { KubernetesClient } from '../../../adapters/kubernetes/api/kubernetes-client.ts';
import type { KubernetesApi } from '../../../adapters/kubernetes/api/kubernetes-api.ts';
import { readKubeconfigFolder } from '../../../adapters/kubernetes/clusters/kubeconfig-folder.ts';
import { kubeconfigSecrets, kubeconfigsIn } from '../../../adapters/kubernetes/clusters/kubeconfig-secrets.ts';
import type { KnownClusters } from '../../../adapters/kubernetes/clusters/known-clusters.ts';
import { RemoteClusters, type RemoteClustersParts } from '../../../adapters/kubernetes/clusters/remote-clusters.ts';
import { FollowedWorkloads, workloadCaches } from '../../../adapters/kubernetes/workloads/followed-workloads.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';

interface Former {
  readonly api: KubernetesApi;
  readonly clusters: KnownClusters;
}

export function composeRemoteClusters(
  { cluster }: Config,
  foundation: Foundation,
  { api, clusters }: Former,
): RemoteClusters {
  const { clock, random, events, health, startUp, running: signal } = foundation;
  const { directory, secrets } = cluster.remote;
  const staleAfterMs = cluster.kubernetes.staleAfter;
  const connect: RemoteClustersParts['connect'] = (id, access) => {
    const api = new KubernetesClient({ connection: new HttpsConnection(access, clock), clock });
    const caches = workloadCaches({ api, clock, random, events, cluster: id });
    return { api, caches, workloads: new FollowedWorkloads(caches, { staleAfterMs }) };
  };
  const remotes = new RemoteClusters({ clusters, events, connect });
  const folder = directory === undefined ? undefined : followFolder(directory, remotes, foundation);
  const inSecrets =
    secrets.namespace === undefined
      ? undefined
      : kubeconfigSecrets({ api, clock, random, events, cluster: cluster.id }, secrets.namespace);
  startUp.at('load', async () => {
    await folder?.start();
    if (inSecrets === undefined) return;
    const take = (): void => {
      if (inSecrets.synced) remotes.update('secrets', kubeconfigsIn(inSecrets.list()), { signal });
    };
    inSecrets.onSync(take, { signal });
    inSecrets.onChange(take, { signal });
    inSecrets.start({ signal });
  });
  if (directory !== undefined || inSecrets !== undefined) {
    health.report('remote clusters', () => degradedBy(folder?.problem() ?? inSecrets?.problem ?? remotes.problem));
  }
  return remotes;
}

/** While the folder cannot be listed its clusters stay. */
function followFolder(root: string, remotes: RemoteClusters, { files, events, running: signal }: Foundation) {
  const documents = watchedDirectory({ root, read: readKubeconfigFolder }, files);
  const failure = new ReportOnce((problem) => events.remoteClusterFailed({ cluster: 'all', problem }));
  const read = async (): Promise<void> => {
    try {
      remotes.update('directory', await documents.read(), { signal });
      failure.over();
    } catch (error) {
      failure.found(error instanceof AuthorityError ? error.message : 'unexpected failure');
    }
  };
  const start = async (): Promise<void> => {
    await read();
    documents.onChange(read, { signal });
  };
  return { start, problem: () => failure.problem };
}
