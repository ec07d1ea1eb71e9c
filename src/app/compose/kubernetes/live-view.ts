// What policies see of the cluster through its API server: the kinds that those in force name.
import { followObjects } from '../../../adapters/kubernetes/api/object-cache.ts';
import { Discovery } from '../../../adapters/kubernetes/view/discovery.ts';
import { LiveClusterView } from '../../../adapters/kubernetes/view/live-cluster-view.ts';
import { keptInFull } from '../../../adapters/kubernetes/workloads/kept-objects.ts';
import type { Config } from '../../../config/schema.ts';
import { kindsNamedBy } from '../../../domain/policy/named-kinds.ts';
import type { PolicySource } from '../../../ports/policy/policy-source.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from './kubernetes.ts';

/** Longest that the start waits for kinds that policies name; what they decide is UNAVAILABLE until they are read. */
const START_WITHIN_MS = 10_000;

export function composeLiveView(
  { cluster }: Config,
  { clock, random, events }: Foundation,
  { api, caches }: Pick<Kubernetes, 'api' | 'caches'>,
): LiveClusterView {
  const parts = { api, clock, random, events, cluster: cluster.id };
  return new LiveClusterView(
    {
      ...parts,
      discovery: new Discovery(parts),
      shared: [caches.namespaces, caches.serviceAccounts, caches.pods],
      follower: (kind) => followObjects(parts, kind, {}, { keep: keptInFull }),
      wantPodsInFull: () => caches.pods.keepOtherwise(keptInFull),
    },
    {
      staleAfterMs: cluster.kubernetes.staleAfter,
      run: Buffer.from(random.bytes(4)).toString('hex'),
    },
  );
}

/** Follows what policies name now and after each change of them. Resolves once the first of it is read, or a while later. */
export async function followPolicies(
  view: LiveClusterView,
  policies: PolicySource,
  { clock, running: signal }: Foundation,
): Promise<void> {
  const need = (): void => view.need(kindsNamedBy(policies.current()), { signal });
  policies.onChange(need, { signal });
  need();
  const wait = new AbortController();
  const stop = clock.after(START_WITHIN_MS, () => wait.abort());
  // Going on is safe: what is not read yet says so itself.
  await view.settled({ signal: AbortSignal.any([signal, wait.signal]) }).catch(() => undefined);
  stop();
}
