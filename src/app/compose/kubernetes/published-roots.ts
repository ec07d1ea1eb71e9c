// Where trust anchors are published in the cluster, and that they are before certificates below them are issued. Every
// process sees it; who writes is in publication.ts.
import { CONFIG_MAP } from '../../../adapters/kubernetes/api/kinds.ts';
import {
  BUNDLE_FIELD,
  CLUSTER_TRUST_BUNDLE,
  ClusterTrustBundles,
} from '../../../adapters/kubernetes/publication/cluster-trust-bundles.ts';
import {
  carriedAnchors,
  secretCarrier,
  webhookCarrier,
} from '../../../adapters/kubernetes/publication/carried-anchors.ts';
import { ObjectKeeper } from '../../../adapters/kubernetes/publication/object-keeper.ts';
import { RemovedObjects } from '../../../adapters/kubernetes/publication/removed-objects.ts';
import { ROOT_FIELD, RootConfigMaps } from '../../../adapters/kubernetes/publication/root-config-maps.ts';
import { SeenNamespaces } from '../../../adapters/kubernetes/publication/seen-namespaces.ts';
import { RootsBeforeLeaves } from '../../../authority/trust/roots-before-leaves.ts';
import type { Config } from '../../../config/schema.ts';
import type { Publisher } from '../../../ports/issuing/publication.ts';
import type { AnchorPlaces } from '../../../ports/issuing/root-publication.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from './kubernetes.ts';

/** As istiod's chart mounts it. */
export const ISTIOD_SECRET = 'istiod-tls';

export interface PublishedTrust {
  readonly roots: RootsBeforeLeaves;
  readonly publishers: readonly Publisher[];
  /** Where they are for others to read. */
  readonly published: AnchorPlaces;
  /** What is wrong with what is published, in words; nothing when all is well. */
  problem(): string | undefined;
}

/** @returns nothing where no API server is configured. */
export function composePublishedTrust(
  config: Config,
  foundation: Foundation,
  { kubernetes }: Pick<Cluster, 'kubernetes'>,
): PublishedTrust | undefined {
  if (kubernetes === undefined) return undefined;
  const maps = configMapsOf(config, foundation, kubernetes);
  const bundles = trustBundlesOf(config, foundation, kubernetes);
  const { clock, events } = foundation;
  const { waitFor: waitMs } = config.cluster.kubernetes.publish.rootConfigMap;
  const published = maps.plan ?? { lacking: () => 0, onChange: () => undefined };
  const roots = new RootsBeforeLeaves({ published, clock, events }, { waitMs });
  const followed = [maps.plan, bundles.plan].filter((plan) => plan !== undefined);
  return {
    roots,
    publishers: [maps.publisher, bundles.publisher],
    published: placesOf(config, kubernetes, followed),
    problem: () => maps.problem() ?? roots.problem() ?? bundles.problem(),
  };
}

/** Those that are followed, and those that are asked for. */
function placesOf(
  { cluster: { kubernetes }, trustDomain }: Config,
  { api }: Kubernetes,
  followed: readonly (RootConfigMaps | ClusterTrustBundles)[],
): AnchorPlaces {
  const { publish, admission } = kubernetes;
  const carriers = [
    ...(publish.istiodTls.namespace === undefined ? [] : [secretCarrier(publish.istiodTls.namespace, ISTIOD_SECRET)]),
    ...(admission.address === undefined ? [] : [webhookCarrier(admission.configuration)]),
  ];
  return {
    places: async (options) => {
      const carried = await carriedAnchors(api, carriers, trustDomain, options);
      const all = [...followed.map((plan) => plan.places(trustDomain)), carried];
      return all.includes(undefined) ? undefined : all.flatMap((places) => places ?? []);
    },
  };
}

function configMapsOf({ cluster }: Config, foundation: Foundation, { api, clusters, namespace }: Kubernetes) {
  const { clock, random, events, startUp, startWait, running } = foundation;
  const { enabled, name, namespaceSelector, excludedNamespaces } = cluster.kubernetes.publish.rootConfigMap;
  const mark = { namespace, leaseName: cluster.kubernetes.leaseName };
  if (!enabled) {
    const what = { object: 'root-config-map', kind: CONFIG_MAP, field: ROOT_FIELD, name } as const;
    return {
      plan: undefined,
      publisher: new RemovedObjects({ api, clock, events }, what, mark),
      problem: () => undefined,
    };
  }
  const parts = { api, clock, random, events, cluster: cluster.id };
  const seen = new SeenNamespaces(parts, clusters.own.caches.namespaces, { name, field: ROOT_FIELD });
  const plan = new RootConfigMaps(seen, { name, selector: namespaceSelector, excluded: excludedNamespaces, mark });
  const publisher = new ObjectKeeper({ api, plan, clock, events });
  startUp.at('load', async (options) => {
    seen.start({ signal: running });
    await startWait.until(async (either) => seen.whenSynced(either), options);
  });
  return { plan, publisher, problem: () => seen.problem ?? publisher.problem() };
}

function trustBundlesOf({ cluster }: Config, foundation: Foundation, { api, namespace }: Kubernetes) {
  const { clock, random, events, startUp, running } = foundation;
  const { clusterTrustBundles: bundles } = cluster.kubernetes.publish;
  const mark = { namespace, leaseName: cluster.kubernetes.leaseName };
  if (bundles.length === 0) {
    const what = { object: 'cluster-trust-bundle', kind: CLUSTER_TRUST_BUNDLE, field: BUNDLE_FIELD } as const;
    return {
      plan: undefined,
      publisher: new RemovedObjects({ api, clock, events }, what, mark),
      problem: () => undefined,
    };
  }
  const plan = new ClusterTrustBundles({ api, clock, random, events, cluster: cluster.id }, { bundles, mark });
  const publisher = new ObjectKeeper({ api, plan, clock, events });
  startUp.at('load', () => plan.start({ signal: running }));
  return { plan, publisher, problem: () => plan.problem ?? publisher.problem() };
}
