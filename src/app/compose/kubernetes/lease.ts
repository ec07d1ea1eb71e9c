// The lease by which one process of all replicas writes into the cluster: shared by all parts that write.
import { KubernetesLease } from '../../../adapters/kubernetes/lease/kubernetes-lease.ts';
import type { KubernetesApi } from '../../../adapters/kubernetes/api/kubernetes-api.ts';
import type { Config } from '../../../config/schema.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Lease } from '../../../ports/storage/lease.ts';
import type { Foundation } from '../foundation.ts';
import { serverName } from '../../worker-place.ts';

const HOLDER_BYTES = 8;

/** @param at.namespace that Capstan keeps its own in. */
export function composeLease(
  { cluster }: Config,
  { clock, random, lifecycle, health, worker }: Foundation,
  { api, namespace }: { readonly api: KubernetesApi; readonly namespace: string },
): Lease {
  // The pod's name and the worker's slot, for who looks at the Lease; the rest makes each start of each process another holder.
  const holder = `${serverName(worker)}_${Buffer.from(random.bytes(HOLDER_BYTES)).toString('hex')}`;
  const lease = new KubernetesLease({ api, clock }, { namespace, name: cluster.kubernetes.leaseName, holder });
  lifecycle.at('flush', 'lease of the cluster', async () => lease[Symbol.asyncDispose]());
  health.report('lease', () =>
    degradedBy(
      lease.problem === undefined ? undefined : `the lease of the writers cannot be asked for: ${lease.problem}`,
    ),
  );
  return lease;
}
